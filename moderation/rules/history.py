"""What a rule did: its matches, overturns and benign marks, and what a change of it would do."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from lib.errors import NotFound
from moderation.decisions.models import Decision
from moderation.pseudonyms import pseudonym
from moderation.rules.services import is_matched, oracle_with
from moderation.screening.checkers.rules import compile_rule
from moderation.screening.models import BenignMark, Rule, Screening
from moderation.targets import adapter_of, target_model

RECENT = timedelta(days=30)
MAX_TEXTS, MAX_SECONDS, MAX_SHOWN = 2_000, 8.0, 20


@dataclass(frozen=True)
class Figures:
    """Of one rule in the last 30 days."""

    matches: int
    overturned: int  # what it matched was approved by a moderator afterwards
    benign: int

    @property
    def benign_percent(self) -> int:
        return round(100 * max(self.benign, self.overturned) / self.matches) if self.matches else 0


@dataclass
class DryRun:
    """What a changed rule would do to the texts of the last 30 days. `is_whole` is false when time ran out."""

    texts: int = 0
    newly: list[str] = field(default_factory=list)
    no_longer: list[str] = field(default_factory=list)
    newly_matched: int = 0
    no_longer_matched: int = 0
    is_whole: bool = True


def figures_of(slug: str, at: datetime) -> Figures:
    counted = matches_of(slug, at).aggregate(
        matches=Count("pk"),
        overturned=Count("pk", filter=Q(was_approved=True)),
        benign=Count("pk", filter=Q(is_benign=True)),
    )
    return Figures(**counted)


def matches_of(slug: str, at: datetime) -> QuerySet[Screening]:
    """Recent screenings in which the rule matched, the newest first, with `was_approved` and `is_benign`."""
    approved = Decision.objects.filter(
        target_type=OuterRef("target_type"),
        target_id=OuterRef("target_id"),
        action=Decision.Action.APPROVE,
        decided_at__gte=OuterRef("created_at"),
    )
    marked = BenignMark.objects.filter(screening=OuterRef("pk"), slug=slug)
    found = Screening.objects.filter(created_at__gt=at - RECENT, observations__contains=[{"rule": slug}])
    return found.annotate(was_approved=Exists(approved), is_benign=Exists(marked)).order_by("-pk")


def mark_benign(*, screening: Screening, slug: str, actor: User) -> None:
    """Notes that what the rule matched there was harmless. Idempotent.

    Raises:
        NotFound: the rule matched nothing in it.
    """
    if not any(seen.get("rule") == slug for seen in screening.observations):
        raise NotFound("This rule matched nothing there.")
    BenignMark.objects.get_or_create(
        screening=screening,
        slug=slug,
        defaults={"actor_pseudonym": pseudonym(actor.pk), "marked_at": timezone.now()},
    )


def dry_run(rule: Rule, *, at: datetime) -> DryRun:
    """Tries a rule that is not saved on the texts of the last 30 days, against the active one of its slug."""
    before = Rule.objects.active().filter(slug=rule.slug).first()
    new, old = compile_rule(rule).matcher, compile_rule(before).matcher if before else None
    oracle = oracle_with(new)
    found, ends_at = DryRun(), time.monotonic() + MAX_SECONDS
    for text in recent_texts(at):
        if time.monotonic() > ends_at:
            found.is_whole = False
            break
        found.texts += 1
        is_hit, was_hit = is_matched(new, text, oracle), old is not None and is_matched(old, text, oracle)
        if is_hit and not was_hit:
            found.newly_matched += 1
            found.newly.append(text[:300])
        elif was_hit and not is_hit:
            found.no_longer_matched += 1
            found.no_longer.append(text[:300])
    found.newly, found.no_longer = found.newly[:MAX_SHOWN], found.no_longer[:MAX_SHOWN]
    return found


def recent_texts(at: datetime) -> Iterator[str]:
    """Different texts that were screened in the last 30 days and still exist; of refused ones, what matched."""
    rows = Screening.objects.filter(created_at__gt=at - RECENT).order_by("-pk")
    seen: set[str] = set()
    for target_type, target_id, matched in rows.values_list("target_type", "target_id", "matched_text")[:MAX_TEXTS]:
        text = _text_of(target_type, target_id) or matched
        if text and text not in seen:
            seen.add(text)
            yield text


def _text_of(target_type: str, target_id: int | None) -> str:
    if not target_type or target_id is None:
        return ""
    try:
        target = target_model(target_type)._base_manager.filter(pk=target_id).first()
    except NotFound:
        return ""  # a kind that cannot be reported, such as a request of several pictures; its pictures are listed
    return adapter_of(target).text(target) if target is not None else ""
