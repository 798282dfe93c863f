"""The settings of a picture in the forms people paste elsewhere. Pure: rows in, text out."""

import json
import shlex
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation.catalogue.kinds import Kind
from generation.models import Image
from generation.parameters import EDIT_FIELDS, Parameters

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
    "clip_skip": _("Clip skip"),
}


def settings_of(image: Image, source: Image | None = None) -> dict[str, Any]:
    """What `POST /api/generations/` takes to ask for this picture again.

    `source` is the picture that it was made from, where whoever asks may use it. Without one, what was made from a
    picture is asked for by its words alone (see `lacks_source`).
    """
    parameters = Parameters.of(image, source=source)
    settings: dict[str, Any] = {**parameters.as_request()}
    count = settings.pop("count")
    if parameters.kind != Kind.VARIATION:
        edit = {name: settings.pop(name) for name in EDIT_FIELDS if name in settings}
        if parameters.source_image and not lacks_source(image, source):
            settings |= {"source_image": parameters.source_image, **edit}
    settings["count"] = count
    return {name: value for name, value in settings.items() if value not in (None, "", [])}


def lacks_source(image: Image, source: Image | None) -> bool:
    """Whether it was made from a picture that cannot be copied along: an upload, a mask, or one not to be seen."""
    parameters = Parameters.of(image)
    if parameters.kind in (Kind.INPAINT, Kind.CONTROL) or parameters.edit.references.method == "ip_adapter":
        return True
    return parameters.strength is not None and source is None


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
    return Parameters.of(image).as_a1111()


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
