"""A member's own pictures, found again by every parameter, a bounded page at a time."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Prefetch, Q, Value
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation.catalogue.kinds import LABELS, Kind
from generation.catalogue.samplers import label as sampler_label
from generation.models import PENDING, Generation, GenerationQuerySet, Image, ImageQuerySet, ImageState
from generation.queries import ImageCard, card_of
from lib.days import day_bounds
from lib.text.fields import LineField

PAGE = 20
STATES = {
    "ready": (_("Ready"), (ImageState.READY,)),
    "pending": (_("Being made"), PENDING),
    "held": (_("Held for review"), (ImageState.HELD,)),
    "ended": (_("Failed or cancelled"), (ImageState.FAILED, ImageState.CANCELLED)),
}
SHOWN = {"public": _("Published"), "private": _("Not published"), "favourite": _("Favourites")}


class FilterForm(forms.Form):
    """What the address of the page asks for; a value that it does not know is left out and hides nothing."""

    q = LineField(required=False, max_length=200, label=_("Search my pictures"))
    state = forms.ChoiceField(required=False, label=_("State"))
    shown = forms.ChoiceField(required=False, label=_("Published or favourite"))
    checkpoint = forms.ChoiceField(required=False, label=_("Checkpoint"))
    style = forms.ChoiceField(required=False, label=_("Style"))
    sampler = forms.ChoiceField(required=False, label=_("Sampler"))
    size = forms.ChoiceField(required=False, label=_("Size"))
    kind = forms.ChoiceField(required=False, label=_("Made"))
    negative = LineField(required=False, max_length=200, label=_("Negative prompt"))
    since = forms.DateField(required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any, *, author: User) -> None:
        super().__init__(data)
        self._offer("state", _("Any state"), [(slug, label) for slug, (label, _states) in STATES.items()])
        self._offer("shown", _("All pictures"), list(SHOWN.items()))
        self._offer("kind", _("In any way"), list(LABELS.items()))
        used = _used(author)
        self._offer("checkpoint", _("Any checkpoint"), [(each["slug"], each["name"]) for each in used["checkpoints"]])
        self._offer("style", _("Any style"), [(each["slug"], each["name"]) for each in used["styles"]])
        self._offer("sampler", _("Any sampler"), [(name, sampler_label(name)) for name in used["samplers"] if name])
        sizes = sorted((each["width"], each["height"]) for each in used["sizes"])
        self._offer("size", _("Any size"), [(f"{w}x{h}", f"{w} × {h}") for w, h in sizes])

    def _offer(self, name: str, empty: Any, choices: list[tuple[str, Any]]) -> None:
        found = self.fields[name]
        assert isinstance(found, forms.ChoiceField)
        found.choices = [("", empty), *choices]

    @property
    def values(self) -> dict[str, Any]:
        """What is asked for and understood."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def more(self) -> list[forms.BoundField]:
        """The fields that stand behind “Filters”."""
        return [self[name] for name in self.fields if name not in ("q", "state", "shown")]

    @property
    def narrowed(self) -> int:
        """How many of `more` are in use."""
        return sum(1 for each in self.more if each.name in self.values)


def _used(author: User) -> dict[str, list[Any]]:
    """What the member's generations were made with, each once."""

    def distinct(values: Any, **more: Any) -> ArrayAgg:
        return ArrayAgg(values, distinct=True, default=Value([]), **more)

    return Generation.objects.visible_to(author).aggregate(
        checkpoints=distinct(JSONObject(name="checkpoint__name", slug="checkpoint__slug")),
        styles=distinct(JSONObject(name="style__name", slug="style__slug"), filter=Q(style__isnull=False)),
        samplers=distinct("scheduler"),
        sizes=distinct(JSONObject(width="width", height="height")),
    )


@dataclass(frozen=True)
class Entry:
    generation: Generation
    images: list[ImageCard]
    is_pending: bool


@dataclass(frozen=True)
class Page:
    entries: list[Entry] = field(default_factory=list)
    next_url: str = ""


