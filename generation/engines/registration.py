"""Registers checkpoints: each is loaded once to see that it loads, hashed, and described from its configuration."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from generation.engines.base import Source
from generation.engines.diffusers.loading import fetch, load, native_size
from generation.engines.diffusers.schedulers import set_scheduler
from generation.models import Checkpoint, Style

STARTER_FOLDER = "starter"
# The words of the starter checkpoint's captions; a template says them as its training did.
STARTER_STYLES: Sequence[Mapping[str, str]] = (
    {"slug": "starter-3d", "name": "3D", "template": "{prompt}, 3d style"},
    {"slug": "starter-flat", "name": "Flat", "template": "{prompt}, flat style"},
    {"slug": "starter-cartoon", "name": "Cartoon", "template": "{prompt}, cartoon style"},
)


@dataclass(frozen=True)
class Terms:
    """What an operator says about a checkpoint; what is left None is read from it."""

    slug: str
    name: str
    licence: str
    outputs_may_train: bool = False
    sizes: list[list[int]] | None = None
    steps: int = 20
    max_steps: int = 50
    guidance: float = 3.0
    schedulers: Sequence[str] = ()
    min_memory_mb: int = 0
    pool: str = "default"


def register_checkpoint(*, source: Source, terms: Terms) -> tuple[Checkpoint, bool]:
    """Registers a checkpoint, or brings the one of that slug up to date; returns it and whether it is new.

    Raises:
        CheckpointError: it cannot be loaded, or names a scheduler that does not exist.
    """
    folder = fetch(source)
    loaded = load(Source(str(folder)))
    for name in terms.schedulers:
        set_scheduler(loaded.text2img, name)
    values: dict[str, Any] = {
        "name": terms.name,
        "source": source.location,
        "revision": source.revision,
        "sha256": sha256_of_weights(folder),
        "licence": terms.licence,
        "outputs_may_train": terms.outputs_may_train,
        "pipeline_class": type(loaded.text2img).__name__,
        "sizes": terms.sizes or [native_size(loaded)],
        "default_steps": terms.steps,
        "max_steps": max(terms.max_steps, terms.steps),
        "default_guidance": terms.guidance,
        "schedulers": list(terms.schedulers) or [type(loaded.text2img.scheduler).__name__],
        "min_memory_mb": terms.min_memory_mb,
        "pool": terms.pool,
        "is_enabled": True,
    }
    return Checkpoint.objects.update_or_create(slug=terms.slug, defaults=values)


def register_starter() -> tuple[Checkpoint, bool]:
    """The checkpoint that Salon ships, with the styles it was trained with."""
    terms = Terms(
        slug="starter", name="Salon starter", licence="Apache-2.0 AND MIT", outputs_may_train=True, max_steps=40
    )
    checkpoint, is_new = register_checkpoint(source=Source(STARTER_FOLDER), terms=terms)
    with transaction.atomic():
        for style in STARTER_STYLES:
            row, _created = Style.objects.update_or_create(slug=style["slug"], defaults=dict(style))
            row.checkpoints.add(checkpoint)
    return checkpoint, is_new


def sha256_of_weights(folder: Path) -> str:
    """Of every safetensors file below `folder` in the order of their paths, each preceded by its path."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.safetensors")):
        digest.update(file.relative_to(folder).as_posix().encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
