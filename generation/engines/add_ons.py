"""Registers LoRAs and textual inversions: each is loaded beside a checkpoint and must change its test picture."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from safetensors import SafetensorError, safe_open

from generation.engines.base import CheckpointError, Job, LoadOptions, Source
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.drawing import draw
from generation.engines.diffusers.files import resolve
from generation.engines.registration import TEST_PROMPT, TEST_STEPS
from generation.models import Checkpoint, Lora, TextualInversion


@dataclass(frozen=True)
class AddOnTerms:
    """What an operator says. `checkpoint` is what it is tried with; `is_for_family` gives it to all of that family."""

    slug: str
    name: str
    licence: str
    checkpoint: Checkpoint
    is_for_family: bool = True
    trigger_words: Sequence[str] = ()


def register_lora(*, location: str, terms: AddOnTerms) -> tuple[Lora, bool]:
    """Registers a LoRA (of peft, kohya or diffusers), or brings the one of that slug up to date.

    Raises:
        CheckpointError: it is no safetensors file, is made for another architecture, or changes nothing.
    """
    file = _file_of(location)
    plain = _job(terms.checkpoint)
    try:
        _require_change(plain, replace(plain, loras={location: 1.0}))
    finally:
        pipeline_cache().clear()
    words = list(terms.trigger_words) or _words_in(file)
    values = _values(location, file, terms) | {"trigger_words": words}
    return Lora.objects.update_or_create(slug=terms.slug, defaults=values)


def register_textual_inversion(*, location: str, terms: AddOnTerms) -> tuple[TextualInversion, bool]:
    """Registers an embedding under the word that prompts name it by, which is its slug; raises as `register_lora`."""
    file = _file_of(location)
    plain = replace(_job(terms.checkpoint), prompts=[terms.slug])
    with_word = replace(plain.source, embeddings=(*plain.source.embeddings, (terms.slug, location)))
    try:
        _require_change(plain, replace(plain, source=with_word))
    finally:
        pipeline_cache().clear()
    return TextualInversion.objects.update_or_create(slug=terms.slug, defaults=_values(location, file, terms))


def _file_of(location: str) -> Path:
    """The one file of an add-on: itself, or the only one of its folder."""
    path = Path(resolve(location))
    files = [path] if path.is_file() else sorted(path.glob("*.safetensors"))
    if len(files) != 1 or files[0].suffix != ".safetensors":
        raise CheckpointError(f"{path} must be a .safetensors file, or a folder with exactly one.")
    try:
        with safe_open(files[0], framework="np") as opened:
            opened.keys()
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{files[0]} is no whole safetensors file: {error}") from error
    return files[0]


def _job(checkpoint: Checkpoint) -> Job:
    width, height = checkpoint.sizes[0]
    source = Source(
        checkpoint.source,
        checkpoint.revision,
        checkpoint.sha256,
        family=checkpoint.facts.slug,
        options=LoadOptions(**checkpoint.options),
    )
    return Job(source, [TEST_PROMPT], [""], [0], width, height, TEST_STEPS, checkpoint.default_guidance)


def _require_change(plain: Job, changed: Job) -> None:
    before, after = _drawn(plain), _drawn(changed)
    if np.array_equal(np.asarray(before), np.asarray(after)):
        raise CheckpointError("It changes nothing: its weights are zero, or made for another architecture.")


def _drawn(job: Job) -> PIL.Image.Image:
    try:
        return draw(job, on_step=lambda _step, _previews: None)[0]
    except (FloatingPointError, RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"A test picture could not be drawn with it: {' '.join(str(error).split())[:300]}"
        ) from error


def _words_in(file: Path) -> list[str]:
    """Trigger words, where whoever trained the LoRA left them in the header as the model specification says."""
    with safe_open(file, framework="np") as opened:
        header: dict[str, Any] = opened.metadata() or {}
    words = str(header.get("modelspec.trigger_phrase", "")).split(",")
    return [word.strip()[:80] for word in words if word.strip()][:20]


def _values(location: str, file: Path, terms: AddOnTerms) -> dict[str, Any]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "name": terms.name,
        "source": location,
        "sha256": digest,
        "licence": terms.licence,
        "checkpoint": None if terms.is_for_family else terms.checkpoint,
        "base_family": terms.checkpoint.facts.slug if terms.is_for_family else "",
        "is_enabled": True,
    }
