"""One call of a diffusers pipeline: a job in, pictures out."""

from collections.abc import Callable, Sequence
from typing import Any

import PIL.Image
import torch

from generation.engines.base import DeviceLost, Job, OutOfMemory, StepCallback
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.loading import Loaded
from generation.engines.diffusers.previews import preview_pictures
from generation.engines.diffusers.schedulers import set_loras, set_scheduler


def draw(job: Job, *, on_step: StepCallback, pad_to: int = 0) -> list[PIL.Image.Image]:
    """Draws one RGB picture per prompt, each from a CPU generator of its own, so that it is the same alone.

    `on_step(k, previews)` is called after step k (from 1) and may raise to stop; `previews()` costs little and
    gives one small picture per prompt, or none where the latents have another shape. A batch is padded to `pad_to`
    by repeating its last picture, and what was padded is dropped.

    Raises:
        CheckpointError: the checkpoint cannot be loaded, or cannot do what the job asks for.
        OutOfMemory: the batch does not fit into the memory of the device.
        DeviceLost: the device failed; this process must end.
    """
    loaded = pipeline_cache().get(job.source)
    pipeline = loaded.variant(with_source=job.sources is not None)
    set_scheduler(pipeline, job.scheduler)
    set_loras(pipeline, job.loras)
    order = [*range(len(job.prompts)), *[len(job.prompts) - 1] * (pad_to - len(job.prompts))]
    try:
        result = pipeline(**_arguments(job, order), callback_on_step_end=_callback(job, loaded, on_step))
    except torch.cuda.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise OutOfMemory(str(error)) from error
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


def _callback(job: Job, loaded: Loaded, on_step: StepCallback) -> Callable[..., dict[str, Any]]:
    def called(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        latents = tensors.get("latents")
        on_step(step + 1, lambda: preview_pictures(latents, loaded.preview, len(job.prompts)))
        return {}

    return called