def page_of(author: User, values: dict[str, Any], *, at: datetime, before: str = "") -> Page:
    """One page of generations that have a picture left that fits, newest first, with those of their pictures that fit.

    Args:
        values: as `FilterForm.values`.
        before: the id of the last generation on the page before.
    """
    images = _fitting_images(author, values)
    finished = Generation.objects.visible_to(author).filter(is_draft=False)
    rows = _fitting(finished, values).filter(pk__in=images.values("generation_id"))
    last = Generation.objects.visible_to(author).filter(public_id=before).first() if before else None
    if last is not None:
        rows = rows.filter(Q(submitted_at__lt=last.submitted_at) | Q(submitted_at=last.submitted_at, pk__lt=last.pk))
    kept = Prefetch("images", images.order_by("position"), to_attr="kept_images")
    ordered = rows.order_by("-submitted_at", "-pk").select_related("checkpoint", "style").prefetch_related(kept)
    found = list(ordered[: PAGE + 1])
    entries = [_entry(each, author, at) for each in found[:PAGE]]
    return Page(entries, _address(values, found[PAGE - 1].public_id) if len(found) > PAGE else "")


def _address(values: dict[str, Any], before: str) -> str:
    named = {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
    return "?" + urlencode(named | {"before": before})


def _fitting_images(author: User, values: dict[str, Any]) -> ImageQuerySet:
    images = Image.objects.kept().filter(author=author)
    if state := values.get("state"):
        images = images.filter(state__in=STATES[state][1])
    if shown := values.get("shown"):
        images = (
            images.filter(is_favourite=True) if shown == "favourite" else images.filter(is_public=shown == "public")
        )
    return images


def _fitting(rows: GenerationQuerySet, values: dict[str, Any]) -> GenerationQuerySet:
    columns = {"checkpoint": "checkpoint__slug", "style": "style__slug", "sampler": "scheduler"}
    rows = rows.filter(**{column: values[name] for name, column in columns.items() if name in values})
    if size := values.get("size"):
        width, _x, height = size.partition("x")
        rows = rows.filter(width=width, height=height)
    if kind := values.get("kind"):
        older = {Kind.TEXT2IMG: Q(kind="", strength=None), Kind.IMG2IMG: Q(kind="", strength__isnull=False)}
        rows = rows.filter(Q(kind=kind) | older.get(kind, Q(pk=None)))
    if negative := values.get("negative"):
        rows = rows.filter(negative_prompt__icontains=negative)
    if since := values.get("since"):
        rows = rows.filter(submitted_at__gte=day_bounds(since)[0])
    if until := values.get("until"):
        rows = rows.filter(submitted_at__lt=day_bounds(until)[1])
    return _with_words(rows, values.get("q", ""))


def _with_words(rows: GenerationQuerySet, words: str) -> GenerationQuerySet:
    if not words:
        return rows
    match = Q(prompt__icontains=words) | Q(checkpoint__name__icontains=words)
    if words.isascii() and words.isdigit() and len(words) < 20:
        match |= Q(pk__in=Image.objects.filter(seed=min(int(words), 2**63 - 1)).values("generation_id"))
    return rows.filter(match)


def _entry(generation: Generation, author: User, at: datetime) -> Entry:
    images: list[Image] = generation.kept_images  # type: ignore[attr-defined]
    for image in images:
        image.generation = generation
    is_pending = any(image.state in PENDING for image in images)
    return Entry(generation, [card_of(image, author=author, at=at) for image in images], is_pending)


MOST_PROMPTS, LOOKED_AT = 12, 60


def recent_prompts(author: User) -> list[str]:
    """The member's last prompts, each once, newest first."""
    rows = Generation.objects.visible_to(author).exclude(prompt="").order_by("-submitted_at", "-pk")
    return list(dict.fromkeys(rows.values_list("prompt", flat=True)[:LOOKED_AT]))[:MOST_PROMPTS]
