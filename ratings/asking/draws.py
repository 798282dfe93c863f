"""Drawing: whether a member is asked about a picture, and which pair they judge next."""

import random
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import User
from generation.models import Image
from lib.errors import Refused
from moderation.restrictions.services import require_unrestricted
from ratings.asking import sampling
from ratings.asking.pools import askable_images, comparison_pools, recent_asks
from ratings.models import Ask, AskOutcome, DrawTally, Policy, Question, Surface

DRAW_IS_KEPT = 30 * 24 * 3600  # s
NEEDS_PROMPT = "prompt-match"
PREFERENCE = "preference"


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
        language=questions[draw.question].wording().language,
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
    question = Question.objects.active().get(slug=PREFERENCE)
    return Ask.objects.create(
        policy=policy,
        surface=Surface.COMPARE,
        stratum=sampling.tenure_of(rater.date_joined, at),
        rater=rater,
        image_low=low,
        image_high=high,
        question=question,
        language=question.wording().language,
        strategy=draw.strategy,
        p_ask=1.0,
        p_question=1.0,
        p_strategy=draw.p_strategy,
        p_pair=draw.p_pair,
        p_side=draw.p_side,
        is_side_swapped=draw.is_side_swapped,
        repeat_no=int(draw.strategy == sampling.REPEAT),
        is_gold=draw.strategy == sampling.GOLD,
        is_high_spoiled=draw.is_high_spoiled,
        rater_is_author=rater.pk in {low.author_id, high.author_id},
        created_at=at,
        expires_at=expires_at,
    )


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
