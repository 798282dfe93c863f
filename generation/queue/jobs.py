"""From leased images to one job of an engine."""

from collections.abc import Mapping, Sequence

import PIL.Image
from django.utils.translation import gettext as _

from generation.engines.base import Job, LoadOptions, Source
from generation.media import storage
from generation.models import Checkpoint, Generation, Image, Lora, TextualInversion
from generation.parameters import Parameters
from lib.images import open_stored

GONE = "The picture that it starts from was deleted. Choose another one."


class SourceGone(Exception):
    """The picture to start from was deleted; the message is for the author."""


class StoreAway(Exception):
    """The picture to start from cannot be read at the moment."""


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
    first = images[0].generation
    return Job(
        source=source_of(first.checkpoint),
        prompts=[each.styled_prompt for each in parameters],
        negative_prompts=[each.styled_negative_prompt for each in parameters],
        seeds=[each.seed for each in parameters],
        sources=None if first.strength is None else [source_picture(image.generation) for image in images],
        loras=_lora_weights(parameters[0]),
        **parameters[0].as_job(),
    )


def _lora_weights(parameters: Parameters) -> Mapping[str, float]:
    """Weights by the location of each LoRA."""
    if not parameters.loras:
        return {}
    chosen = {each.slug: each.weight for each in parameters.loras}
    return {row.source: chosen[row.slug] for row in Lora.objects.filter(slug__in=chosen)}


def source_picture(generation: Generation) -> PIL.Image.Image:
    """The picture an img2img generation starts from, as RGB; raises SourceGone and StoreAway."""
    if generation.upload is not None:
        name = generation.upload.file
    elif generation.source_image is not None and generation.source_image.prefix:
        name = f"{generation.source_image.prefix}/original.png"
    else:
        raise SourceGone(_(GONE))
    try:
        data = storage.read(name)
    except FileNotFoundError as error:
        raise SourceGone(_(GONE)) from error
    except Exception as error:  # whatever a store raises while it is away is no fault of the picture
        raise StoreAway(str(error)) from error
    return open_stored(data)
