"""Tiny checkpoints of random weights, one per architecture, laid out as their published folders are.

Each draws 64 x 64 px in well under a second; nothing in the pictures is recognisable, everything is reproducible.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE = 64
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:;!?()[]-'\""


def clip_tokenizer(*, length: int = 77, pad: str = "<|endoftext|>") -> Any:
    """Every letter is a token."""
    from transformers import CLIPTokenizer

    names = ["<|startoftext|>", "<|endoftext|>", "!", *LETTERS.replace("!", ""), *(f"{each}</w>" for each in LETTERS)]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=length, pad_token=pad)


def t5_tokenizer(length: int) -> Any:
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((each, -3.0) for each in LETTERS)]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=length)


def clip_model(*, width: int = 16, layers: int = 3, projection: int = 0) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(clip_tokenizer()), hidden_size=width, intermediate_size=width, num_hidden_layers=layers,
        num_attention_heads=2, max_position_embeddings=77, projection_dim=projection or width,
        bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if projection else CLIPTextModel(config)


def t5_model(width: int = 32) -> Any:
    from transformers import T5Config, T5EncoderModel

    size = len(t5_tokenizer(64))
    return T5EncoderModel(
        T5Config(vocab_size=size, d_model=width, d_ff=32, d_kv=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
    ).eval()


def vae(*, channels: int = 4, **options: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4, 4, 8, 8), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1, norm_num_groups=2, latent_channels=channels,
        sample_size=SIZE, **options,
    )  # fmt: skip


def unet(**options: Any) -> Any:
    from diffusers import UNet2DConditionModel

    values: dict[str, Any] = {
        "sample_size": SIZE // 8, "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4,
        "cross_attention_dim": 16, "attention_head_dim": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }  # fmt: skip
    return UNet2DConditionModel(**(values | options))


_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def _sd1(**scheduler: Any) -> Any:
    from diffusers import PNDMScheduler, StableDiffusionPipeline
    from transformers import CLIPImageProcessor

    chosen = scheduler.get("scheduler") or PNDMScheduler(**_BETAS, skip_prk_steps=True, steps_offset=1)
    return StableDiffusionPipeline(
        vae=vae(), text_encoder=clip_model(), tokenizer=clip_tokenizer(), unet=unet(), scheduler=chosen,
        safety_checker=None, feature_extractor=CLIPImageProcessor(), requires_safety_checker=False,
    )  # fmt: skip


def _sd2() -> Any:
    """Velocity, and padding by another mark than the end."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    scheduler = DDIMScheduler(**_BETAS, prediction_type="v_prediction", clip_sample=False, steps_offset=1)
    return StableDiffusionPipeline(
        vae=vae(), text_encoder=clip_model(), tokenizer=clip_tokenizer(pad="!"), unet=unet(), scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def _turbo() -> Any:
    from diffusers import EulerDiscreteScheduler

    return _sd1(scheduler=EulerDiscreteScheduler(**_BETAS, timestep_spacing="trailing"))


def _xl(scheduler: Any, **vae_options: Any) -> Any:
    from diffusers import StableDiffusionXLPipeline

    added = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8,
             "projection_class_embeddings_input_dim": 6 * 8 + 16, "cross_attention_dim": 32}  # fmt: skip
    return StableDiffusionXLPipeline(
        vae=vae(**vae_options), text_encoder=clip_model(), text_encoder_2=clip_model(projection=16),
        tokenizer=clip_tokenizer(), tokenizer_2=clip_tokenizer(pad="!"), unet=unet(**added), scheduler=scheduler,
        force_zeros_for_empty_prompt=True, add_watermarker=False,
    )  # fmt: skip


def _sdxl() -> Any:
    from diffusers import EulerDiscreteScheduler

    return _xl(EulerDiscreteScheduler(**_BETAS, timestep_spacing="leading", steps_offset=1))


def _sdxl_turbo() -> Any:
    from diffusers import EulerAncestralDiscreteScheduler

    return _xl(EulerAncestralDiscreteScheduler(**_BETAS, timestep_spacing="trailing"))


def _playground2() -> Any:
    from diffusers import EulerDiscreteScheduler

    return _xl(EulerDiscreteScheduler(**_BETAS, use_karras_sigmas=True))


def _playground25() -> Any:
    from diffusers import EDMDPMSolverMultistepScheduler

    normal = {"latents_mean": [-1.6, 1.1, -0.2, 0.5], "latents_std": [8.4, 5.9, 6.2, 5.1], "scaling_factor": 0.5}
    return _xl(EDMDPMSolverMultistepScheduler(sigma_max=80.0, sigma_min=0.002, sigma_data=0.5), **normal)


