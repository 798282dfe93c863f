"""Diffusers pipelines: loading, keeping and calling them. The only module that imports torch and diffusers.

Checkpoints come from a folder or a hub id with a pinned revision, as safetensors, with no remote code. A pipeline's
own safety checker is off (it blackens in place); `moderation` looks at every picture instead.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import PIL.Image
import psutil
import torch
from django.conf import settings

diffusers.utils.logging.set_verbosity_error()
OutOfMemoryError = torch.cuda.OutOfMemoryError
PreviewSource = Callable[[], list[PIL.Image.Image]]
StepCallback = Callable[[int, PreviewSource], None]
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+\Z", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_LIBRARIES = {"diffusers", "transformers"}


class CheckpointError(Exception):
    """A checkpoint cannot be used; the message is one sentence for the operator."""


class DeviceLost(Exception):
    """The accelerator is in an unknown state: this process must end and another take over."""


@dataclass(frozen=True)
class Source:
    """Which checkpoint: what identifies it in the cache, and where it comes from."""

    location: str
    revision: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Job:
    """One call of a pipeline: equal settings, one prompt and seed per picture.

    `sources` are RGB pictures to start from (img2img, with `strength` in (0, 1]), one per prompt, or None.
    `loras` maps the location of LoRA weights to their weight.
    """

    source: Source
    prompts: Sequence[str]
    negative_prompts: Sequence[str]
    seeds: Sequence[int]
    width: int
    height: int
    steps: int
    guidance: float
    scheduler: str = ""
    sources: Sequence[PIL.Image.Image] | None = None
    strength: float | None = None
    loras: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Loaded:
    """A pipeline in memory, what it takes, and the matrix that turns its latents into a preview."""

    text2img: Any
    size: int  # bytes
    preview: np.ndarray[Any, np.dtype[np.float32]] | None
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
    if settings.GPU_DEVICE != "auto":
        return str(settings.GPU_DEVICE)
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def versions() -> dict[str, str]:
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
    if not _HUB_ID.match(source.location):
        raise CheckpointError(f"There is no folder {folder}, and {source.location!r} is no hub id (owner/name).")
    if not _COMMIT.match(source.revision):
        raise CheckpointError("A checkpoint on a hub needs --revision with the 40 digits of a commit.")
    try:
        found = diffusers.DiffusionPipeline.download(source.location, revision=source.revision, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{source.location} could not be downloaded: {error}") from error
    return Path(found)


def native_size(loaded: Loaded) -> list[int]:
    """[width, height] in pixels that the checkpoint was made for."""
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
    return Loaded(pipeline, _bytes(pipeline), _preview_matrix(pipeline))


def _only(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if name in options}


def _refuse_foreign_code(index: Mapping[str, Any]) -> None:
    for name, value in index.items():
        if isinstance(value, (list, tuple)) and len(value) == 2 and value[0] and value[0] not in _LIBRARIES:
            raise CheckpointError(f"The checkpoint brings code of its own for {name} ({value[0]}); that is not run.")


def _bytes(pipeline: Any) -> int:
    modules = (part for part in pipeline.components.values() if isinstance(part, torch.nn.Module))
    return sum(weight.numel() * weight.element_size() for module in modules for weight in module.parameters())


@torch.inference_mode()
def _preview_matrix(pipeline: Any) -> np.ndarray[Any, np.dtype[np.float32]] | None:
    """Least squares from latents (and 1) to the RGB that the VAE makes of them: (channels + 1, 3), or None.

    Fitted on smooth random latents of its own generator, so that it is the same in every process.
    """
    vae = getattr(pipeline, "vae", None)
    channels = getattr(getattr(vae, "config", None), "latent_channels", None)
    if vae is None or channels is None or not hasattr(vae.config, "scaling_factor"):
        return None
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn((4, channels, 4, 4), generator=generator)
    latents = torch.nn.functional.interpolate(coarse, size=(8, 8), mode="bicubic").to(vae.device, vae.dtype)
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    pixels = vae.decode(latents / vae.config.scaling_factor + shift).sample.float()
    targets = torch.nn.functional.adaptive_avg_pool2d(pixels, (8, 8)).permute(0, 2, 3, 1).reshape(-1, 3).cpu().numpy()
    rows = latents.float().permute(0, 2, 3, 1).reshape(-1, channels).cpu().numpy()
    matrix = np.linalg.lstsq(np.c_[rows, np.ones(len(rows))], targets, rcond=None)[0]
    return np.asarray(matrix, dtype=np.float32)


class Shelf:
    """The pipelines of one process: the least recently used go when the next one would not fit in `budget` bytes."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._kept: OrderedDict[Source, Loaded] = OrderedDict()

    def get(self, source: Source) -> Loaded:
        if source not in self._kept:
            loaded = load(source)
            self._make_room(loaded.size)
            self._kept[source] = loaded
        self._kept.move_to_end(source)
        return self._kept[source]

    def sources(self) -> list[Source]:
        """What is in memory, the most recently used last."""
        return list(self._kept)

    def _make_room(self, needed: int) -> None:
        while self._kept and sum(each.size for each in self._kept.values()) + needed > self.budget:
            self._kept.popitem(last=False)
        if device() == "cuda":
            torch.cuda.empty_cache()


