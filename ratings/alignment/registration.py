"""Saves an aligned checkpoint (the LoRA alone, and merged) and registers it."""

from pathlib import Path
from typing import Any

from diffusers.utils import convert_state_dict_to_diffusers
from peft.utils import get_peft_model_state_dict

from generation.catalogue.families import FAMILIES
from generation.engines.base import Source
from generation.engines.registration import Terms, register_checkpoint
from generation.models import Checkpoint

LORA = "lora"


def save(pipeline: Any, folder: Path) -> None:
    """Writes ``lora/pytorch_lora_weights.safetensors``, and the checkpoint with the LoRA merged, to `folder`."""
    layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(pipeline.unet))
    type(pipeline).save_lora_weights(str(folder / LORA), unet_lora_layers=layers, safe_serialization=True)
    pipeline.unet.fuse_lora()
    pipeline.unet.unload_lora()
    pipeline.save_pretrained(str(folder), safe_serialization=True)


def register(base: Checkpoint, folder: Path, *, slug: str, name: str) -> Checkpoint:
    """Registers the merged folder beside the checkpoint it came from, with its licence, sizes and styles."""
    terms = Terms(
        slug=slug,
        name=name,
        licence=base.licence,
        outputs_may_train=base.outputs_may_train,
        sizes=base.sizes,
        steps=base.default_steps,
        max_steps=base.max_steps,
        guidance=base.default_guidance,
        schedulers=base.schedulers,
        min_memory_mb=base.min_memory_mb,
        pool=base.pool,
        family=base.family if base.family in FAMILIES else "",
    )
    aligned, _is_new = register_checkpoint(source=Source(location_of(folder)), terms=terms)
    for style in base.styles.all():
        style.checkpoints.add(aligned)
    return aligned


def location_of(folder: Path) -> str:
    """The location for the registry: relative if it lies in the checkpoints folder."""
    from django.conf import settings

    root = Path(settings.CHECKPOINTS_DIR).resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)
