"""Checks what a member asks for; every wrong field is reported at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from generation.catalogue.kinds import FROM_SOURCE, STRENGTHS, Edit, Kind, enlarged
from generation.catalogue.samplers import find, label
from generation.models import Checkpoint, Generation, Lora, Style
from generation.parameters import CheckpointUse, LoraUse, Parameters, StyleUse, Wanted
from generation.requests.edits import Given, check_edit, check_kind
from generation.requests.faults import Faults, decimal, whole
from lib.text import count_units, normalise_text

MAX_PROMPT = 2000  # UTF-16 code units, as the page counts
MAX_IMAGES = 8
MAX_GUIDANCE = 20.0
MAX_SEED = 2**63 - 1
MAX_CLIP_SKIP = 4
DRAFT_STEPS = 6


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


def check_request(wanted: Wanted, *, given: Given) -> Request:
    """The request with its rows and numbers; raises Refused with every field that is wrong."""
    faults = Faults()
    prompt = _text(faults, "prompt", wanted["prompt"])
    if not prompt and "prompt" not in faults.fields:
        faults.add("prompt", _("Describe what the picture should show."))
    negative_prompt = _text(faults, "negative_prompt", wanted.get("negative_prompt", ""))
    count = faults.integer("count", wanted.get("count", 4), 1, MAX_IMAGES, _("Choose between 1 and 8 images."))
    seed = _seed(faults, wanted.get("seed"))
    remix_kind = _remix_kind(faults, wanted.get("remix_kind", ""))
    row = _checkpoint(faults, wanted["checkpoint"])
    style = _style(faults, row, wanted.get("style", ""))
    kind = check_kind(faults, row, wanted, given)
    edit = check_edit(faults, row, kind, wanted, given)
    width, height = _size(faults, row, wanted, _shape(kind, edit, given))
    scheduler = _scheduler(faults, row, wanted.get("scheduler"))
    parameters = Parameters(
        prompt=prompt,
        negative_prompt=negative_prompt,
        checkpoint=CheckpointUse.of(row),
        style=StyleUse.of(style),
        seed=seed or 0,
        width=width,
        height=height,
        steps=_steps(faults, row, wanted, scheduler),
        guidance=_guidance(faults, row, wanted.get("guidance")),
        scheduler=scheduler,
        loras=_loras(faults, row, wanted.get("loras", ())),
        strength=_strength(faults, kind, wanted.get("strength")),
        clip_skip=_clip_skip(faults, row, wanted.get("clip_skip")),
        kind=kind,
        edit=edit,
        variation_seed=_variation_seed(faults, kind, seed, wanted.get("variation_seed")),
        is_draft=bool(wanted.get("is_draft")) and kind == Kind.TEXT2IMG,
        output=_output(kind, edit, given),
    )
    check_together(faults, parameters, row)
    faults.raise_if_any()
    is_one = parameters.is_draft or kind == Kind.FINAL
    return Request(parameters, row, style, 1 if is_one else count, seed, remix_kind)


def _output(kind: Kind, edit: Edit, given: Given) -> tuple[int, int] | None:
    """The size of the finished picture, where it follows from its source."""
    if given.source is None or kind not in (Kind.INPAINT, Kind.OUTPAINT, Kind.UPSCALE):
        return None
    if kind == Kind.UPSCALE:
        return enlarged(*given.source, edit.factor)
    return edit.borders.grown(*given.source)


def _shape(kind: Kind, edit: Edit, given: Given) -> float | None:
    """Width by height of what will be drawn, where it follows from the source."""
    if given.source is None or kind not in FROM_SOURCE:
        return None
    width, height = _output(kind, edit, given) or given.source
    return width / height if width and height else None


def _variation_seed(faults: Faults, kind: Kind, seed: int | None, value: int | str | None) -> int | None:
    """Of the noise that is mixed in; None where it is left to chance, or nothing is mixed."""
    if kind != Kind.VARIATION:
        return None
    if seed is None and "seed" not in faults.fields:
        faults.add("seed", _("A variation needs the seed of its picture."))
    return _seed(faults, value, "variation_seed")


def _checkpoint(faults: Faults, slug: str) -> Checkpoint:
    """The rest of a request depends on its checkpoint: without one, the faults so far are raised."""
    row = Checkpoint.objects.enabled().filter(slug=slug).first()
    if row is not None:
        return row
    faults.add("checkpoint", _("This checkpoint is not available. Choose one from the list."))
    raise faults.refusal()


def _remix_kind(faults: Faults, kind: str) -> str:
    if kind and kind not in Generation.RemixKind.values:
        faults.add("remix_kind", _("The kind of a remix is “same” or “inspired”."))
    return kind


def _text(faults: Faults, field: str, value: str) -> str:
    value = normalise_text(value)
    if (length := count_units(value)) > MAX_PROMPT:
        message = _("This has %(n)s characters; the limit is 2,000. Please shorten it.")
        faults.add(field, message % {"n": f"{length:,}"})
    return value


def _seed(faults: Faults, value: int | str | None, field: str = "seed") -> int | None:
    if value is None or value == "":
        return None
    number = whole(value)
    if number is None or not 0 <= number <= MAX_SEED:
        faults.add(field, _("Enter a whole number from 0 to 9,223,372,036,854,775,807, or leave the seed empty."))
        return None
    return number


def _style(faults: Faults, checkpoint: Checkpoint, slug: str) -> Style | None:
    if not slug:
        return None
    style = checkpoint.styles.filter(slug=slug).first()
    if style is None:
        faults.add(
            "style", _("%(name)s does not have this style. Choose one from the list.") % {"name": checkpoint.name}
        )
    return style


def _size(faults: Faults, checkpoint: Checkpoint, wanted: Wanted, shape: float | None) -> tuple[int, int]:
    """As chosen; else the size whose shape is nearest to what is drawn, or the checkpoint's first."""
    width, height = wanted.get("width"), wanted.get("height")
    first: list[int] = checkpoint.sizes[0]
    if shape is not None:
        first = min(checkpoint.sizes, key=lambda size: abs(math.log(size[0] / size[1] / shape)))
    chosen = first if width is None and height is None else [whole(width), whole(height)]
    if chosen not in checkpoint.sizes:
        sizes = ", ".join(f"{w} × {h}" for w, h in checkpoint.sizes)
        message = _("%(name)s supports these sizes: %(sizes)s.") % {"name": checkpoint.name, "sizes": sizes}
        faults.add("width", message)
        chosen = first
    return int(chosen[0] or 0), int(chosen[1] or 0)


