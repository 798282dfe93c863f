"""Registers LoRAs, textual inversions, ControlNets and IP-Adapters: each is loaded beside a checkpoint and must change
its test picture.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
from safetensors import SafetensorError, safe_open

from generation.catalogue.kinds import ControlUse, Edit, Kind, References
from generation.engines.base import CheckpointError, Job, LoadOptions, NotSupported, Source
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.drawing import draw
from generation.engines.diffusers.files import fetch_part, resolve
from generation.engines.registration import TEST_PROMPT, TEST_STEPS
from generation.models import Checkpoint, ControlNet, ImagePrompt, Lora, TextualInversion


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


def register_controlnet(*, location: str, revision: str = "", terms: AddOnTerms) -> tuple[ControlNet, bool]:
    """Registers a ControlNet (a diffusers folder, or a hub id with a pinned commit); raises as `register_lora`.

    It is tried with a picture of edges, which must change what is drawn.
    """
    path = fetch_part(location, revision)
    plain = _job(terms.checkpoint)
    edit = Edit(control=ControlUse(terms.slug))
    followed = replace(plain, kind=Kind.CONTROL, control=(location, revision), control_pictures=[_edges()], edit=edit)
    try:
        _require_change(plain, followed)
    finally:
        pipeline_cache().clear()
    values = _values(location, _only_file(path), terms) | {"revision": revision}
    return ControlNet.objects.update_or_create(slug=terms.slug, defaults=values)


def register_image_prompt(*, location: str, encoder: str, terms: AddOnTerms) -> tuple[ImagePrompt, bool]:
    """Registers an IP-Adapter with the folder of its image encoder; raises as `register_lora`."""
    file = _file_of(location)
    plain = _job(terms.checkpoint)
    edit = Edit(references=References("ip_adapter", 1, 1.0, (), terms.slug))
    inspired = replace(plain, image_prompt=(str(file), encoder), references=[[_edges()]], edit=edit)
    try:
        _require_change(plain, inspired)
    finally:
        pipeline_cache().clear()
    values = _values(str(file), file, terms) | {"image_encoder": encoder}
    return ImagePrompt.objects.update_or_create(slug=terms.slug, defaults=values)


def _edges() -> PIL.Image.Image:
    """A white circle on black, as detectors of edges draw it."""
    picture = PIL.Image.new("RGB", (256, 256))
    PIL.ImageDraw.Draw(picture).ellipse((40, 40, 216, 216), outline="white", width=6)
    return picture


def _only_file(folder: Path) -> Path:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise CheckpointError(f"{folder} must hold exactly one .safetensors file.")
    return files[0]


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
    return Job(source, [TEST_PROMPT], [""], [0], width, height, TEST_STEPS, [checkpoint.default_guidance])


def _require_change(plain: Job, changed: Job) -> None:
    before, after = _drawn(plain), _drawn(changed)
    if np.array_equal(np.asarray(before), np.asarray(after)):
        raise CheckpointError("It changes nothing: its weights are zero, or made for another architecture.")


def _drawn(job: Job) -> PIL.Image.Image:
    try:
        return draw(job, on_step=lambda _step, _previews: None)[0]
    except NotSupported as error:
        raise CheckpointError(str(error)) from error
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
