"""Registers checkpoints and add-ons: each is loaded, draws one test picture, and only then may be chosen."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction

from generation.catalogue import samplers
from generation.catalogue.families import FAMILIES, GENERIC, Family
from generation.engines.base import (
    CheckpointError,
    DeviceLost,
    Job,
    LoadOptions,
    NotSupported,
    OutOfMemory,
    Source,
)
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.drawing import draw, require_supported
from generation.engines.diffusers.files import fetch, variant_of, weight_files
from generation.engines.diffusers.inspection import family_in, native_size, token_limit_of
from generation.models import Checkpoint, Style

STARTER_FOLDER = "starter"
TEST_PROMPT, TEST_STEPS = "a red fox in the snow", 2
# The words of the starter checkpoint's captions; a template says them as its training did.
STARTER_STYLES: Sequence[Mapping[str, str]] = (
    {"slug": "starter-3d", "name": "3D", "template": "{prompt}, 3d style"},
    {"slug": "starter-flat", "name": "Flat", "template": "{prompt}, flat style"},
    {"slug": "starter-cartoon", "name": "Cartoon", "template": "{prompt}, cartoon style"},
)
STARTER_HINTS: Mapping[str, Any] = {
    "about": "It knows some fifty things, on plain backgrounds. Other words give whatever lies nearest.",
    "words": {
        "Things": [
            "a cat", "a dog", "a rabbit", "a bear", "a panda", "a fox", "a lion", "a pig", "a frog", "a monkey",
            "a chick", "a penguin", "an owl", "a unicorn", "an octopus", "a fish", "a whale", "a turtle", "a butterfly",
            "a bee", "an apple", "a banana", "a strawberry", "a cherry", "a lemon", "a pineapple", "a watermelon",
            "a carrot", "a pizza", "a hamburger", "a doughnut", "an ice cream", "a sun", "a moon", "a star", "a cloud",
            "a rainbow", "a tree", "a cactus", "a mushroom", "a sunflower", "a snowman", "a fire", "a car", "a rocket",
            "a balloon", "a guitar", "a heart", "a ghost",
        ],
        "Colours": ["red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white"],
        "Backgrounds": [
            "on a red background", "on a yellow background", "on a green background", "on a blue background",
            "on a purple background", "on a pink background", "on a black background", "on a white background",
        ],
        "Places": ["on the left", "on the right", "at the top", "at the bottom"],
    },
}  # fmt: skip
"""What the Create page offers beside the prompt; the words of its training (starter/captions.py)."""


@dataclass(frozen=True)
class Terms:
    """What an operator says about a checkpoint; what is left None or empty is read from it, or usual for its family."""

    slug: str
    name: str
    licence: str
    outputs_may_train: bool = False
    sizes: list[list[int]] | None = None
    steps: int | None = None
    max_steps: int = 50
    guidance: float | None = None
    schedulers: Sequence[str] = ()
    min_memory_mb: int = 0
    pool: str = "default"
    family: str = ""
    options: LoadOptions = field(default_factory=LoadOptions)


def register_checkpoint(*, source: Source, terms: Terms) -> tuple[Checkpoint, bool]:
    """Registers a checkpoint, or brings the one of that slug up to date; returns it and whether it is new.

    Raises:
        CheckpointError: it cannot be loaded or cannot draw what it would offer; nothing is stored then.
    """
    if Checkpoint.objects.filter(pool=terms.pool).exclude(engine="diffusers").exists():
        raise CheckpointError(f"The pool {terms.pool} drives a server. Choose another --pool.")
    path = fetch(source)
    tried = Source(str(path), family=_checked_family(terms.family), options=_with_variant(terms.options, path))
    tried = replace(tried, family=tried.family or family_in(tried))
    try:
        loaded = pipeline_cache().get(tried)
        family, own = loaded.family, loaded.own_scheduler
        chosen = _samplers(terms, family, samplers.of_scheduler(type(own).__name__, own.config) if own else "")
        sizes = terms.sizes or [native_size(loaded)]
        values: dict[str, Any] = {
            "name": terms.name,
            "source": source.location,
            "revision": source.revision,
            "sha256": sha256_of_weights(path, tried.options.variant),
            "licence": terms.licence,
            "outputs_may_train": terms.outputs_may_train,
            "pipeline_class": type(loaded.text2img).__name__,
            "family": family.slug,
            "options": tried.options.said(),
            "token_limit": token_limit_of(loaded),
            "sizes": sizes,
            "default_steps": terms.steps or family.steps,
            "max_steps": max(terms.max_steps, terms.steps or family.steps),
            "default_guidance": family.guidance_scale if terms.guidance is None else terms.guidance,
            "schedulers": chosen,
            "min_memory_mb": terms.min_memory_mb,
            "pool": terms.pool, "is_enabled": True,
        }  # fmt: skip
        _draw_tests(tried, sizes, chosen, values["default_guidance"])
    finally:
        pipeline_cache().clear()
    return Checkpoint.objects.update_or_create(slug=terms.slug, defaults=values)


def _checked_family(slug: str) -> str:
    if slug and slug not in FAMILIES:
        raise CheckpointError(f"{slug} is no family. Choose one of: {', '.join(FAMILIES)}.")
    return slug


def _with_variant(options: LoadOptions, path: Path) -> LoadOptions:
    return options if options.variant or path.is_file() else replace(options, variant=variant_of(path))


def _samplers(terms: Terms, family: Family, own: str) -> list[str]:
    """Those that the operator names; else the checkpoint's own first, then the others that its family takes."""
    if not terms.schedulers:
        usual = [each for each in family.samplers if each != "lcm" or family.noise == samplers.Noise.LCM]
        return list(dict.fromkeys([own, *(usual if family.slug != GENERIC else [])])) if own else []
    for name in terms.schedulers:
        if samplers.find(name) is None and not name.endswith("Scheduler"):
            known = ", ".join(family.samplers)
            raise CheckpointError(f"{name} is no sampler. {family.name} takes: {known}.")
        if not family.takes_sampler(name) and name != own:
            raise CheckpointError(f"{family.name} cannot be drawn with the sampler {samplers.label(name)}.")
    return list(terms.schedulers)


