"""Checks what a request says beyond its words: its kind, the pictures it needs, and the numbers of an edit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.utils.translation import gettext as _

from generation.catalogue.kinds import (
    FROM_SOURCE,
    MASKED,
    MAX_REFERENCES,
    MAX_SIDE,
    Borders,
    ControlUse,
    Edit,
    Kind,
    References,
    enlarged,
)
from generation.models import Checkpoint, ControlNet, ImagePrompt
from generation.parameters import Parameters, Wanted
from generation.requests.faults import Faults, whole

MAX_MARGIN, MAX_FEATHER, MAX_FACTOR = 128, 64, 4.0
MARGIN, FEATHER = 8, 8  # pixels, where none are chosen


@dataclass(frozen=True)
class Given:
    """The pictures that come with a request, as far as its checks need to know them."""

    source: tuple[int, int] | None = None
    """Width and height of the picture to start from."""
    is_from_draft: bool = False
    has_mask: bool = False
    has_control: bool = False
    references: int = 0
    shared_words: tuple[str, ...] = ()
    """Of the prompts of the references."""


def check_kind(faults: Faults, checkpoint: Checkpoint, wanted: Wanted, given: Given) -> Kind:
    """What is asked for; without a kind, it follows from the pictures that come along."""
    named = wanted.get("kind") or ""
    if named and named not in set(Kind):
        faults.add("kind", _("There is no kind %(kind)s. Choose one of: %(kinds)s.") % {
            "kind": named[:40], "kinds": ", ".join(Kind)
        })  # fmt: skip
    kind = Kind(named) if named in set(Kind) else _kind_of(given)
    name = {"name": checkpoint.name}
    if not checkpoint.facts.supports(kind):
        field, message = _unsupported(kind)
        faults.add(field, message % name)
        return kind
    for field, message in _missing(kind, given):
        faults.add(field, message)
    return kind


def _kind_of(given: Given) -> Kind:
    if given.source is not None:
        return Kind.INPAINT if given.has_mask else Kind.IMG2IMG
    return Kind.CONTROL if given.has_control else Kind.TEXT2IMG


def _unsupported(kind: Kind) -> tuple[str, str]:
    """The field and the sentence for a kind that the family of a checkpoint cannot draw."""
    if kind == Kind.VARIATION:
        return "kind", _("%(name)s cannot draw variations. Draw it again with another seed.")
    if kind == Kind.CONTROL:
        return "control", _("%(name)s cannot follow a picture. Choose another checkpoint.")
    return "source_file", _("%(name)s cannot start from a picture.")


def _missing(kind: Kind, given: Given) -> list[tuple[str, str]]:
    """Pictures that are missing, and those that come without need."""
    found = []
    if kind in FROM_SOURCE and given.source is None:
        found.append(("source_file", _("Choose a picture to start from.")))
    if kind not in FROM_SOURCE and given.source is not None:
        found.append(("source_file", _("This kind starts from words. Leave the picture out, or choose another kind.")))
    if kind == Kind.FINAL and given.source is not None and not given.is_from_draft:
        found.append(("source_file", _("Only a draft of yours can be finished.")))
    if kind == Kind.INPAINT and not given.has_mask:
        found.append(("mask_file", _("Paint over the part that should change.")))
    if kind != Kind.INPAINT and given.has_mask:
        found.append(("mask_file", _("Only redrawing a part takes a mask.")))
    if kind == Kind.CONTROL and not given.has_control:
        found.append(("control_file", _("Choose the picture to follow.")))
    if kind != Kind.CONTROL and given.has_control:
        found.append(("control_file", _("This kind follows no picture. Leave it out, or choose another kind.")))
    return found


def check_edit(faults: Faults, checkpoint: Checkpoint, kind: Kind, wanted: Wanted, given: Given) -> Edit:
    """The numbers that `kind` uses; what it does not use is left at its default, whatever was sent."""
    references = _references(faults, checkpoint, wanted, given)
    if kind in MASKED:
        return Edit(
            mask_margin=_pixels(faults, "mask_margin", wanted.get("mask_margin"), MARGIN, MAX_MARGIN),
            mask_feather=_pixels(faults, "mask_feather", wanted.get("mask_feather"), FEATHER, MAX_FEATHER),
            borders=_borders(faults, wanted.get("borders"), given) if kind == Kind.OUTPAINT else Borders(),
            references=references,
        )
    if kind == Kind.UPSCALE:
        return Edit(factor=_factor(faults, wanted, given), references=references)
    if kind == Kind.VARIATION:
        message = _("Choose how far a variation goes, from 0 (the same picture) to 1 (another one).")
        strength = faults.decimal("variation_strength", wanted.get("variation_strength"), 0, 1, message, usual=0.2)
        return Edit(variation_strength=strength, references=references)
    if kind == Kind.CONTROL:
        return Edit(control=_control(faults, checkpoint, wanted), references=references)
    return Edit(references=references)


def _pixels(faults: Faults, field: str, value: object, usual: int, most: int) -> int:
    if value is None or value == "":
        return usual
    return faults.integer(field, value, 0, most, _("Choose from 0 to %(most)s pixels.") % {"most": most})


def _borders(faults: Faults, wanted: Mapping[str, int | str | None] | None, given: Given) -> Borders:
    sides = {name: whole((wanted or {}).get(name) or 0) for name in ("left", "top", "right", "bottom")}
    numbers = {name: value for name, value in sides.items() if value is not None and 0 <= value <= MAX_SIDE}
    if len(numbers) < len(sides) or not any(numbers.values()):
        faults.add("borders", _("Say by how many pixels the picture should grow on at least one side."))
        return Borders()
    borders = Borders(**numbers)
    if given.source is not None and max(borders.grown(*given.source)) > MAX_SIDE:
        faults.add("borders", _("The picture would be larger than %(most)s pixels a side.") % {"most": MAX_SIDE})
    return borders


def _factor(faults: Faults, wanted: Wanted, given: Given) -> float:
    message = _("Choose how many times larger it should be, from 1.1 to 4.")
    factor = faults.decimal("upscale_factor", wanted.get("upscale_factor"), 1.1, MAX_FACTOR, message, usual=2.0)
    if given.source is not None and max(enlarged(*given.source, factor)) > MAX_SIDE:
        most = MAX_SIDE / max(given.source)
        words = _("The picture would be larger than %(side)s pixels a side. It can become %(most)s times as large.")
        faults.add("upscale_factor", words % {"side": MAX_SIDE, "most": f"{int(most * 10) / 10:g}"})
    return factor


def _control(faults: Faults, checkpoint: Checkpoint, wanted: Wanted) -> ControlUse | None:
    rows = list(ControlNet.objects.offered_to(checkpoint).order_by("slug"))
    row = next((each for each in rows if each.slug == wanted.get("control")), None)
    message = _("Choose a strength from 0 to 2.")
    strength = faults.decimal("control_strength", wanted.get("control_strength"), 0, 2, message, usual=1.0)
    if row is not None:
        return ControlUse(row.slug, strength, row.sha256)
    if rows:
        names = ", ".join(each.slug for each in rows)
        faults.add("control", _("%(name)s can follow: %(names)s.") % {"name": checkpoint.name, "names": names})
    else:
        faults.add("control", _("No ControlNet is registered for %(name)s.") % {"name": checkpoint.name})
    return None


@dataclass(frozen=True)
class Offer:
    """What a checkpoint can be asked for beyond words."""

    kinds: list[str]
    controls: list[ControlNet]
    image_prompt: ImagePrompt | None

    @property
    def reference_method(self) -> str:
        return "words" if self.image_prompt is None else "ip_adapter"


def offer_of(checkpoint: Checkpoint) -> Offer:
    """By its family, and by what is registered for it."""
    controls = list(ControlNet.objects.offered_to(checkpoint).order_by("slug"))
    kinds = [kind for kind in Kind if checkpoint.facts.supports(kind) and (controls or kind != Kind.CONTROL)]
    return Offer([str(kind) for kind in kinds], controls, image_prompt_for(checkpoint))


def image_prompt_for(checkpoint: Checkpoint) -> ImagePrompt | None:
    """The IP-Adapter that reference pictures go through; None where only their words can be used."""
    rows: list[ImagePrompt] = list(ImagePrompt.objects.offered_to(checkpoint).order_by("checkpoint", "pk")[:1])
    return rows[0] if rows else None


def _references(faults: Faults, checkpoint: Checkpoint, wanted: Wanted, given: Given) -> References:
    if not given.references:
        return References()
    if given.references > MAX_REFERENCES:
        faults.add("references", _("A mood board takes at most %(most)s pictures.") % {"most": MAX_REFERENCES})
    message = _("Choose a strength from 0 to 1.")
    strength = faults.decimal("reference_strength", wanted.get("reference_strength"), 0, 1, message, usual=0.6)
    adapter = image_prompt_for(checkpoint)
    if adapter is not None:
        return References("ip_adapter", given.references, strength, (), adapter.slug, adapter.sha256)
    if not given.shared_words:
        message = _("%(name)s cannot look at reference pictures, and their prompts share no words that could be used.")
        faults.add("references", message % {"name": checkpoint.name})
    return References("words", given.references, strength, given.shared_words)


def edit_fields(parameters: Parameters, *, has_source: bool) -> dict[str, object]:
    """The fields of the Create form that say a picture's edit again, as far as its pictures can be used.

    A finished draft is asked for by its words; a mask has to be painted again, a picture to follow to be chosen again.
    """
    edit, kind = parameters.edit, parameters.kind
    found: dict[str, object] = {}
    if kind == Kind.VARIATION:
        found |= {"variation_seed": parameters.variation_seed, "variation_strength": f"{edit.variation_strength:g}"}
    elif kind == Kind.CONTROL and edit.control is not None:
        found |= {"control": edit.control.slug, "control_strength": f"{edit.control.strength:g}"}
    elif kind not in FROM_SOURCE or kind == Kind.FINAL or not has_source:
        return {}
    if kind in MASKED:
        found |= {"mask_margin": edit.mask_margin, "mask_feather": edit.mask_feather}
        found |= {f"border_{side}": pixels for side, pixels in asdict(edit.borders).items() if pixels}
    if kind == Kind.UPSCALE:
        found["upscale_factor"] = f"{edit.factor:g}"
    return {"edit_kind": str(kind), **found}