def _steps(faults: Faults, checkpoint: Checkpoint, wanted: Wanted, scheduler: str) -> int:
    """A draft takes few, as far as its sampler can draw with so few."""
    value = wanted.get("steps")
    if value is None or value == "":
        if not wanted.get("is_draft"):
            return checkpoint.default_steps
        preset = find(scheduler)
        return min(checkpoint.default_steps, max(DRAFT_STEPS, preset.least_steps if preset else 1))
    most = checkpoint.max_steps
    return faults.integer("steps", value, 1, most, _("Choose between 1 and %(most)s steps.") % {"most": most})


def _guidance(faults: Faults, checkpoint: Checkpoint, value: float | str | None) -> float:
    message = _("Choose a guidance from 0 to 20.")
    return faults.decimal("guidance", value, 0, MAX_GUIDANCE, message, usual=checkpoint.default_guidance)


def _scheduler(faults: Faults, checkpoint: Checkpoint, value: str | None) -> str:
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


def _clip_skip(faults: Faults, checkpoint: Checkpoint, value: int | str | None) -> int:
    most = MAX_CLIP_SKIP if checkpoint.facts.has_clip_skip else 1
    if value is None or value == "" or (most == 1 and whole(value) == 1):
        return 1
    if most == 1:
        faults.add("clip_skip", _("%(name)s cannot skip layers of its text encoder.") % {"name": checkpoint.name})
        return 1
    return faults.integer("clip_skip", value, 1, most, _("Choose between 1 and %(most)s.") % {"most": most})


def check_together(faults: Faults, parameters: Parameters, checkpoint: Checkpoint) -> None:
    """Values that are right one by one and cannot be drawn together; found out here, never by a worker."""
    family, preset = checkpoint.facts, find(parameters.scheduler)
    has_source = parameters.strength is not None and family.has_source  # another family was refused already
    if has_source and preset is not None and not preset.takes_source:
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


def _strength(faults: Faults, kind: Kind, value: float | str | None) -> float | None:
    if kind not in FROM_SOURCE:
        return None
    message = _("Choose a strength from 0.05 (close to the source) to 1 (ignores it).")
    return faults.decimal("strength", value, 0.05, 1, message, usual=STRENGTHS[kind])


def _loras(faults: Faults, checkpoint: Checkpoint, wanted: Sequence[Mapping[str, Any]]) -> tuple[LoraUse, ...]:
    known = {row.slug: row for row in Lora.objects.offered_to(checkpoint)} if wanted else {}
    chosen = []
    for each in wanted:
        row, weight = known.get(str(each.get("slug", ""))), decimal(each.get("weight", 1.0))
        if row is None or weight is None or not -2 <= weight <= 2:
            faults.add("loras", _("Choose LoRAs of this checkpoint, with weights from -2 to 2."))
            break
        chosen.append(LoraUse(row.slug, weight, row.sha256))
    return tuple(sorted(chosen, key=lambda each: each.slug))
