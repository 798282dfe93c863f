"""One job of the diffusers engine: settings in, pictures out."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import PIL.Image
import torch

from generation.catalogue.kinds import Kind
from generation.catalogue.samplers import PRESETS, label
from generation.engines.base import DeviceLost, Job, NotSupported, OutOfMemory, StepCallback
from generation.engines.diffusers.adapters.base import Call
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.guidance import guidance_of_each
from generation.engines.diffusers.loading import Loaded
from generation.engines.diffusers.networks import control_arguments, controlled, references_of_each, set_image_prompt
from generation.engines.diffusers.noise import kept_latents, mixed_noise, own_noise
from generation.engines.diffusers.previews import preview_pictures
from generation.engines.diffusers.samplers import set_loras, set_sampler
from generation.engines.diffusers.stepping import counted_steps, fastest_threads
from generation.engines.regions import plan_edit
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
    plan = plan_edit(job)
    made = _draw_planned(plan.job, len(job.prompts), on_step, pad_to)
    return [each.convert("RGB") for each in plan.finish(made)]


def _draw_planned(job: Job, at_once: int, on_step: StepCallback, pad_to: int) -> list[PIL.Image.Image]:
    """Draws a job whose pictures all have its width and height, at most `at_once` or `pad_to` of them together."""
    loaded = pipeline_cache().get(job.source)
    drawn_steps = require_supported(loaded, job)
    pipeline = _pipeline_for(loaded, job)
    set_sampler(loaded, pipeline, job.scheduler)
    set_loras(loaded, dict(job.loras))
    set_image_prompt(loaded, job.image_prompt[0], job.edit.references.strength)
    groups = _groups(job, loaded, at_once, pad_to)
    progress = _Progress(loaded, drawn_steps, len(groups), len(job.prompts), on_step)
    pictures: dict[int, PIL.Image.Image] = {}
    with _device_errors():
        for group in groups:
            progress.begin(group)
            made = _draw_group(job, loaded, pipeline, group, progress, drawn_steps)
            pictures |= zip(group.numbers, made, strict=False)
    return [pictures[number] for number in range(len(job.prompts))]


def _pipeline_for(loaded: Loaded, job: Job) -> Any:
    if job.control[0]:
        return controlled(loaded, *job.control)
    if job.masks is not None:
        return loaded.inpaint() or loaded.img2img()
    return loaded.text2img if job.sources is None else loaded.img2img()


def require_supported(loaded: Loaded, job: Job) -> int:
    """The steps that will be drawn; raises NotSupported with a sentence for what the checkpoint cannot do."""
    family = loaded.family
    multiple = max(family.multiple, _multiple_of(loaded.text2img))
    if job.width % multiple or job.height % multiple:
        raise NotSupported(f"{family.name} draws sizes whose sides are multiples of {multiple} pixels.")
    if not family.supports(job.kind) or (job.sources is not None and not family.has_source):
        if job.kind in (Kind.VARIATION, Kind.CONTROL):
            raise NotSupported(f"{family.name} cannot draw this kind of picture: {job.kind}.")
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


def _groups(job: Job, loaded: Loaded, at_once: int, pad_to: int) -> list[_Group]:
    """Pictures whose prompts fill the same number of windows: what is longer would change what is drawn beside it."""
    read = [
        (read_weights(one), read_weights(other)) for one, other in zip(job.prompts, job.negative_prompts, strict=True)
    ]
    windows = [loaded.adapter.windows(*each) for each in read]
    order = sorted(range(len(read)), key=lambda number: (windows[number], number))
    groups = []
    for size, same in groupby(order, key=lambda number: windows[number]):
        numbers, most = list(same), max(at_once, pad_to)
        for group in (numbers[start : start + most] for start in range(0, len(numbers), most)):
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
        guidance=max(job.guidances[n] for n in numbers),
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
    arguments = (
        _settings(job, group) | adapter.prompt_arguments(group.call) | adapter.other_arguments()
        | _source_arguments(job, group.numbers) | control_arguments(job, group.numbers)
    )  # fmt: skip
    accepted = inspect.signature(pipeline.__call__).parameters
    with ExitStack() as changes:
        _change_call(changes, job, loaded, pipeline, group, drawn_steps)
        if hasattr(pipeline, "scheduler"):
            shape = (job.source, job.kind, job.width, job.height, len(group.numbers))
            on_step = changes.enter_context(fastest_threads(shape, progress.step, is_cpu=pipeline.device.type == "cpu"))
            counted = counted_steps(pipeline.scheduler, steps=job.steps, drawn=drawn_steps, on_step=on_step)
            changes.enter_context(counted)
        result = pipeline(
            **{name: value for name, value in arguments.items() if name in accepted}, output_type=adapter.output
        )
    made = result[0] if isinstance(result, tuple) else result.images
    return adapter.decode(made[: group.count], group.call) if adapter.output == "latent" else list(made)[: group.count]


def _change_call(changes: ExitStack, job: Job, loaded: Loaded, pipeline: Any, group: _Group, drawn_steps: int) -> None:
    """What is different about the pipeline while it draws one group."""
    guidances = [job.guidances[n] for n in group.numbers]
    changes.enter_context(guidance_of_each(pipeline, loaded.family, guidances))
    has_two = loaded.adapter.has_two_passes(group.call)
    changes.enter_context(references_of_each(loaded, job, group.numbers, has_two_passes=has_two))
    if job.variation_seeds is not None:
        seeds = [job.variation_seeds[n] for n in group.numbers]
        changes.enter_context(mixed_noise(pipeline, seeds, job.edit.variation_strength))
    if job.kind == Kind.FINAL and hasattr(pipeline, "vae"):
        changes.enter_context(own_noise(pipeline.vae))
    if job.masks is not None and "mask_image" not in inspect.signature(pipeline.__call__).parameters:
        changes.enter_context(_kept(job, loaded, pipeline, group, drawn_steps))


def _kept(job: Job, loaded: Loaded, pipeline: Any, group: _Group, drawn_steps: int) -> AbstractContextManager[None]:
    """Where there is no pipeline for masks, what is outside stays by its latents."""
    assert job.sources is not None
    assert job.masks is not None
    if loaded.adapter.output != "latent":
        raise NotSupported(f"{loaded.family.name} cannot redraw a part of a picture.")
    latents = loaded.adapter.encode([job.sources[n] for n in group.numbers])
    rows = [torch.from_numpy(np.asarray(job.masks[n].convert("L"), np.float32)) for n in group.numbers]
    masks = torch.nn.functional.interpolate(torch.stack(rows)[:, None] / 255, size=latents.shape[-2:], mode="area")
    scheduler = pipeline.scheduler
    skipped = (job.steps - drawn_steps) * getattr(scheduler, "order", 1)
    return kept_latents(
        scheduler, latents, (masks > 0).to(latents), [job.seeds[n] for n in group.numbers],
        lambda: len(scheduler.timesteps) - skipped,
    )  # fmt: skip


def _settings(job: Job, group: _Group) -> dict[str, Any]:
    return {
        "num_inference_steps": job.steps,
        "guidance_scale": group.call.guidance,
        "generator": [torch.Generator("cpu").manual_seed(job.seeds[n]) for n in group.numbers],
        "width": job.width,
        "height": job.height,
    }


def _source_arguments(job: Job, numbers: Sequence[int]) -> dict[str, Any]:
    if job.sources is None:
        return {}
    arguments: dict[str, Any] = {"image": [job.sources[n] for n in numbers], "strength": job.strength}
    return arguments if job.masks is None else arguments | {"mask_image": [job.masks[n] for n in numbers]}


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
