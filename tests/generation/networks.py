"""A ControlNet, an IP-Adapter and its image encoder of random weights, made for a tiny checkpoint."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENCODED = 12  # width of an image embedding


@dataclass(frozen=True)
class Built:
    control: Path  # a folder
    adapter: Path  # a file
    encoder: Path  # a folder


def build(checkpoint: Path, folder: Path) -> Built:
    """Writes all three below `folder`."""
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(3)
    unet = UNet2DConditionModel.from_pretrained(checkpoint / "unet")
    return Built(
        _control(unet, folder / "control"), _adapter(unet, folder / "mood.safetensors"), _encoder(folder / "encoder")
    )


def _control(unet: Any, folder: Path) -> Path:
    import torch
    from diffusers import ControlNetModel

    net = ControlNetModel.from_unet(unet, conditioning_channels=3)
    with torch.no_grad():  # its outputs begin at zero, so that training starts from the checkpoint alone
        for name, weights in net.named_parameters():
            if name.startswith(("controlnet_down", "controlnet_mid")):
                weights.copy_(torch.randn_like(weights) * 0.5)
            elif name.startswith("controlnet_cond_embedding"):
                weights.copy_(torch.randn_like(weights))
    net.save_pretrained(folder, safe_serialization=True)
    return folder


def _adapter(unet: Any, file: Path) -> Path:
    """Keys as published: one pair of projections for each cross-attention, by odd numbers."""
    import torch
    from safetensors.torch import save_file

    width = unet.config.cross_attention_dim
    state = {
        "image_proj.proj.weight": torch.randn(4 * width, ENCODED), "image_proj.proj.bias": torch.zeros(4 * width),
        "image_proj.norm.weight": torch.ones(width), "image_proj.norm.bias": torch.zeros(width),
    }  # fmt: skip
    number = 1
    for name, processor in unet.attn_processors.items():
        if not name.endswith("attn2.processor"):
            continue
        attention: Any = unet.get_submodule(name.removesuffix(".processor"))
        inner = attention.to_k.weight.shape[0]
        for way in ("to_k_ip", "to_v_ip"):
            state[f"ip_adapter.{number}.{way}.weight"] = torch.randn(inner, width) * 3
        number += 2
        assert processor is not None
    save_file(state, file)
    return file


def _encoder(folder: Path) -> Path:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8,
        projection_dim=ENCODED,
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder, safe_serialization=True)
    return folder
