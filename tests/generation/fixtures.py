"""Checkpoints and pictures for every test; tests/conftest.py loads them."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import PIL.Image
import pytest
from django.utils import timezone
from filelock import FileLock

from accounts.models import User
from generation.media import storage
from generation.models import Checkpoint, Generation, Image, ImageState
from generation.parameters import Parameters
from lib.content_levels import ContentLevel
from tests.generation import tiny

SIZES = [[tiny.SIZE, tiny.SIZE], [tiny.SIZE, tiny.SIZE * 2]]


def checkpoint_row(slug: str, source: str, **fields: Any) -> Checkpoint:
    values: dict[str, Any] = {
        "name": slug.title(),
        "source": source,
        "sha256": hashlib.sha256(slug.encode()).hexdigest(),
        "licence": "Apache-2.0",
        "outputs_may_train": True,
        "sizes": SIZES,
        "default_steps": 3,
        "max_steps": 30,
        "default_guidance": 3.0,
        "schedulers": ["DDIMScheduler", "EulerDiscreteScheduler"],
        **fields,
    }
    return Checkpoint.objects.get_or_create(slug=slug, defaults=values)[0]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy checkpoint on disk, built once per run whatever the number of xdist's workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "tiny"
    with FileLock(f"{folder}.lock"):
        if not (folder / "model_index.json").exists():
            tiny.build(folder)
    return folder


@pytest.fixture
def tiny_checkpoint(db: None, tiny_folder: Path) -> Checkpoint:
    """A checkpoint that really draws, in milliseconds (the first use of a run imports torch)."""
    return checkpoint_row("tiny", str(tiny_folder))


@pytest.fixture
def run_gpu_worker_inline(tiny_folder: Path) -> Callable[..., int]:
    """``run_gpu_worker_inline("default")`` draws and screens what is queued, in this process; returns how many."""

    def run(pool: str = "default", *, screen: bool = True) -> int:
        from generation.queue import screening, worker

        for upload_id in screening.unchecked_uploads(timezone.now()):
            screening.check_upload(upload_id=upload_id)
        drawn = worker.drain(pool=pool, worker="inline")
        for image_id in screening.unchecked_ids() if screen else []:
            screening.check_image(image_id=image_id)
        return drawn

    return run


class MakeImage(Protocol):
    def __call__(self, author: User, **fields: Any) -> Image: ...


@pytest.fixture
def make_image(db: None) -> MakeImage:
    """``make_image(alice, prompt="a cat")``: a ready image with every file, drawn by arithmetic instead of a model.

    Also takes: negative_prompt, seed, content_level, state, at, parent, remix_kind, checkpoint (a row), width,
    height, generation (add to one that exists), is_prompt_hidden, style.
    """
    return finished_image


def finished_image(author: User, **fields: Any) -> Image:
    """As `make_image` does, which says what it takes; for the simulations of benchmarks too."""
    at: datetime = fields.pop("at", None) or timezone.now()
    generation = fields.pop("generation", None) or _generation(author, at, fields)
    return _image(generation, at, fields)


def _generation(author: User, at: datetime, fields: dict[str, Any]) -> Generation:
    checkpoint = fields.pop("checkpoint", None) or checkpoint_row("toy", "toy")
    return Generation.objects.create(
        author=author,
        prompt=fields.pop("prompt", "a cat on a red background"),
        negative_prompt=fields.pop("negative_prompt", ""),
        checkpoint=checkpoint,
        style=fields.pop("style", None),
        scheduler=checkpoint.schedulers[0],
        steps=checkpoint.default_steps,
        guidance=checkpoint.default_guidance,
        width=fields.pop("width", 48),
        height=fields.pop("height", 48),
        parent=fields.pop("parent", None),
        remix_kind=fields.pop("remix_kind", ""),
        idempotency_key=secrets.token_hex(8),
        submitted_at=at,
    )


def _image(generation: Generation, at: datetime, fields: dict[str, Any]) -> Image:
    seed = fields.pop("seed", None)
    image = Image.objects.create(
        generation=generation,
        author=generation.author,
        position=generation.images.count(),
        seed=secrets.randbelow(2**31) if seed is None else seed,
        batch_key="toy",
        cost_units=generation.width * generation.height * generation.steps * 2,
        pool="default",
        lease_no=1,
        attempts=1,
        not_before=at,
        queued_at=at,
        started_at=at,
        ready_at=at,
        bucket=1,
        width=generation.width,
        height=generation.height,
        alt_text=generation.prompt[:500],
        content_level=fields.pop("content_level", ContentLevel.GENERAL),
        state=fields.pop("state", ImageState.READY),
        is_prompt_hidden=fields.pop("is_prompt_hidden", False),
    )
    assert not fields, f"make_image does not know {sorted(fields)}"
    outputs = storage.write_outputs(
        prefix=storage.prefix_of(image_id=image.pk, lease_no=1),
        picture=drawn(image),
        parameters=Parameters.of(image),
        public_id=image.public_id,
    )
    for name, value in outputs.__dict__.items():
        setattr(image, name, value)
    image.save(update_fields=list(outputs.__dict__))
    return image


def drawn(image: Image) -> PIL.Image.Image:
    """The same pixels for the same prompt and seed: smooth colours that have distinct PDQ hashes."""
    words = f"{image.generation.prompt}|{image.seed}".encode()
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(words).digest()[:8], "big"))
    coarse = PIL.Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return coarse.resize((image.width, image.height), PIL.Image.Resampling.BICUBIC)
