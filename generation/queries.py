"""A member's own generations: searched, filtered, a bounded page at a time."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Prefetch, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation.models import PENDING, Generation, GenerationQuerySet, Image, ImageState
from generation.presentation import Shown, shown

PAGE = 20
STATES = {
    "ready": (_("Ready"), (ImageState.READY,)),
    "pending": (_("Being made"), PENDING),
    "held": (_("Held for review"), (ImageState.HELD,)),
    "ended": (_("Failed or cancelled"), (ImageState.FAILED, ImageState.CANCELLED)),
}


@dataclass(frozen=True)
class Entry:
    generation: Generation
    images: list[Shown]
    is_pending: bool


@dataclass(frozen=True)
class Query:
    """What the member looks for; anything unknown in an address is as if it were not there."""

    words: str = ""
    state: str = ""
    checkpoint: str = ""
    before: str = ""

    def is_empty(self) -> bool:
        return not (self.words or self.state or self.checkpoint)

    def address_after(self, last: Generation) -> str:
        values = {"q": self.words, "state": self.state, "checkpoint": self.checkpoint, "before": last.public_id}
        return "?" + urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True)
class Page:
    entries: list[Entry] = field(default_factory=list)
    next_url: str = ""


def page_of(author: User, query: Query, *, at: datetime) -> Page:
    """One page of generations that have an image left, newest first."""
    rows = _found(Generation.objects.visible_to(author), query).order_by("-submitted_at", "-pk")
    last = rows_before(author, query.before)
    if last is not None:
        rows = rows.filter(Q(submitted_at__lt=last.submitted_at) | Q(submitted_at=last.submitted_at, pk__lt=last.pk))
    kept = Prefetch("images", Image.objects.kept().order_by("position"), to_attr="kept_images")
    found = list(rows.select_related("checkpoint", "style").prefetch_related(kept)[: PAGE + 1])
    entries = [_entry(each, author, at) for each in found[:PAGE]]
    return Page(entries, query.address_after(found[PAGE - 1]) if len(found) > PAGE else "")


def rows_before(author: User, public_id: str) -> Generation | None:
    return Generation.objects.visible_to(author).filter(public_id=public_id).first() if public_id else None


def _found(rows: GenerationQuerySet, query: Query) -> GenerationQuerySet:
    images = Image.objects.kept()
    if query.state in STATES:
        images = images.filter(state__in=STATES[query.state][1])
    rows = rows.filter(pk__in=images.values("generation_id"))
    if query.checkpoint:
        rows = rows.filter(checkpoint__slug=query.checkpoint)
    if query.words:
        match = Q(prompt__icontains=query.words) | Q(checkpoint__name__icontains=query.words)
        if query.words.isascii() and query.words.isdigit() and len(query.words) < 20:
            match |= Q(pk__in=Image.objects.filter(seed=min(int(query.words), 2**63 - 1)).values("generation_id"))
        rows = rows.filter(match)
    return rows


def _entry(generation: Generation, author: User, at: datetime) -> Entry:
    images: list[Image] = generation.kept_images  # type: ignore[attr-defined]
    for image in images:
        image.generation = generation
    is_pending = any(image.state in PENDING for image in images)
    return Entry(generation, [shown(image, author=author, at=at) for image in images], is_pending)
