"""One job of the diffusers engine: settings in, pictures out."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import PIL.Image
import torch

from generation.catalogue.kinds import Kind
from generation.catalogue.samplers import PRESETS, label
from generation.engines.base import DeviceLost, Job, NotSupported, OutOfMemory, StepCallback
from generation.engines.diffusers.adapters.base import Call
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.loading import Loaded
from generation.engines.diffusers.previews import preview_pictures
from generation.engines.diffusers.samplers import set_loras, set_sampler
from generation.engines.diffusers.stepping import counted_steps
from generation.prompts.weights import Weighted, read_weights


def draw(job: Job, *, on_step: StepCallback, pad_to: int = 0) -> list[PIL.Image.Image]:
    """Draws one RGB picture per prompt, each from a CPU generator of its own, so that it is the same alone.

    Pictures whose prompts are of very different length are drawn one group after another. `on_step(k, previews)` is
    called after step k (from 1) of the whole and may raise to stop; `previews()` costs little and gives one small
    picture per prompt, or none where the latents have another shape. A batch is padded to `pad_to` by repeating its
    last picture, and what was padded is dropped.

    Raises:
        CheckpointError: the checkpoint cannot be loaded.
        NotSupported: it cannot do what the job asks for.
        OutOfMemory: the batch does not fit into the memory of the device.
        DeviceLost: the device failed; this process must end.
    """
    loaded = pipeline_cache().get(job.source)
    drawn_steps = require_supported(loaded, job)
    pipeline = loaded.variant(with_source=job.sources is not None)
    set_sampler(loaded, pipeline, job.scheduler)
    set_loras(loaded, dict(job.loras))
    groups = _groups(job, loaded, pad_to)
    progress = _Progress(loaded, drawn_steps, len(groups), len(job.prompts), on_step)
    pictures: dict[int, PIL.Image.Image] = {}
    with _device_errors():
        for group in groups:
            progress.begin(group)
            made = _draw_group(job, loaded, pipeline, group, progress, drawn_steps)
            pictures |= zip(group.numbers, made, strict=False)
    return [pictures[number].convert("RGB") for number in range(len(job.prompts))]


def require_supported(loaded: Loaded, job: Job) -> int:
    """The steps that will be drawn; raises NotSupported with a sentence for what the checkpoint cannot do."""
    family = loaded.family
    if job.kind not in (Kind.TEXT2IMG, Kind.IMG2IMG, Kind.FINAL):
        raise NotSupported("This worker cannot draw this kind of picture.")
    multiple = max(family.multiple, _multiple_of(loaded.text2img))
    if job.width % multiple or job.height % multiple:
        raise NotSupported(f"{family.name} draws sizes whose sides are multiples of {multiple} pixels.")
    if job.sources is not None and not family.has_source:
        raise NotSupported(f"{family.name} cannot start from a picture.")
    if job.scheduler in PRESETS and not family.takes_sampler(job.scheduler, with_source=job.sources is not None):
        raise NotSupported(f"{family.name} cannot draw this with the sampler {label(job.scheduler)}.")
    drawn = family.drawn_steps(job.steps, job.strength if job.sources is not None else None)
    if drawn < 1:
        raise NotSupported("With so few steps, this strength would draw none of them. Raise one of the two.")
    return drawn


def _multiple_of(pipeline: Any) -> int:
    return int(getattr(pipeline, "vae_scale_factor", 1) or 1)


@dataclass(frozen=True)
class _Group:
    """Pictures of a job by their numbers, the last repeated to fill a bucket, and what the pipeline is called with."""

    numbers: list[int]
    count: int
    call: Call


def _groups(job: Job, loaded: Loaded, pad_to: int) -> list[_Group]:
    """Pictures whose prompts fill the same number of windows: what is longer would change what is drawn beside it."""
    read = [
        (read_weights(one), read_weights(other)) for one, other in zip(job.prompts, job.negative_prompts, strict=True)
    ]
    windows = [loaded.adapter.windows(*each) for each in read]
    order = sorted(range(len(read)), key=lambda number: windows[number])
    groups = []
    for size, numbers in groupby(order, key=lambda number: windows[number]):
        group = sorted(numbers)
        padded = group + group[-1:] * (pad_to - len(group) if len(group) == len(read) else 0)
        groups.append(_Group(padded, len(group), _call(job, read, padded, size)))
    return groups


def _call(job: Job, read: Sequence[tuple[Weighted, Weighted]], numbers: Sequence[int], windows: int) -> Call:
    return Call(
        prompts=[job.prompts[n] for n in numbers],
        negative_prompts=[job.negative_prompts[n] for n in numbers],
        read_prompts=[read[n][0] for n in numbers],
        read_negatives=[read[n][1] for n in numbers],
        windows=windows,
        width=job.width,
        height=job.height,
        guidance=job.guidance,
        clip_skip=job.clip_skip,
    )


@dataclass
class _Progress:
    """Turns the steps of each group into steps of the whole job, and keeps the last latents of every picture."""

    loaded: Loaded
    steps: int
    groups: int
    count: int
    on_step: StepCallback
    group: _Group | None = None
    finished: int = -1
    reported: int = 0
    latents: dict[int, torch.Tensor] = field(default_factory=dict)

    def begin(self, group: _Group) -> None:
        self.group = group
        self.finished += 1

    def step(self, step: int, latents: torch.Tensor) -> None:
        group = self.group
        assert group is not None
        self.latents |= zip(group.numbers[: group.count], latents, strict=False)
        done = (self.finished * self.steps + step) // self.groups
        if done > self.reported:
            self.reported = done
            self.on_step(done, self._previews)

    def _previews(self) -> list[PIL.Image.Image]:
        """None before every picture was begun."""
        if self.group is None or len(self.latents) < self.count:
            return []
        rows = torch.stack([self.latents[number].detach() for number in range(self.count)])
        spatial = self.loaded.adapter.spatial(rows, self.group.call)
        return preview_pictures(spatial, self.loaded.preview, self.count)


def _draw_group(
    job: Job, loaded: Loaded, pipeline: Any, group: _Group, progress: _Progress, drawn_steps: int
) -> list[PIL.Image.Image]:
    adapter = loaded.adapter
    arguments = _settings(job, group.numbers) | adapter.prompt_arguments(group.call) | adapter.other_arguments()
    accepted = inspect.signature(pipeline.__call__).parameters
    counted: Any = nullcontext()
    if hasattr(pipeline, "scheduler"):
        counted = counted_steps(pipeline.scheduler, steps=job.steps, drawn=drawn_steps, on_step=progress.step)
    with counted:
        result = pipeline(
            **{name: value for name, value in arguments.items() if name in accepted}, output_type=adapter.output
        )
    made = result[0] if isinstance(result, tuple) else result.images
    return adapter.decode(made[: group.count], group.call) if adapter.output == "latent" else list(made)[: group.count]


def _settings(job: Job, numbers: Sequence[int]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "num_inference_steps": job.steps,
        "guidance_scale": job.guidance,
        "generator": [torch.Generator("cpu").manual_seed(job.seeds[n]) for n in numbers],
        "width": job.width,
        "height": job.height,
    }
    if job.sources is None:
        return arguments
    size = (job.width, job.height)
    scaled = [job.sources[n].resize(size, PIL.Image.Resampling.LANCZOS) for n in numbers]
    return arguments | {"image": scaled, "strength": job.strength}


@contextmanager
def _device_errors() -> Iterator[None]:
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise OutOfMemory(str(error)) from error
    except RuntimeError as error:
        if "CUDA" in str(error) or "cuDNN" in str(error):
            raise DeviceLost(str(error)) from error
        raise
