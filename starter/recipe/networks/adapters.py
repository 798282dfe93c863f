"""Low-rank adapters of the denoiser: trained with peft, saved as LoRA files that diffusers loads."""

from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig, get_peft_model_state_dict
from torch import Tensor

FILE = "pytorch_lora_weights.safetensors"
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2")
CONVOLUTIONS = ("conv1", "conv2", "conv_shortcut", "conv_in", "conv_out", "time_emb_proj")
NAME = "default"


def add_adapter(denoiser: UNet2DConditionModel, rank: int) -> list[torch.nn.Parameter]:
    """Freeze the denoiser and add an adapter that begins as no change; returns the adapter's parameters."""
    denoiser.requires_grad_(requires_grad=False)
    targets = [*ATTENTION, *CONVOLUTIONS]
    denoiser.add_adapter(
        LoraConfig(r=rank, lora_alpha=rank, target_modules=targets, init_lora_weights="gaussian"), NAME
    )
    return [parameter for parameter in denoiser.parameters() if parameter.requires_grad]


def adapter_state(denoiser: UNet2DConditionModel) -> dict[str, Tensor]:
    """The adapter's weights alone."""
    state: dict[str, Tensor] = get_peft_model_state_dict(denoiser, adapter_name=NAME)
    return state


def save_adapter(folder: Path, state: dict[str, Tensor]) -> None:
    """Write FILE, half precision, as `load_lora_weights` reads it."""
    half = {name: value.half().contiguous() for name, value in state.items()}
    StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=half, weight_name=FILE)


class AdapterState:
    """The part of a checkpoint that holds an adapter and not the frozen denoiser below it."""

    def __init__(self, denoiser: UNet2DConditionModel) -> None:
        self.denoiser = denoiser

    def state_dict(self) -> dict[str, Tensor]:
        """The trainable weights by their full names."""
        return {name: value.detach() for name, value in self.denoiser.named_parameters() if value.requires_grad}

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
        """Take them back."""
        self.denoiser.load_state_dict(state_dict, strict=False)


def fuse(denoiser: UNet2DConditionModel, folder: Path) -> UNet2DConditionModel:
    """The denoiser with the adapter of a folder added to its weights."""
    denoiser.load_lora_adapter(folder, weight_name=FILE, prefix="unet", use_safetensors=True)
    denoiser.fuse_lora()
    denoiser.unload_lora()
    return denoiser
