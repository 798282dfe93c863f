"""From leased images to one job of an engine."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import PIL.Image
from django.utils.translation import gettext as _

from generation.catalogue.kinds import FROM_SOURCE, Kind
from generation.engines.base import Job, LoadOptions, NotSupported, Source
from generation.media import storage
from generation.models import (
    Checkpoint,
    ControlNet,
    Generation,
    Image,
    ImagePrompt,
    InputPicture,
    Lora,
    TextualInversion,
    Upload,
)
from generation.parameters import Parameters
from lib.images import open_stored

GONE = "The picture that it starts from was deleted. Choose another one."


Inputs = dict[str, list[InputPicture]]
AddOnRow = TypeVar("AddOnRow", ControlNet, ImagePrompt)


class SourceGone(Exception):
    """A picture that it is made from was deleted; the message is for the author."""


class StoreAway(Exception):
    """A picture that it is made from cannot be read at the moment."""


def source_of(checkpoint: Checkpoint) -> Source:
    """Where a checkpoint lies and how it is held in memory, with the embeddings that prompts may name."""
    words = TextualInversion.objects.offered_to(checkpoint).order_by("slug").values_list("slug", "source")
    return Source(
        location=checkpoint.source,
        revision=checkpoint.revision,
        sha256=checkpoint.sha256,
        family=checkpoint.facts.slug,
        options=LoadOptions(**checkpoint.options),
        embeddings=tuple(words),
    )


def job_of(images: Sequence[Image]) -> Job:
    """One call for images of one batch key; their generations come with checkpoint, style and source loaded."""
    parameters = [Parameters.of(image) for image in images]
    made = [image.generation for image in images]
    first = parameters[0]
    return Job(
        source=source_of(made[0].checkpoint),
        prompts=[each.styled_prompt for each in parameters],
        negative_prompts=[each.styled_negative_prompt for each in parameters],
        seeds=[each.seed for each in parameters],
        guidances=[float(each.guidance) for each in parameters],
        sources=[source_picture(each) for each in made] if first.kind in FROM_SOURCE else None,
        loras=_lora_weights(first),
        edit=first.edit,
        **_beside(parameters, [_inputs(each) for each in made]),
        **first.as_job(),
    )


def _beside(parameters: Sequence[Parameters], inputs: Sequence[Inputs]) -> dict[str, Any]:
    """What an edit needs beside its source, as arguments of a Job."""
    first, found = parameters[0], dict[str, Any]()
    if first.kind == Kind.INPAINT:
        found["masks"] = [_first(each, InputPicture.Role.MASK) for each in inputs]
    if first.kind == Kind.VARIATION:
        found["variation_seeds"] = [each.variation_seed or 0 for each in parameters]
    if first.edit.control is not None:
        net = _registered(ControlNet, first.edit.control.slug)
        found["control"] = (net.source, net.revision)
        found["control_pictures"] = [_first(each, InputPicture.Role.CONTROL) for each in inputs]
    if first.edit.references.method == "ip_adapter":
        adapter = _registered(ImagePrompt, first.edit.references.adapter)
        found["image_prompt"] = (adapter.source, adapter.image_encoder)
        found["references"] = [_all(each, InputPicture.Role.REFERENCE, first.edit.references.count) for each in inputs]
    return found


def _registered(kind: type[AddOnRow], slug: str) -> AddOnRow:
    row: AddOnRow | None = kind._default_manager.filter(slug=slug).first()
    if row is None:
        raise NotSupported(_("%(name)s is no longer available. Choose another one.") % {"name": slug})
    return row


def _inputs(generation: Generation) -> Inputs:
    """The pictures beside the source, by their role."""
    found: Inputs = defaultdict(list)
    for row in generation.inputs.select_related("image", "upload").order_by("position"):
        found[row.role].append(row)
    return found


def _first(inputs: Inputs, role: str) -> PIL.Image.Image:
    return _all(inputs, role, 1)[0]


def _all(inputs: Inputs, role: str, count: int) -> list[PIL.Image.Image]:
    """Exactly `count` pictures of a role; raises SourceGone where one was deleted."""
    rows = inputs[role]
    if len(rows) != count:
        raise SourceGone(_(GONE))
    return [_read(row.picture) for row in rows]


def _lora_weights(parameters: Parameters) -> Mapping[str, float]:
    """Weights by the location of each LoRA."""
    if not parameters.loras:
        return {}
    chosen = {each.slug: each.weight for each in parameters.loras}
    return {row.source: chosen[row.slug] for row in Lora.objects.filter(slug__in=chosen)}


def source_picture(generation: Generation) -> PIL.Image.Image:
    """The picture that a generation starts from, as RGB; raises SourceGone and StoreAway."""
    return _read(generation.upload or generation.source_image)


def _read(picture: Image | Upload | None) -> PIL.Image.Image:
    """Raises SourceGone and StoreAway."""
    if isinstance(picture, Upload):
        if picture.state != Upload.State.READY:  # claims leave these out; and whatever comes here is drawn by nobody
            raise SourceGone(picture.failure or _(GONE))
        name = picture.file
    elif picture is not None and picture.prefix:
        name = storage.original_name(picture)
    else:
        raise SourceGone(_(GONE))
    try:
        data = storage.read(name)
    except FileNotFoundError as error:
        raise SourceGone(_(GONE)) from error
    except Exception as error:  # whatever a store raises while it is away is no fault of the picture
        raise StoreAway(str(error)) from error
    return open_stored(data)