def _draw_tests(source: Source, sizes: Sequence[Sequence[int]], chosen: Sequence[str], guidance: float) -> None:
    """One picture of the first size; every other size and sampler is checked without drawing, or drawn if cheap."""
    for number, (width, height) in enumerate(sizes):
        job = Job(source, [TEST_PROMPT], [""], [0], width, height, TEST_STEPS, [guidance])
        if number == 0:
            draw_test(replace(job, scheduler=chosen[0] if chosen else ""))
        else:
            _require_size(job)
    width, height = sizes[0]
    for name in chosen[1:]:
        if samplers.find(name) is None:  # a class of diffusers without a preset: only drawing shows that it fits
            draw_test(Job(source, [TEST_PROMPT], [""], [0], width, height, TEST_STEPS, [guidance], name))


def _require_size(job: Job) -> None:
    try:
        require_supported(pipeline_cache().get(job.source), job)
    except NotSupported as error:
        raise CheckpointError(f"{job.width}x{job.height}: {error}") from error


def draw_test(job: Job) -> None:
    """Draws a job and looks at what comes out.

    Raises:
        CheckpointError: it cannot be drawn, or is one flat colour or no picture at all.
    """
    try:
        (picture,) = draw(job, on_step=lambda _step, _previews: None)
    except NotSupported as error:
        raise CheckpointError(f"{job.width}x{job.height}: {error}") from error
    except (OutOfMemory, DeviceLost) as error:
        raise CheckpointError("The test picture does not fit into the memory of the device.") from error
    except (FloatingPointError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"The test picture could not be drawn: {' '.join(str(error).split())[:300]}") from error
    if picture.size != (job.width, job.height):
        raise CheckpointError(
            f"{job.width}x{job.height} was asked for, but {picture.width}x{picture.height} was drawn."
        )
    if float(np.asarray(picture).std()) == 0.0:
        raise CheckpointError(
            "The test picture is one flat colour: the weights are damaged, or the precision is too low."
        )


def register_starter() -> tuple[Checkpoint, bool]:
    """The checkpoint that Salon ships, with the styles it was trained with."""
    terms = Terms(
        slug="starter", name="Salon starter", licence="Apache-2.0 AND MIT", outputs_may_train=True, max_steps=40,
        steps=20, guidance=3.0,
    )  # fmt: skip
    checkpoint, is_new = register_checkpoint(source=Source(STARTER_FOLDER), terms=terms)
    checkpoint.hints = dict(STARTER_HINTS)
    checkpoint.save(update_fields=["hints"])
    with transaction.atomic():
        for style in STARTER_STYLES:
            row, _created = Style.objects.update_or_create(slug=style["slug"], defaults=dict(style))
            row.checkpoints.add(checkpoint)
    return checkpoint, is_new


def sha256_of_weights(path: Path, variant: str = "") -> str:
    """Of every safetensors file that is loaded, in the order of their paths, each preceded by its path."""
    digest = hashlib.sha256()
    for file in weight_files(path, variant):
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
