"""Checks what a member asks for; every wrong field is reported at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from generation.catalogue.samplers import find, label
from generation.models import Checkpoint, Generation, Lora, Style
from generation.parameters import CheckpointUse, LoraUse, Parameters, StyleUse, Wanted
from lib.errors import Refused
from lib.text import count_units, normalise_text

MAX_PROMPT = 2000  # UTF-16 code units, as the page counts
MAX_IMAGES = 8
MAX_GUIDANCE = 20.0
MAX_SEED = 2**63 - 1
MAX_CLIP_SKIP = 4


@dataclass(frozen=True)
class Request:
    """A generation that can be made as asked; what was left open is filled in from the checkpoint."""

    parameters: Parameters
    checkpoint: Checkpoint
    style: Style | None
    count: int
    seed: int | None
    """None leaves it to chance: then the parameters' own seed means nothing."""
    remix_kind: str

    @property
    def cost_units(self) -> int:
        """Of all its images."""
        return self.count * self.parameters.cost_units()


class _Faults:
    """Collects messages by field; a check that fails goes on with a default, so that the others run too."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def add(self, field: str, message: str) -> None:
        self.fields.setdefault(field, []).append(message)

    def refusal(self) -> Refused:
        """Call when there is at least one."""
        return Refused("invalid", next(iter(self.fields.values()))[0], fields=self.fields)

    def raise_if_any(self) -> None:
        if self.fields:
            raise self.refusal()


def check_request(wanted: Wanted, *, has_source: bool) -> Request:
    """The request with its rows and numbers; raises Refused with every field that is wrong."""
    faults = _Faults()
    prompt = _text(faults, "prompt", wanted["prompt"])
    if not prompt and "prompt" not in faults.fields:
        faults.add("prompt", _("Describe what the picture should show."))
    negative_prompt = _text(faults, "negative_prompt", wanted.get("negative_prompt", ""))
    count = _integer(faults, "count", wanted.get("count", 4), 1, MAX_IMAGES, _("Choose between 1 and 8 images."))
    seed = _seed(faults, wanted.get("seed"))
    remix_kind = _remix_kind(faults, wanted.get("remix_kind", ""))
    row = _checkpoint(faults, wanted["checkpoint"])
    style = _style(faults, row, wanted.get("style", ""))
    width, height = _size(faults, row, wanted.get("width"), wanted.get("height"))
    parameters = Parameters(
        prompt=prompt,
        negative_prompt=negative_prompt,
        checkpoint=CheckpointUse.of(row),
        style=StyleUse.of(style),
        seed=seed or 0,
        width=width,
        height=height,
        steps=_steps(faults, row, wanted.get("steps")),
        guidance=_guidance(faults, row, wanted.get("guidance")),
        scheduler=_scheduler(faults, row, wanted.get("scheduler")),
        loras=_loras(faults, row, wanted.get("loras", ())),
        strength=_strength(faults, wanted.get("strength")) if has_source else None,
        clip_skip=_clip_skip(faults, row, wanted.get("clip_skip")),
    )
    check_together(faults, parameters, row)
    faults.raise_if_any()
    return Request(parameters, checkpoint=row, style=style, count=count, seed=seed, remix_kind=remix_kind)


def _checkpoint(faults: _Faults, slug: str) -> Checkpoint:
    """The rest of a request depends on its checkpoint: without one, the faults so far are raised."""
    row = Checkpoint.objects.enabled().filter(slug=slug).first()
    if row is not None:
        return row
    faults.add("checkpoint", _("This checkpoint is not available. Choose one from the list."))
    raise faults.refusal()


def _remix_kind(faults: _Faults, kind: str) -> str:
    if kind and kind not in Generation.RemixKind.values:
        faults.add("remix_kind", _("The kind of a remix is “same” or “inspired”."))
    return kind


def _text(faults: _Faults, field: str, value: str) -> str:
    value = normalise_text(value)
    if (length := count_units(value)) > MAX_PROMPT:
        message = _("This has %(n)s characters; the limit is 2,000. Please shorten it.")
        faults.add(field, message % {"n": f"{length:,}"})
    return value


def _integer(faults: _Faults, field: str, value: int | str, least: int, most: int, message: str) -> int:
    number = _whole(value)
    if number is None or not least <= number <= most:
        faults.add(field, message)
        return least
    return number


def _whole(value: object) -> int | None:
    """A whole number, or one in plain decimal digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int):
        return value
    digits = value.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None


def _seed(faults: _Faults, value: int | str | None) -> int | None:
    if value is None or value == "":
        return None
    number = _whole(value)
    if number is None or not 0 <= number <= MAX_SEED:
        faults.add("seed", _("Enter a whole number from 0 to 9,223,372,036,854,775,807, or leave the seed empty."))
        return None
    return number


def _style(faults: _Faults, checkpoint: Checkpoint, slug: str) -> Style | None:
    if not slug:
        return None
    style = checkpoint.styles.filter(slug=slug).first()
    if style is None:
        faults.add(
            "style", _("%(name)s does not have this style. Choose one from the list.") % {"name": checkpoint.name}
        )
    return style


