"""Asks: drawing them, noting that they were shown, answering them, and closing them without an answer.

Every ask is written to the ledger before it is shown. An answer counts once, whoever sends it how often.
"""

import random
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.models import User, level_for
from generation.models import Image
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from moderation.restrictions.services import require_unrestricted
from ratings.asking import ledger, sampling
from ratings.asking.drawing import certainly, current_policy, draw, lock_draws_of, offer_pair
from ratings.asking.models import Ask, AskOutcome, Comparison, DrawCount, Question, Rating, Surface
from ratings.asking.pools import askable_images, recent_asks
from ratings.asking.tokens import Claim, open_token, read_token

REFUSED_A_MINUTE = 60  # answers of one member; an accepted answer uses its token up and needs no limit
DRAW_IS_KEPT = 30 * 24 * 3600  # s
NEEDS_PROMPT = "prompt-match"
SKIP = "skip"


@transaction.atomic
def draw_ask(
    *, surface: str, image: Image, rater: User, at: datetime | None = None, rng: random.Random | None = None
) -> Ask | None:
    """Decides by chance whether `rater` is asked about `image` now, and about what; None: no question this time.

    There is one draw per member and picture: a second call returns the ask while it is open and draws nothing. The
    result surface asks the author alone, the post surface everybody else, and neither asks about a picture that the
    member may not see. Without `rng` the draw is derived from member and picture, so that a lost cache entry changes
    nothing.
    """
    at = at or timezone.now()
    if not _may_be_asked(surface, image, rater, at):
        return None
    lock_draws_of(rater)
    asked = Ask.objects.about_one().select_related("question", "image")
    earlier = asked.filter(rater=rater, image=image).order_by("-pk").first()
    if earlier is not None:
        return earlier if earlier.outcome == AskOutcome.OPEN and at < earlier.expires_at else None
    if not cache.add(f"ask-draw:{rater.pk}:{image.pk}", 1, DRAW_IS_KEPT):
        return None
    return _draw_new_ask(surface, image, rater, at, rng or _rng_of(rater, image))


def _draw_new_ask(surface: str, image: Image, rater: User, at: datetime, rng: random.Random) -> Ask | None:
    """Draws by the current policy and records the result: an ask, or one more draw that asked nothing."""
    policy, parameters = current_policy()
    recent = recent_asks(rater, parameters)
    questions = _questions_about(image, rater)
    draw = sampling.draw_ask(parameters, surface=surface, recent=recent, questions=list(questions), now=at, rng=rng)
    stratum = sampling.stratum_of(rater.date_joined, recent, at)
    if not draw.is_asked:
        day = timezone.localdate(at)
        DrawCount.objects.count_draw(policy, day, surface, stratum, draw.p_ask, draw.limit)
        return None
    return Ask.objects.create(
        policy=policy,
        surface=surface,
        stratum=stratum,
        rater=rater,
        image=image,
        question=questions[draw.question],
        p_ask=draw.p_ask,
        p_question=draw.p_question,
        is_scale_reversed=draw.is_scale_reversed,
        language=questions[draw.question].wording().language,
        rater_is_author=image.author_id == rater.pk,
        created_at=at,
        expires_at=at + timedelta(minutes=parameters.expires_minutes),
    )


def draw_comparison(*, rater: User, at: datetime | None = None, rng: random.Random | None = None) -> Ask | None:
    """The next pair for `rater`: the one they left open, else a new draw; None where no pair is left.

    Raises:
        Refused: 403 for a member who may not vote, 429 for more than `DRAWS_A_MINUTE` draws.
    """
    return draw(Ask.objects.about_pair(), certainly(offer_pair), rater=rater, at=at, rng=rng)


def _may_be_asked(surface: str, image: Image, rater: User, at: datetime) -> bool:
    if (surface == Surface.RESULT) != (image.author_id == rater.pk) or surface not in sampling.ABOUT_ONE:
        return False
    try:
        require_unrestricted(user=rater, doing="vote", at=at)
    except Refused:
        return False  # a member who may not vote is not asked to
    return askable_images(rater, at).filter(pk=image.pk).exists()