def _lcm() -> Any:
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler

    return LatentConsistencyModelPipeline(
        vae=vae(), text_encoder=clip_model(), tokenizer=clip_tokenizer(), unet=unet(time_cond_proj_dim=8),
        scheduler=LCMScheduler(**_BETAS), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def _sd3() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    transformer = SD3Transformer2DModel(
        sample_size=SIZE // 8, patch_size=2, in_channels=16, num_layers=1, attention_head_dim=8, num_attention_heads=4,
        joint_attention_dim=32, caption_projection_dim=32, pooled_projection_dim=32, out_channels=16,
    )  # fmt: skip
    return StableDiffusion3Pipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(channels=16, shift_factor=0.06, scaling_factor=1.5, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_model(projection=16), text_encoder_2=clip_model(projection=16), text_encoder_3=t5_model(),
        tokenizer=clip_tokenizer(), tokenizer_2=clip_tokenizer(pad="!"), tokenizer_3=t5_tokenizer(512),
    )  # fmt: skip


def _flux(*, has_guidance: bool) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=16, guidance_embeds=has_guidance, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    shifts = {"base_shift": 0.5, "max_shift": 1.15, "shift": 3.0} if has_guidance else {"shift": 1.0}
    return FluxPipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=has_guidance, **shifts),
        vae=vae(channels=16, shift_factor=0.12, scaling_factor=0.36, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_model(), text_encoder_2=t5_model(), tokenizer=clip_tokenizer(),
        tokenizer_2=t5_tokenizer(512),
    )  # fmt: skip


def _pixart() -> Any:
    from diffusers import DPMSolverMultistepScheduler, PixArtSigmaPipeline, PixArtTransformer2DModel

    transformer = PixArtTransformer2DModel(
        sample_size=SIZE // 8, patch_size=2, in_channels=4, out_channels=8, num_layers=1, attention_head_dim=8,
        num_attention_heads=2, cross_attention_dim=16, caption_channels=32, use_additional_conditions=False,
    )  # fmt: skip
    return PixArtSigmaPipeline(
        tokenizer=t5_tokenizer(300), text_encoder=t5_model(), vae=vae(), transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(),
    )  # fmt: skip


def _sana() -> Any:
    from diffusers import AutoencoderDC, DPMSolverMultistepScheduler, SanaPipeline, SanaTransformer2DModel
    from transformers import Gemma2Config, Gemma2Model, GemmaTokenizer

    names = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", "\n", *dict.fromkeys(LETTERS + LETTERS.upper() + ">")]
    tokenizer = GemmaTokenizer(vocab={name: number for number, name in enumerate(dict.fromkeys(names))}, merges=[])
    text = Gemma2Model(
        Gemma2Config(vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                     num_attention_heads=2, num_key_value_heads=1, head_dim=8)
    ).eval()  # fmt: skip
    transformer = SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, num_attention_heads=2, attention_head_dim=4,
        num_cross_attention_heads=2, cross_attention_head_dim=4, cross_attention_dim=8, caption_channels=16,
        sample_size=2, patch_size=1,
    )  # fmt: skip
    wide = {"encoder_block_types": "ResBlock", "decoder_block_types": "ResBlock",
            "encoder_block_out_channels": (8,) * 6, "decoder_block_out_channels": (8,) * 6,
            "encoder_layers_per_block": (1,) * 6, "decoder_layers_per_block": (1,) * 6,
            "encoder_qkv_multiscales": ((),) * 6, "decoder_qkv_multiscales": ((),) * 6,
            "downsample_block_type": "conv", "upsample_block_type": "interpolate"}  # fmt: skip
    return SanaPipeline(
        tokenizer=tokenizer, text_encoder=text, transformer=transformer,
        vae=AutoencoderDC(in_channels=3, latent_channels=4, scaling_factor=0.4, attention_head_dim=4, **wide),
        scheduler=DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    )  # fmt: skip


BUILDERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "sd15": ("sd1", _sd1),
    "sd21": ("sd1", _sd2),
    "sd-turbo": ("sd-turbo", _turbo),
    "sdxl": ("sdxl", _sdxl),
    "sdxl-turbo": ("sdxl-turbo", _sdxl_turbo),
    "playground-v2": ("sdxl", _playground2),
    "playground-v2.5": ("playground-v2.5", _playground25),
    "lcm": ("lcm", _lcm),
    "sd3": ("sd3", _sd3),
    "flux-dev": ("flux-dev", lambda: _flux(has_guidance=True)),
    "flux-schnell": ("flux-schnell", lambda: _flux(has_guidance=False)),
    "pixart-sigma": ("pixart", _pixart),
    "sana": ("sana", _sana),
}
"""What is published, by name: its family, and a pipeline of random weights."""


def build(name: str, folder: Path, *, seed: int = 0, variant: str | None = None) -> Path:
    """Writes the checkpoint `name` at `folder` and returns it."""
    import torch

    torch.manual_seed(seed)
    pipeline = BUILDERS[name][1]()
    _heed_words(pipeline)
    pipeline.save_pretrained(folder, safe_serialization=True, variant=variant)
    if name in ("sd15", "lcm"):
        _add_safety_checker(folder)
    return folder


def _heed_words(pipeline: Any) -> None:
    """Random weights hardly look at the prompt; stronger ones where words come in make its influence visible."""
    import torch

    ways_in = ("attn2.to_v", "attn2.to_out", "add_v_proj", "context_embedder", "caption_projection", "text_embedder")
    denoiser = getattr(pipeline, "unet", None) or pipeline.transformer
    with torch.no_grad():
        for name, weights in denoiser.named_parameters():
            if any(way in name for way in ways_in):
                weights.mul_(20)


def _add_safety_checker(folder: Path) -> None:
    """As the published index names it: in a library `stable_diffusion` that no folder and no package has."""
    index = json.loads((folder / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    index["requires_safety_checker"] = True
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))
    (folder / "safety_checker").mkdir()
    (folder / "safety_checker" / "config.json").write_text('{"architectures": ["StableDiffusionSafetyChecker"]}')
