"""The settings of a picture in the forms people paste elsewhere. Pure: rows in, text out."""

import json
import shlex
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation.media.encoding import Recipe
from generation.models import Image

_LABELS: dict[str, str | Promise] = {
    "prompt": _("Prompt"),
    "negative_prompt": _("Negative prompt"),
    "checkpoint": _("Checkpoint"),
    "style": _("Style"),
    "loras": _("LoRA"),
    "seed": _("Seed"),
    "width": _("Width"),
    "height": _("Height"),
    "steps": _("Steps"),
    "guidance": _("Guidance scale"),
    "scheduler": _("Scheduler"),
    "source_image": _("Start from a picture"),
    "strength": _("Strength"),
}


def settings_of(image: Image, source: Image | None = None) -> dict[str, Any]:
    """What `POST /api/generations/` takes to ask for this picture again.

    `source` is the picture that it was made from, where whoever asks may use it. Without one, what was made from a
    picture is asked for by its words alone (see `lacks_source`).
    """
    made = image.generation
    settings: dict[str, Any] = {
        "prompt": made.prompt,
        "negative_prompt": made.negative_prompt,
        "checkpoint": made.checkpoint.slug,
        "style": made.style.slug if made.style else "",
        "seed": image.seed,
        "width": image.width,
        "height": image.height,
        "steps": made.steps,
        "guidance": made.guidance,
        "scheduler": made.scheduler,
        "loras": made.loras,
        "source_image": source.public_id if source else "",
        "strength": made.strength if source and made.strength is not None else "",
        "count": 1,
    }
    return {name: value for name, value in settings.items() if value not in ("", [])}


def lacks_source(image: Image, source: Image | None) -> bool:
    """Whether it was made from a picture that cannot be copied along: an upload, or one not to be seen."""
    return image.generation.strength is not None and source is None


def all_forms(image: Image, source: Image | None, site_url: str) -> dict[str, str]:
    """Every form by its name."""
    return {
        "text": as_text(image, source),
        "json": as_json(image, source),
        "parameters": as_parameters(image),
        "curl": as_curl(image, site_url, source),
    }


def as_text(image: Image, source: Image | None = None) -> str:
    """For people: a line for each setting, named as on the page."""
    values = settings_of(image, source).items()
    return "\n".join(f"{_LABELS[name]}: {_written(value)}" for name, value in values if name in _LABELS)


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{lora['slug']} × {lora['weight']:g}" for lora in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def as_json(image: Image, source: Image | None = None) -> str:
    return json.dumps(settings_of(image, source), ensure_ascii=False, indent=2)


def as_parameters(image: Image) -> str:
    """The text that AUTOMATIC1111's web UI writes into PNGs and most tools read; LoRAs stand in the prompt there."""
    made = image.generation
    loras = "".join(f" <lora:{lora['slug']}:{lora['weight']:g}>" for lora in made.loras)
    recipe = Recipe(
        prompt=made.prompt + loras,
        negative_prompt=made.negative_prompt,
        checkpoint=made.checkpoint.slug,
        checkpoint_sha256=made.checkpoint.sha256,
        scheduler=made.scheduler,
        steps=made.steps,
        guidance=made.guidance,
        seed=image.seed,
        width=image.width,
        height=image.height,
        strength=made.strength,
    )
    return recipe.parameters()


def as_curl(image: Image, site_url: str, source: Image | None = None) -> str:
    """A command line that asks this site's API for the picture; the token stays a variable of the shell."""
    return " \\\n  ".join(
        [
            f"curl -X POST {shlex.quote(f'{site_url}/api/generations/')}",
            '-H "Authorization: Token $SALON_TOKEN"',
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(json.dumps(settings_of(image, source), ensure_ascii=False))}",
        ]
    )
