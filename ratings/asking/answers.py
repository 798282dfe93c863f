"""Answers, and the ways of giving none. Of many at once, one counts; every refusal has its reason."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, level_for
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from moderation.restrictions.services import require_unrestricted
from ratings.asking import ledger
from ratings.asking.pools import askable_images
from ratings.asking.tokens import Claim, open_token, read_token
from ratings.models import Ask, AskOutcome, Comparison, Rating

SKIP = "skip"
REFUSED_A_MINUTE = 60


def answer_ask(
    *,
    token: str,
    rater: User,
    value: int | None,
    dwell_ms: int | None = None,
    about: Collection[str] = (),
    at: datetime | None = None,
) -> Rating:
    """Stores an answer: 1 (worst) to 5 (best) whichever way the scale was shown, None for “can't tell”.

    The same answer sent twice is one row and comes back; another one is refused (409), as is one that comes
    too late. Raises Refused besides for a token that does not fit (400, 404), a value off the scale (400),
    a member who may not vote (403), a picture that is gone (404), and too many refusals (429).
    """
    at = at or timezone.now()
    claim = open_token(token, rater=rater)
    if len(claim.subject) != 1 or (value is not None and value not in range(1, 6)):
        read_token(token, rater=rater, about=about)
        raise Refused("bad_value", _("Choose one of the five steps."), fields={"value": [_("From 1 to 5.")]})
    _check_about(claim, token, rater, about)
    stored = ledger.store_rating(
        ask=claim.ask,
        rater=rater.pk,
        level=level_for(rater),
        image=claim.subject[0],
        value=value,
        dwell_ms=dwell_ms,
        at=at,
    )
    if stored is None:
        return _rating_already_given(token, rater, value, at)
    pk, ask, question, repeat_no = stored
    kept = {"rater": rater, "image_id": claim.subject[0], "value": value, "created_at": at}
    return Rating(pk=pk, ask_id=ask, question_id=question, repeat_no=repeat_no, **kept)


def answer_comparison(
    *,
    token: str,
    rater: User,
    outcome: str,
    dwell_ms: int | None = None,
    about: Collection[str] = (),
    at: datetime | None = None,
) -> Ask:
    """Stores which side won, as it was seen: left, right, tie, both_bad; `skip` closes the pair without an answer.

    Idempotence and refusals are those of `answer_ask`.
    """
    at = at or timezone.now()
    claim = open_token(token, rater=rater)
    if len(claim.subject) != 2 or outcome not in {*Comparison.Outcome.values, SKIP}:
        read_token(token, rater=rater, about=about)
        wording = _("One of left, right, tie, both_bad, skip.")
        raise Refused("bad_outcome", _("Choose a side, a tie, both bad, or skip."), fields={"outcome": [wording]})
    _check_about(claim, token, rater, about)
    if outcome == SKIP:
        is_stored = _skip_pair(claim, rater, dwell_ms, at)
    else:
        low, high = claim.subject
        is_stored = ledger.store_comparison(
            ask=claim.ask,
            rater=rater.pk,
            level=level_for(rater),
            low=low,
            high=high,
            outcome=outcome,
            dwell_ms=dwell_ms,
            at=at,
        )
    ask = read_token(token, rater=rater) if is_stored else _pair_already_judged(token, rater, outcome, at)
    return ask


def skip_ask(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> Ask:
    """Closes an ask as skipped: not this question. Closed already, it stays as it is."""
    return _close_without_answer(token, rater, about, AskOutcome.SKIPPED, at)


def dismiss_ask(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> Ask:
    """Closes an ask as dismissed: no questions now. Two in a row make asking pause."""
    return _close_without_answer(token, rater, about, AskOutcome.DISMISSED, at)


def _close_without_answer(
    token: str, rater: User, about: Collection[str], outcome: AskOutcome, at: datetime | None
) -> Ask:
    ask = read_token(token, rater=rater, about=about)
    at = at or timezone.now()
    Ask.objects.filter(pk=ask.pk).open(at).update(
        outcome=outcome, closed_at=at, shown_at=Coalesce("shown_at", "created_at")
    )
    ask.refresh_from_db(fields=["outcome", "closed_at", "shown_at"])
    return ask


def _check_about(claim: Claim, token: str, rater: User, about: Collection[str]) -> None:
    """Raises Refused if the caller names another ask or picture; only a picture's name costs a look at the ledger."""
    if set(about) - {claim.ask}:
        read_token(token, rater=rater, about=about)


def _skip_pair(claim: Claim, rater: User, dwell_ms: int | None, at: datetime) -> bool:
    require_unrestricted(user=rater, doing="vote", at=at)
    mine = Ask.objects.filter(public_id=claim.ask, rater=rater, image_low=claim.subject[0])
    seen = Coalesce("shown_at", F("created_at"))
    still_there = mine.answerable(askable_images(rater, at), at)
    return still_there.update(outcome=AskOutcome.SKIPPED, closed_at=at, dwell_ms=dwell_ms, shown_at=seen) == 1


def _rating_already_given(token: str, rater: User, value: int | None, at: datetime) -> Rating:
    """The rating that is there already if it says the same; raises the reason why this one does not count."""
    ask = _ask_that_refused(token, rater, at)
    rating = Rating.objects.filter(ask=ask).first()
    if rating is not None and rating.value == value:
        return rating
    raise _why_closed(ask, at)


def _pair_already_judged(token: str, rater: User, outcome: str, at: datetime) -> Ask:
    ask = _ask_that_refused(token, rater, at)
    closing = AskOutcome.SKIPPED if outcome == SKIP else AskOutcome.ANSWERED
    earlier = Comparison.objects.filter(ask=ask).values_list("outcome", flat=True).first() or SKIP
    if ask.outcome == closing and earlier == outcome:
        return ask
    raise _why_closed(ask, at)


def _ask_that_refused(token: str, rater: User, at: datetime) -> Ask:
    """The ask that took no answer. An answer uses its token up, so refusals are what a rate limit has to count."""
    check_rate(key=f"refused-answer:{rater.pk}", limit=REFUSED_A_MINUTE, seconds=60)
    ask = read_token(token, rater=rater)
    require_unrestricted(user=rater, doing="vote", at=at)
    return ask


def _why_closed(ask: Ask, at: datetime) -> Refused:
    if ask.outcome == AskOutcome.ANSWERED:
        return Refused("already_answered", _("You have answered this already; your first answer counts."), status=409)
    if ask.outcome != AskOutcome.OPEN or ask.expires_at <= at:
        return Refused("expired", _("This question is closed. Thank you all the same."), status=409)
    return NotFound(_("The picture is no longer there, so there is nothing to answer."))