def _questions_about(image: Image, rater: User) -> dict[str, Question]:
    """Active questions by slug; whether the picture matches its prompt is not asked of those who may not read it."""
    questions = Question.objects.active().on_scale()
    if image.is_prompt_hidden and image.author_id != rater.pk:
        questions = questions.exclude(slug=NEEDS_PROMPT)
    return {question.slug: question for question in questions.order_by("pk")}


def _rng_of(rater: User, image: Image) -> random.Random:
    return random.Random(salted_hmac("ratings.draw", f"{rater.pk}:{image.pk}", algorithm="sha256").digest())


def mark_shown(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> None:
    """Records when the question and its pictures reached the member's screen; the first time counts."""
    ask = read_token(token, rater=rater, about=about)
    Ask.objects.filter(pk=ask.pk, shown_at=None, outcome=AskOutcome.OPEN).update(shown_at=at or timezone.now())


def mark_not_rendered(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> None:
    """Closes an ask whose page was left before the question could be seen; one that was seen stays open.

    A pair stays open too and is the next one the member gets, until it expires: leaving the page draws no other pair.
    """
    ask = read_token(token, rater=rater, about=about)
    Ask.objects.filter(pk=ask.pk, shown_at=None, image__isnull=False).close_unanswered(at or timezone.now())


def expire_asks(*, at: datetime | None = None) -> int:
    """Closes asks that nobody answered in time, as expired or as never shown; returns how many."""
    at = at or timezone.now()
    return Ask.objects.filter(expires_at__lte=at).close_unanswered(at)


def answer_ask(
    *,
    token: str,
    rater: User,
    value: int | None,
    dwell_ms: int | None = None,
    about: Collection[str] = (),
    at: datetime | None = None,
    store: Callable[..., tuple[int, int, int, int] | None] = ledger.store_rating,
) -> Rating:
    """Stores an answer to a question about one picture. Idempotent for the same answer.

    Args:
        value: 1 (worst) to 5 (best), whichever way the scale was shown; None for “can't tell”.
        dwell_ms: How long the question was visible, in milliseconds.
        about: Public ids that the caller names: the ask's, its picture's.
        store: The ledger's function for the surface.

    Raises:
        Refused: 400 for a forged token, another subject or a value off the scale; 403 for a member who may not
            vote; 404 for somebody else's ask or a picture that is gone; 409 for another answer than the first or one
            that comes too late; 429 for too many refusals.
    """
    at = at or timezone.now()
    claim = open_token(token, rater=rater)
    if len(claim.subject) != 1 or (value is not None and value not in range(1, 6)):
        read_token(token, rater=rater, about=about)
        raise Refused("bad_value", _("Choose one of the five steps."), fields={"value": [_("From 1 to 5.")]})
    check_about(claim, token, rater, about)
    image, level = claim.subject[0], level_for(rater)
    stored = store(ask=claim.ask, rater=rater.pk, level=level, image=image, value=value, dwell_ms=dwell_ms, at=at)
    if stored is None:
        return _same_rating(token, rater, value, at)
    pk, ask, question, repeat_no = stored
    kept = {"rater": rater, "image_id": image, "value": value, "created_at": at}
    return Rating(pk=pk, ask_id=ask, question_id=question, repeat_no=repeat_no, **kept)


def answer_comparison(
    *,
    token: str,
    rater: User,
    outcome: str,
    surface: Surface = Surface.COMPARE,
    dwell_ms: int | None = None,
    about: Collection[str] = (),
    at: datetime | None = None,
    store: Callable[..., bool] = ledger.store_comparison,
) -> Ask:
    """Stores which side won, as it was shown; `skip` closes the pair without an answer. Idempotent like `answer_ask`.

    Args:
        outcome: left, right, tie, both_bad or skip.
        surface: COMPARE, or ASPECT for a pair that was asked about one aspect.
        store: The ledger's function for the surface.

    Raises:
        Refused: As `answer_ask` does.
    """
    at = at or timezone.now()
    claim = open_token(token, rater=rater)
    if len(claim.subject) != 2 or outcome not in {*Comparison.Outcome.values, SKIP}:
        read_token(token, rater=rater, about=about)
        wording = _("One of left, right, tie, both_bad, skip.")
        raise Refused("bad_outcome", _("Choose a side, a tie, both bad, or skip."), fields={"outcome": [wording]})
    check_about(claim, token, rater, about)
    if outcome == SKIP:
        is_stored = _skip_pair(claim, surface, rater, dwell_ms, at)
    else:
        low, high = claim.subject
        answer: dict[str, Any] = {"ask": claim.ask, "rater": rater.pk, "low": low, "high": high}
        answer["level"] = level_for(rater)
        is_stored = store(**answer, surface=surface, outcome=outcome, dwell_ms=dwell_ms, at=at)
    return read_token(token, rater=rater) if is_stored else _same_comparison(token, rater, outcome, at)


def skip_ask(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> Ask:
    """Closes an ask as skipped: the member does not want this question. A closed ask stays as it is."""
    return _close_without_answer(token, rater, about, AskOutcome.SKIPPED, at)


def dismiss_ask(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> Ask:
    """Closes an ask as dismissed: the member wants no questions now. Two in a row pause asking."""
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


def check_about(claim: Claim, token: str, rater: User, about: Collection[str]) -> None:
    """Raises Refused if the caller names another ask or picture. Only a picture's id costs a query."""
    if set(about) - {claim.ask}:
        read_token(token, rater=rater, about=about)


def _skip_pair(claim: Claim, surface: Surface, rater: User, dwell_ms: int | None, at: datetime) -> bool:
    require_unrestricted(user=rater, doing="vote", at=at)
    own = Ask.objects.filter(public_id=claim.ask, rater=rater, surface=surface, image_low=claim.subject[0])
    seen = Coalesce("shown_at", F("created_at"))
    open_pair = own.answerable(askable_images(rater, at), at)
    return open_pair.update(outcome=AskOutcome.SKIPPED, closed_at=at, dwell_ms=dwell_ms, shown_at=seen) == 1


def _same_rating(token: str, rater: User, value: int | None, at: datetime) -> Rating:
    """The stored rating if it says the same; else raises the reason why this answer was not stored."""
    ask = refused_ask(token, rater, at)
    rating = Rating.objects.filter(ask=ask).first()
    if rating is not None and rating.value == value:
        return rating
    raise refusal_of(ask, at)


def _same_comparison(token: str, rater: User, outcome: str, at: datetime) -> Ask:
    ask = refused_ask(token, rater, at)
    closing = AskOutcome.SKIPPED if outcome == SKIP else AskOutcome.ANSWERED
    if ask.outcome == closing and (outcome == SKIP or ask.verdict.outcome == outcome):
        return ask
    raise refusal_of(ask, at)


def refused_ask(token: str, rater: User, at: datetime) -> Ask:
    """The ask that took no answer; counts the refusal."""
    check_rate(key=f"refused-answer:{rater.pk}", limit=REFUSED_A_MINUTE, seconds=60)
    ask = read_token(token, rater=rater)
    require_unrestricted(user=rater, doing="vote", at=at)
    return ask


def refusal_of(ask: Ask, at: datetime) -> Refused:
    if ask.outcome == AskOutcome.ANSWERED:
        return Refused("already_answered", _("You've already answered this. Your first answer counts."), status=409)
    if ask.outcome != AskOutcome.OPEN or ask.expires_at <= at:
        return Refused("expired", _("This question has closed. Thanks anyway."), status=409)
    return NotFound(_("This picture is no longer available, so there's nothing to answer."))
