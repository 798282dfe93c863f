"""From rows to what a pipeline is asked to draw, and what its PNG tells."""

import io
from collections.abc import Mapping, Sequence

import PIL.Image

from generation.engines.base import Job, Source
from generation.media import storage
from generation.media.encoding import Recipe
from generation.models import Checkpoint, Generation, Image, Lora


def source_of(checkpoint: Checkpoint) -> Source:
    return Source(checkpoint.source, checkpoint.revision, checkpoint.sha256)


def job_of(images: Sequence[Image]) -> Job:
    """One call for images of one batch key; their generations come with checkpoint, style and source loaded."""
    first = images[0].generation
    return Job(
        source=source_of(first.checkpoint),
        prompts=[styled_prompt(image.generation) for image in images],
        negative_prompts=[styled_negative_prompt(image.generation) for image in images],
        seeds=[image.seed for image in images],
        width=first.width,
        height=first.height,
        steps=first.steps,
        guidance=first.guidance,
        scheduler=first.scheduler,
        sources=None if first.strength is None else [source_picture(image.generation) for image in images],
        strength=first.strength,
        loras=_lora_weights(first),
    )


def _lora_weights(generation: Generation) -> Mapping[str, float]:
    if not generation.loras:
        return {}
    chosen = {lora["slug"]: float(lora["weight"]) for lora in generation.loras}
    rows = Lora.objects.filter(checkpoint=generation.checkpoint, slug__in=chosen)
    return {lora.source: chosen[lora.slug] for lora in rows}


def styled_prompt(generation: Generation) -> str:
    """The member's prompt with the words of its style around it."""
    template = generation.style.template if generation.style else "{prompt}"
    return template.replace("{prompt}", generation.prompt)


def styled_negative_prompt(generation: Generation) -> str:
    style = generation.style.negative_prompt if generation.style else ""
    return ", ".join(filter(None, (generation.negative_prompt, style)))


def source_picture(generation: Generation) -> PIL.Image.Image:
    """The picture an img2img generation starts from, as RGB; raises FileNotFoundError when it was deleted."""
    if generation.upload is not None:
        name = generation.upload.file
    elif generation.source_image is not None and generation.source_image.prefix:
        name = f"{generation.source_image.prefix}/original.png"
    else:
        raise FileNotFoundError(f"the source picture of generation {generation.public_id} is gone")
    return PIL.Image.open(io.BytesIO(storage.read(name))).convert("RGB")


def recipe_of(image: Image, versions: Mapping[str, str]) -> Recipe:
    generation = image.generation
    return Recipe(
        prompt=generation.prompt,
        negative_prompt=generation.negative_prompt,
        checkpoint=generation.checkpoint.name,
        checkpoint_sha256=generation.checkpoint.sha256,
        scheduler=generation.scheduler,
        steps=generation.steps,
        guidance=generation.guidance,
        seed=image.seed,
        width=image.width,
        height=image.height,
        public_id=image.public_id,
        style=generation.style.slug if generation.style else "",
        strength=generation.strength,
        versions=versions,
    )
