"""A tiny Stable Diffusion 1 as one file, with the names that its first authors gave to the weights."""

from pathlib import Path

_RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
           "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection"}  # fmt: skip
_UNET = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
         "time_embedding.linear_2": "time_embed.2", "conv_norm_out": "out.0", "conv_out": "out.2"}  # fmt: skip
_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def write(folder: Path, file: Path) -> Path:
    """Of a diffusers folder with one ResNet a block; a test that loads it proves the names."""
    from safetensors.torch import load_file, save_file

    weights = {}
    for part, prefix, named in (("unet", "model.diffusion_model.", _unet), ("vae", "first_stage_model.", _vae)):
        for name, each in load_file(folder / part / "diffusion_pytorch_model.safetensors").items():
            stem, _dot, end = name.rpartition(".")
            key, value = named(stem), each
            if part == "vae" and "attn_1." in key and each.ndim == 2:
                value = each[:, :, None, None]
            weights[f"{prefix}{key}.{end}"] = value.contiguous()
    for name, each in load_file(folder / "text_encoder" / "model.safetensors").items():
        inner = name if name.startswith("text_model.") else f"text_model.{name}"
        weights[f"cond_stage_model.transformer.{inner}"] = each
    save_file(weights, file)
    return file


def _unet(stem: str) -> str:
    for own, other in _UNET.items():
        if stem == own:
            return other
    parts = stem.split(".")
    if parts[0] == "mid_block":
        place = {"resnets.0": "0", "attentions.0": "1", "resnets.1": "2"}[".".join(parts[1:3])]
        return ".".join(["middle_block", place, *_inner(parts[1], parts[3:])])
    block, kind, rest = int(parts[1]), parts[2], parts[4:]
    if parts[0] == "down_blocks":
        number = 1 + 2 * block + (1 if kind == "downsamplers" else 0)
        if kind == "downsamplers":
            return f"input_blocks.{number}.0.op"
        number += int(parts[3])
        return ".".join([f"input_blocks.{number}.{'0' if kind == 'resnets' else '1'}", *_inner(kind, rest)])
    number = 2 * block + (1 if kind == "upsamplers" else int(parts[3]))
    if kind == "upsamplers":
        return f"output_blocks.{number}.2.conv"
    return ".".join([f"output_blocks.{number}.{'0' if kind == 'resnets' else '1'}", *_inner(kind, rest)])


def _inner(kind: str, rest: list[str]) -> list[str]:
    return [_RESNET[rest[0]], *rest[1:]] if kind == "resnets" else rest


def _vae(stem: str) -> str:
    parts = stem.split(".")
    if parts[0] in ("quant_conv", "post_quant_conv") or parts[1] in ("conv_in", "conv_out"):
        return stem
    if parts[1] == "conv_norm_out":
        return f"{parts[0]}.norm_out"
    if parts[1] == "mid_block":
        if parts[2] == "resnets":
            return ".".join([parts[0], "mid", f"block_{int(parts[3]) + 1}", _shortcut(parts[4])])
        return f"{parts[0]}.mid.attn_1.{_ATTENTION['.'.join(parts[4:])]}"
    side, block = ("down", int(parts[2])) if parts[1] == "down_blocks" else ("up", 3 - int(parts[2]))
    if parts[3] == "resnets":
        return ".".join([parts[0], side, str(block), "block", parts[4], _shortcut(parts[5])])
    return ".".join([parts[0], side, str(block), "downsample" if side == "down" else "upsample", "conv"])


def _shortcut(name: str) -> str:
    return "nin_shortcut" if name == "conv_shortcut" else name