@cache
def shelf() -> Shelf:
    """The shelf of this process: 80 % of the accelerator's memory, half of the machine's on a CPU."""
    if device() == "cuda":
        return Shelf(int(torch.cuda.get_device_properties(0).total_memory * 0.8))
    return Shelf(psutil.virtual_memory().total // 2)


def draw(job: Job, *, on_step: StepCallback, pad_to: int = 0) -> list[PIL.Image.Image]:
    """Draws one RGB picture per prompt, each from a CPU generator of its own, so that it is the same alone.

    `on_step(k, previews)` is called after step k (from 1) and may raise to stop; `previews()` costs little and
    gives one small picture per prompt, or none where the latents have another form. A batch is padded to `pad_to`
    by repeating its last picture, and what was padded is dropped.

    Raises:
        CheckpointError, OutOfMemoryError, DeviceLost
    """
    loaded = shelf().get(job.source)
    pipeline = loaded.variant(with_source=job.sources is not None)
    set_scheduler(pipeline, job.scheduler)
    _set_loras(pipeline, job.loras)
    order = [*range(len(job.prompts)), *[len(job.prompts) - 1] * (pad_to - len(job.prompts))]
    try:
        result = pipeline(**_arguments(job, order), callback_on_step_end=_callback(job, loaded, on_step))
    except OutOfMemoryError:
        torch.cuda.empty_cache()
        raise
    except RuntimeError as error:
        if "CUDA" in str(error) or "cuDNN" in str(error):
            raise DeviceLost(str(error)) from error
        raise
    return [picture.convert("RGB") for picture in result.images[: len(job.prompts)]]


def _arguments(job: Job, order: Sequence[int]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "prompt": [job.prompts[n] for n in order],
        "negative_prompt": [job.negative_prompts[n] for n in order],
        "num_inference_steps": job.steps,
        "guidance_scale": job.guidance,
        "generator": [torch.Generator("cpu").manual_seed(job.seeds[n]) for n in order],
        "output_type": "pil",
    }
    if job.sources is None:
        return arguments | {"width": job.width, "height": job.height}
    scaled = [job.sources[n].resize((job.width, job.height), PIL.Image.Resampling.LANCZOS) for n in order]
    return arguments | {"image": scaled, "strength": job.strength}


def set_scheduler(pipeline: Any, name: str) -> None:
    """Gives a pipeline another scheduler with its present settings; raises CheckpointError for an unknown one."""
    if not name or type(pipeline.scheduler).__name__ == name:
        return
    kind = getattr(diffusers, name, None)
    if kind is None or not issubclass(kind, diffusers.SchedulerMixin):
        raise CheckpointError(f"{name} is no scheduler of diffusers.")
    pipeline.scheduler = kind.from_config(pipeline.scheduler.config)


def _set_loras(pipeline: Any, loras: Mapping[str, float]) -> None:
    if not hasattr(pipeline, "unload_lora_weights"):
        if loras:
            raise CheckpointError("This checkpoint takes no LoRAs.")
        return
    pipeline.unload_lora_weights()
    names = [f"lora{n}" for n in range(len(loras))]
    for name, location in zip(names, loras, strict=True):
        pipeline.load_lora_weights(resolve(location), adapter_name=name, use_safetensors=True)
    if names:
        pipeline.set_adapters(names, list(loras.values()))


def _callback(job: Job, loaded: Loaded, on_step: StepCallback) -> Callable[..., dict[str, Any]]:
    def called(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        latents = tensors.get("latents")
        on_step(step + 1, lambda: _previews(latents, loaded, len(job.prompts)))
        return {}

    return called


def _previews(latents: Any, loaded: Loaded, count: int) -> list[PIL.Image.Image]:
    """(N, C, H, W) latents times the preview matrix: `count` RGB pictures of H x W pixels."""
    if loaded.preview is None or latents is None or latents.ndim != 4 or latents.shape[1] + 1 != len(loaded.preview):
        return []
    rows = latents[:count].detach().float().cpu().permute(0, 2, 3, 1).numpy()
    rgb = rows @ loaded.preview[:-1] + loaded.preview[-1]
    pixels = ((rgb / 2 + 0.5).clip(0, 1) * 255).round().astype(np.uint8)
    return [PIL.Image.fromarray(each) for each in pixels]
