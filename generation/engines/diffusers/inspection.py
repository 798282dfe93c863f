"""What a checkpoint is, by its files and its parts."""

import json
from pathlib import Path
from typing import Any

from generation.catalogue.families import FAMILIES, GENERIC, family_of
from generation.engines.base import CheckpointError, Source
from generation.engines.diffusers.embeddings import window_of
from generation.engines.diffusers.files import resolve
from generation.engines.diffusers.loading import Loaded


def family_in(source: Source) -> str:
    """The family of a checkpoint, by its index and the configuration of its parts.

    Distilled models are recognised by what they were published with: no other spacing of timesteps, no
    input for the guidance.
    """
    folder = Path(resolve(source.options.config or source.location))
    index = _json(folder / "model_index.json")
    name = str(index.get("_class_name", ""))
    scheduler, denoiser = (
        _json(folder / "scheduler" / "scheduler_config.json"),
        _json(folder / "transformer" / "config.json"),
    )
    is_trailing = scheduler.get("timestep_spacing") == "trailing"
    kind = str(scheduler.get("_class_name", ""))
    if name == "FluxPipeline":
        return "flux-dev" if denoiser.get("guidance_embeds") else "flux-schnell"
    if name in FAMILIES["sdxl"].pipelines and kind.startswith("EDM"):
        return "playground-v2.5"
    if name in FAMILIES["sdxl"].pipelines and is_trailing and kind == "EulerAncestralDiscreteScheduler":
        return "sdxl-turbo"
    if name == "StableDiffusionPipeline" and is_trailing and kind.startswith("Euler"):
        return "sd-turbo"
    return family_of("", name).slug if name else GENERIC


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def native_size(loaded: Loaded) -> list[int]:
    """[width, height] in pixels that the checkpoint was trained for."""
    pipeline = loaded.text2img
    name = next((part for part in ("unet", "transformer") if getattr(pipeline, part, None) is not None), "")
    config = getattr(getattr(pipeline, name, None), "config", None)
    latent = getattr(config, "sample_size", None)
    if isinstance(latent, int):
        side = latent * int(getattr(pipeline, "vae_scale_factor", 8))
    elif isinstance(getattr(pipeline, "default_sample_size", None), int):
        side = int(pipeline.default_sample_size) * int(getattr(pipeline, "vae_scale_factor", 8))
    else:
        raise CheckpointError("The checkpoint does not say its size. Give it with --sizes.")
    return [side, side]


def token_limit_of(loaded: Loaded) -> int | None:
    """Tokens of a prompt that it reads: 0 for any number, None where nobody knows."""
    family = loaded.family
    if family.slug == GENERIC:
        return None
    if family.slug == "sd3" and loaded.text2img.text_encoder_3 is None:
        return window_of(loaded.text2img.tokenizer) - 2
    return family.token_limit
