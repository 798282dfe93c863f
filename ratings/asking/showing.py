"""What became of an ask besides an answer: it reached a screen, it never did, its time ran out."""

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone

from accounts.models import User
from ratings.asking.tokens import read_token
from ratings.models import Ask, AskOutcome


def mark_shown(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> None:
    """Notes that the question and its pictures reached the member's screen; the first time counts."""
    ask = read_token(token, rater=rater, about=about)
    Ask.objects.filter(pk=ask.pk, shown_at=None, outcome=AskOutcome.OPEN).update(shown_at=at or timezone.now())


def mark_not_rendered(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> None:
    """Closes an ask whose page went before the question could be seen; one that was seen stays open."""
    ask = read_token(token, rater=rater, about=about)
    Ask.objects.filter(pk=ask.pk, shown_at=None).close_unanswered(at or timezone.now())


def expire_asks(*, at: datetime | None = None) -> int:
    """Closes what nobody answered in time: as expired, or as never shown. Returns how many."""
    at = at or timezone.now()
    return Ask.objects.filter(expires_at__lte=at).close_unanswered(at)
