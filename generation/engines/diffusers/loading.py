"""Diffusers pipelines: found, checked and loaded onto the device.

Checkpoints come from a folder or a hub id with a pinned revision, as safetensors, with no remote code. A pipeline's
own safety checker is off (it blackens pictures in place); `moderation` looks at every picture instead.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import torch
from django.conf import settings

from generation.engines.base import CheckpointError, Source
from generation.engines.diffusers.previews import PreviewMatrix, preview_matrix
from lib.regex import compile_linear

diffusers.utils.logging.set_verbosity_error()
_HUB_ID = compile_linear(r"[0-9A-Za-z_.-]+/[0-9A-Za-z_.-]+")
_COMMIT = compile_linear("[0-9a-f]{40}")
_LIBRARIES = {"diffusers", "transformers"}


@dataclass
class Loaded:
    """A pipeline in memory, its size, and the matrix that turns its latents into a preview."""

    text2img: Any
    size: int  # bytes
    preview: PreviewMatrix | None
    img2img: Any = None

    def variant(self, *, with_source: bool) -> Any:
        """The pipeline for a job; img2img shares every weight with text2img."""
        if not with_source:
            return self.text2img
        if self.img2img is None:
            self.img2img = diffusers.AutoPipelineForImage2Image.from_pipe(self.text2img)
            self.img2img.set_progress_bar_config(disable=True)
        return self.img2img


@cache
def device() -> str:
    """The device that GPU_DEVICE names: ``cuda``, ``mps`` or ``cpu``."""
    if settings.GPU_DEVICE != "auto":
        return str(settings.GPU_DEVICE)
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@cache
def device_name() -> str:
    """The model of the device, by which measured batch sizes are kept."""
    return str(torch.cuda.get_device_name()) if device() == "cuda" else device()


def versions() -> dict[str, str]:
    """The libraries and the device that a picture is drawn with."""
    return {"torch": torch.__version__, "diffusers": diffusers.__version__, "device": device()}


def resolve(location: str) -> str:
    """The folder of a local checkpoint, or the hub id as it is."""
    folder = settings.CHECKPOINTS_DIR / location
    return str(folder) if folder.is_dir() else location


def fetch(source: Source) -> Path:
    """The folder of a checkpoint; one on a hub is downloaded at its pinned revision into the hub's cache.

    Raises:
        CheckpointError: it is neither a folder nor a hub id with a revision, or cannot be downloaded.
    """
    folder = Path(settings.CHECKPOINTS_DIR, source.location)
    if source.location and folder.is_dir():
        return folder
    if not _HUB_ID.fullmatch(source.location):
        raise CheckpointError(f"There is no folder {folder}, and {source.location!r} is no hub id (owner/name).")
    if not _COMMIT.fullmatch(source.revision):
        raise CheckpointError("A checkpoint on a hub needs --revision with the 40 digits of a commit.")
    try:
        found = diffusers.DiffusionPipeline.download(source.location, revision=source.revision, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{source.location} could not be downloaded: {error}") from error
    return Path(found)


def native_size(loaded: Loaded) -> list[int]:
    """[width, height] in pixels that the checkpoint was trained for."""
    pipeline = loaded.text2img
    denoiser = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    latent = getattr(getattr(denoiser, "config", None), "sample_size", None)
    if not isinstance(latent, int):
        raise CheckpointError("The checkpoint does not say its size. Give it with --sizes.")
    side = latent * int(getattr(pipeline, "vae_scale_factor", 8))
    return [side, side]


def load(source: Source) -> Loaded:
    """Loads a checkpoint onto the device.

    Raises:
        CheckpointError: it is missing, is not a diffusers folder of safetensors, or asks for code of its own.
    """
    where = resolve(source.location)
    options: dict[str, Any] = {"use_safetensors": True, "dtype": torch.float32 if device() == "cpu" else torch.float16}
    if Path(where).is_dir():
        options["local_files_only"] = True
    if source.revision:
        options["revision"] = source.revision
    try:
        index = diffusers.DiffusionPipeline.load_config(where, **_only(options, "revision", "local_files_only"))
        _refuse_foreign_code(index)
        if "safety_checker" in index:
            options |= {"safety_checker": None, "requires_safety_checker": False}
        pipeline = diffusers.DiffusionPipeline.from_pretrained(where, **options).to(device())
    except (OSError, ValueError, json.JSONDecodeError) as error:
        raise CheckpointError(f"The checkpoint {source.location} cannot be loaded: {error}") from error
    pipeline.set_progress_bar_config(disable=True)
    return Loaded(pipeline, _bytes(pipeline), preview_matrix(pipeline))


def _only(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if name in options}


def _refuse_foreign_code(index: Mapping[str, Any]) -> None:
    for name, value in index.items():
        if isinstance(value, (list, tuple)) and len(value) == 2 and value[0] and value[0] not in _LIBRARIES:
            raise CheckpointError(f"The checkpoint brings code of its own for {name} ({value[0]}); that is not run.")


def _bytes(pipeline: Any) -> int:
    modules = (part for part in pipeline.components.values() if isinstance(part, torch.nn.Module))
    return sum(weight.numel() * weight.element_size() for module in modules for weight in module.parameters())