def _size(faults: _Faults, checkpoint: Checkpoint, width: int | None, height: int | None) -> tuple[int, int]:
    first: list[int] = checkpoint.sizes[0]
    wanted = first if width is None and height is None else [_whole(width), _whole(height)]
    if wanted not in checkpoint.sizes:
        sizes = ", ".join(f"{w} × {h}" for w, h in checkpoint.sizes)
        message = _("%(name)s supports these sizes: %(sizes)s.") % {"name": checkpoint.name, "sizes": sizes}
        faults.add("width", message)
        wanted = first
    return int(wanted[0] or 0), int(wanted[1] or 0)


def _steps(faults: _Faults, checkpoint: Checkpoint, value: int | str | None) -> int:
    if value is None or value == "":
        return checkpoint.default_steps
    most = checkpoint.max_steps
    return _integer(faults, "steps", value, 1, most, _("Choose between 1 and %(most)s steps.") % {"most": most})


def _decimal(value: float | str) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _guidance(faults: _Faults, checkpoint: Checkpoint, value: float | str | None) -> float:
    if value is None or value == "":
        return checkpoint.default_guidance
    number = _decimal(value)
    if number is None or not 0 <= number <= MAX_GUIDANCE:
        faults.add("guidance", _("Choose a guidance from 0 to 20."))
        return checkpoint.default_guidance
    return number


def _scheduler(faults: _Faults, checkpoint: Checkpoint, value: str | None) -> str:
    """A stored class name stands for the preset that took its place."""
    offered: list[str] = checkpoint.schedulers
    default = offered[0] if offered else ""
    if not value or value in offered:
        return value or default
    preset = find(value)
    same = [each for each in offered if preset is not None and find(each) == preset]
    if not same:
        names = ", ".join(label(each) for each in offered)
        faults.add(
            "scheduler", _("%(name)s supports these samplers: %(names)s.") % {"name": checkpoint.name, "names": names}
        )
    return same[0] if same else default


def _clip_skip(faults: _Faults, checkpoint: Checkpoint, value: int | str | None) -> int:
    most = MAX_CLIP_SKIP if checkpoint.facts.has_clip_skip else 1
    if value is None or value == "" or (most == 1 and _whole(value) == 1):
        return 1
    if most == 1:
        faults.add("clip_skip", _("%(name)s cannot skip layers of its text encoder.") % {"name": checkpoint.name})
        return 1
    return _integer(faults, "clip_skip", value, 1, most, _("Choose between 1 and %(most)s.") % {"most": most})


def check_together(faults: _Faults, parameters: Parameters, checkpoint: Checkpoint) -> None:
    """Values that are right one by one and cannot be drawn together; found out here, never by a worker."""
    family, preset = checkpoint.facts, find(parameters.scheduler)
    has_source = parameters.strength is not None
    if has_source and not family.has_source:
        faults.add("source_file", _("%(name)s cannot start from a picture.") % {"name": checkpoint.name})
    elif has_source and preset is not None and not preset.takes_source:
        message = _("The sampler %(name)s cannot start from a picture. Choose another one.")
        faults.add("scheduler", message % {"name": preset.name})
    elif parameters.drawn_steps < 1:
        values = {"steps": parameters.steps, "strength": family.least_strength(parameters.steps)}
        message = _(
            "%(steps)s steps at this strength would draw nothing. Use more steps, or a strength from %(strength)s."
        )
        for field in ("steps", "strength"):
            faults.add(field, message % values)
    if preset is not None and not preset.least_steps <= parameters.steps <= preset.most_steps:
        message = _("The sampler %(name)s draws with %(least)s to %(most)s steps.")
        bounds = {
            "name": preset.name,
            "least": preset.least_steps,
            "most": min(preset.most_steps, checkpoint.max_steps),
        }
        faults.add("steps", message % bounds)


def _strength(faults: _Faults, value: float | str | None) -> float:
    number = 0.6 if value is None or value == "" else _decimal(value)
    if number is None or not 0.05 <= number <= 1:
        faults.add("strength", _("Choose a strength from 0.05 (close to the source) to 1 (ignores it)."))
        return 0.6
    return number


def _loras(faults: _Faults, checkpoint: Checkpoint, wanted: Sequence[Mapping[str, Any]]) -> tuple[LoraUse, ...]:
    known = {row.slug: row for row in Lora.objects.offered_to(checkpoint)} if wanted else {}
    chosen = []
    for each in wanted:
        row, weight = known.get(str(each.get("slug", ""))), _decimal(each.get("weight", 1.0))
        if row is None or weight is None or not -2 <= weight <= 2:
            faults.add("loras", _("Choose LoRAs of this checkpoint, with weights from -2 to 2."))
            break
        chosen.append(LoraUse(row.slug, weight, row.sha256))
    return tuple(sorted(chosen, key=lambda each: each.slug))
