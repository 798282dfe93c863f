"""Asking and answering. A draw writes its row before anybody sees a question; an answer closes it, once.

Whoever shows an ask hands out `tokens.token_for(ask)` with it; every answer comes back with that token.
"""

import random
from collections.abc import Collection
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotFound, Refused
from accounts.models import User
from generation.models import Image
from moderation.services import require_unrestricted
from ratings import sampling
from ratings.models import Ask, AskOutcome, Comparison, DrawTally, Policy, Question, Rating, Surface
from ratings.pools import askable_images, comparison_pools, recent_asks
from ratings.tokens import read_token

DRAW_IS_KEPT = 30 * 24 * 3600  # s
NEEDS_PROMPT = "prompt-match"
PREFERENCE = "preference"
SKIP = "skip"


@transaction.atomic
def draw_ask(
    *, surface: str, image: Image, rater: User, at: datetime | None = None, rng: random.Random | None = None
) -> Ask | None:
    """Draws whether `rater` is asked about `image` now; None: not this time.

    One draw a member and picture: asked again, an open ask comes back, and nothing is drawn anew. The
    result surface asks the maker alone, the post surface everybody else, and neither about a picture that
    the member may not see. Without `rng` the draw follows from member and picture, so that a lost memory of
    it changes nothing.
    """
    at = at or timezone.now()
    if not _may_be_asked(surface, image, rater, at):
        return None
    _one_draw_at_a_time(rater)
    earlier = Ask.objects.select_related("question", "image").filter(rater=rater, image=image).order_by("-pk").first()
    if earlier is not None:
        return earlier if earlier.outcome == AskOutcome.OPEN and at < earlier.expires_at else None
    if not cache.add(f"ask-draw:{rater.pk}:{image.pk}", 1, DRAW_IS_KEPT):
        return None
    return _draw_anew(surface, image, rater, at, rng or _rng_of(rater, image))


def _draw_anew(surface: str, image: Image, rater: User, at: datetime, rng: random.Random) -> Ask | None:
    """Draws by the policy in force, and writes down what came of it: an ask, or one more in the tally."""
    policy, parameters = _policy()
    recent = recent_asks(rater, parameters)
    questions = _questions_about(image, rater)
    draw = sampling.draw_ask(parameters, surface=surface, recent=recent, questions=list(questions), now=at, rng=rng)
    stratum = sampling.stratum_of(rater.date_joined, recent, at)
    if not draw.is_asked:
        day = timezone.localdate(at)
        DrawTally.objects.count_draw(policy, day, surface, stratum, draw.p_ask, draw.limit)
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
        rater_is_author=image.author_id == rater.pk,
        created_at=at,
        expires_at=at + timedelta(minutes=parameters.expires_minutes),
    )


@transaction.atomic
def draw_comparison(*, rater: User, at: datetime | None = None, rng: random.Random | None = None) -> Ask | None:
    """The pair that `rater` judges next: the one they left open, else a new draw; None where no pair is left.

    Raises Refused (403) for a member who may not vote.
    """
    at = at or timezone.now()
    require_unrestricted(user=rater, doing="vote", at=at)
    _one_draw_at_a_time(rater)
    pairs = Ask.objects.about_pair().select_related("question", "image_low", "image_high")
    left_open = pairs.filter(rater=rater).answerable(askable_images(rater, at), at).order_by("-pk").first()
    if left_open is not None:
        return left_open
    policy, parameters = _policy()
    pools = comparison_pools(rater, parameters, at)
    draw = sampling.draw_pair(parameters, pools=pools, rng=rng or random.SystemRandom())
    if draw is None:
        return None
    return _ask_to_compare(draw, rater, policy, at, at + timedelta(minutes=parameters.expires_minutes))


def _ask_to_compare(draw: sampling.PairDraw, rater: User, policy: Policy, at: datetime, expires_at: datetime) -> Ask:
    pair = Image.objects.in_bulk([draw.candidate.low, draw.candidate.high])
    low, high = pair[draw.candidate.low], pair[draw.candidate.high]
    return Ask.objects.create(
        policy=policy,
        surface=Surface.COMPARE,
        stratum=sampling.tenure_of(rater.date_joined, at),
        rater=rater,
        image_low=low,
        image_high=high,
        question=Question.objects.active().get(slug=PREFERENCE),
        strategy=draw.strategy,
        p_ask=1.0,
        p_question=1.0,
        p_strategy=draw.p_strategy,
        p_pair=draw.p_pair,
        p_side=draw.p_side,
        is_side_swapped=draw.is_side_swapped,
        repeat_no=int(draw.strategy == sampling.REPEAT),
        rater_is_author=rater.pk in {low.author_id, high.author_id},
        created_at=at,
        expires_at=expires_at,
    )


def mark_shown(*, token: str, rater: User, about: Collection[str] = (), at: datetime | None = None) -> None:
    """Notes that the question reached the member's screen; the first time counts."""
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


@transaction.atomic
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
    a member who may not vote (403), and a picture that is gone (404).
    """
    at = at or timezone.now()
    ask = read_token(token, rater=rater, about=about)
    if ask.image_id is None or (value is not None and value not in range(1, 6)):
        raise Refused("bad_value", _("Choose one of the five steps."), fields={"value": [_("From 1 to 5.")]})
    require_unrestricted(user=rater, doing="vote", at=at)
    if not _close(ask, AskOutcome.ANSWERED, rater, dwell_ms, at):
        rating = Rating.objects.filter(ask=ask).first()
        if rating is not None and rating.value == value:
            return rating
        raise _why_closed(ask, at)
    return Rating.objects.create(
        ask=ask,
        rater=rater,
        image_id=ask.image_id,
        question_id=ask.question_id,
        repeat_no=ask.repeat_no,
        value=value,
        created_at=at,
    )


@transaction.atomic
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
    ask = read_token(token, rater=rater, about=about)
    if not ask.is_pair or outcome not in {*Comparison.Outcome.values, SKIP}:
        wording = _("One of left, right, tie, both_bad, skip.")
        raise Refused("bad_outcome", _("Choose a side, a tie, both bad, or skip."), fields={"outcome": [wording]})
    require_unrestricted(user=rater, doing="vote", at=at)
    closing = AskOutcome.SKIPPED if outcome == SKIP else AskOutcome.ANSWERED
    if not _close(ask, closing, rater, dwell_ms, at):
        ask.refresh_from_db(fields=["outcome"])
        earlier = Comparison.objects.filter(ask=ask).values_list("outcome", flat=True).first() or SKIP
        if ask.outcome == closing and earlier == outcome:
            return ask
        raise _why_closed(ask, at)
    ask.outcome = closing
    if outcome != SKIP:
        _store_comparison(ask, outcome, at)
    return ask


def _store_comparison(ask: Ask, outcome: str, at: datetime) -> None:
    low, high = ask.subject
    left, right = (high, low) if ask.is_side_swapped else (low, high)
    Comparison.objects.create(
        ask=ask,
        rater_id=ask.rater_id,
        image_low_id=low,
        image_high_id=high,
        repeat_no=ask.repeat_no,
        outcome=outcome,
        preferred_id={Comparison.Outcome.LEFT.value: left, Comparison.Outcome.RIGHT.value: right}.get(outcome),
        created_at=at,
    )


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


def _close(ask: Ask, outcome: AskOutcome, rater: User, dwell_ms: int | None, at: datetime) -> bool:
    """Closes an ask that is still open about pictures still there; of many answers at once, one gets True."""
    open_asks = Ask.objects.filter(pk=ask.pk).answerable(askable_images(rater, at), at)
    # An answer proves that the question was seen, also where no script could say so.
    seen = Coalesce("shown_at", F("created_at"))
    return open_asks.update(outcome=outcome, closed_at=at, dwell_ms=dwell_ms, shown_at=seen) == 1


def _why_closed(ask: Ask, at: datetime) -> Refused:
    ask.refresh_from_db(fields=["outcome", "expires_at"])
    if ask.outcome == AskOutcome.ANSWERED:
        return Refused("already_answered", _("You have answered this already; your first answer counts."), status=409)
    if ask.outcome != AskOutcome.OPEN or ask.expires_at <= at:
        return Refused("expired", _("This question is closed. Thank you all the same."), status=409)
    return NotFound(_("The picture is no longer there, so there is nothing to answer."))


def _may_be_asked(surface: str, image: Image, rater: User, at: datetime) -> bool:
    if (surface == Surface.RESULT) != (image.author_id == rater.pk) or surface == Surface.COMPARE:
        return False
    try:
        require_unrestricted(user=rater, doing="vote", at=at)
    except Refused:
        return False  # whoever may not vote is not asked to
    return askable_images(rater, at).filter(pk=image.pk).exists()


def _one_draw_at_a_time(rater: User) -> None:
    """Makes draws of one member wait for each other, so that two tabs cannot both pass a limit."""
    User.objects.select_for_update(no_key=True).only("pk").get(pk=rater.pk)


def _policy() -> tuple[Policy, sampling.Parameters]:
    policy = Policy.objects.current()
    return policy, sampling.Parameters.from_json(policy.parameters)


def _questions_about(image: Image, rater: User) -> dict[str, Question]:
    """Active questions by slug; whether a prompt was met cannot be asked of those it is hidden from."""
    questions = Question.objects.active().on_scale()
    if image.is_prompt_hidden and image.author_id != rater.pk:
        questions = questions.exclude(slug=NEEDS_PROMPT)
    return {question.slug: question for question in questions.order_by("pk")}


def _rng_of(rater: User, image: Image) -> random.Random:
    return random.Random(salted_hmac("ratings.draw", f"{rater.pk}:{image.pk}", algorithm="sha256").digest())
