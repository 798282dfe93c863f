"""Draws of Compare's page: who is asked by which policy, what a surface offers, and the ledger's row of it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from generation.models import Image
from lib.limits import check_rate
from moderation.restrictions.services import require_unrestricted
from ratings.asking import sampling
from ratings.asking.models import Ask, AskQuerySet, Policy, Question, Surface
from ratings.asking.pools import EligiblePairs, askable_images, comparison_pools, find_pairs, pools_of

DRAWS_A_MINUTE = 60  # drawn for one member
PREFERENCE = "preference"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Who is asked on Compare's page, when, by which chance and by which policy."""

    rater: User
    at: datetime
    rng: random.Random
    policy: Policy
    parameters: sampling.Parameters


Offer = Callable[[float], Ask]  # writes what a surface has drawn to the ledger; takes p_ask of the surface
Choice = Callable[[Drawing, EligiblePairs], Ask | None]  # draws, and writes what it drew to the ledger


@transaction.atomic
def draw(
    asks: AskQuerySet, choose: Choice, *, rater: User, at: datetime | None, rng: random.Random | None
) -> Ask | None:
    """The newest of `asks` that `rater` left open and may still answer, else what `choose` draws; None if nothing.

    Draws of one member wait for each other. Without `rng` the system's is used.

    Raises:
        Refused: 403 for a member who may not vote, 429 for more than `DRAWS_A_MINUTE` draws.
    """
    at = at or timezone.now()
    check_rate(key=f"compare:{rater.pk}", limit=DRAWS_A_MINUTE, seconds=60)
    require_unrestricted(user=rater, doing="vote", at=at)
    lock_draws_of(rater)
    own = asks.select_related("question", "image", "image_low", "image_high").filter(rater=rater)
    left_open = own.answerable(askable_images(rater, at), at).order_by("-pk").first()
    if left_open is not None:
        return left_open
    drawing = Drawing(rater, at, rng or random.SystemRandom(), *current_policy())
    return choose(drawing, find_pairs(rater, drawing.parameters, at))


def certainly(offer: Callable[[Drawing, EligiblePairs], Offer | None]) -> Choice:
    """Asks on one surface alone: whatever it offers is asked."""

    def choose(drawing: Drawing, found: EligiblePairs) -> Ask | None:
        offered = offer(drawing, found)
        return None if offered is None else offered(1.0)

    return choose


def offer_pair(drawing: Drawing, found: EligiblePairs) -> Offer | None:
    """Draws which pair is compared; None where there is none. A member's own pictures come last."""
    rater, parameters, at = drawing.rater, drawing.parameters, drawing.at
    pair = sampling.draw_pair(parameters, pools=pools_of(found, rater, at), rng=drawing.rng)
    if pair is None:
        pools = comparison_pools(rater, parameters, at, with_own=True)
        pair = sampling.draw_pair(parameters, pools=pools, rng=drawing.rng)
    if pair is None:
        return None
    question = Question.objects.active().get(slug=PREFERENCE)
    return partial(create_pair_ask, pair, drawing, Surface.COMPARE, question, 1.0)


def create_pair_ask(
    pair: sampling.PairDraw, drawing: Drawing, surface: Surface, question: Question, p_question: float, p_ask: float
) -> Ask:
    """Writes a pair to the ledger."""
    images = Image.objects.in_bulk([pair.candidate.low, pair.candidate.high])
    low, high = images[pair.candidate.low], images[pair.candidate.high]
    return Ask.objects.create(
        **ask_fields(drawing, surface, question),
        image_low=low,
        image_high=high,
        strategy=pair.strategy,
        p_ask=p_ask,
        p_question=p_question,
        p_strategy=pair.p_strategy,
        p_pair=pair.p_pair,
        p_side=pair.p_side,
        is_side_swapped=pair.is_side_swapped,
        repeat_no=int(pair.strategy == sampling.REPEAT),
        is_gold=pair.strategy == sampling.GOLD,
        is_high_spoiled=pair.is_high_spoiled,
        rater_is_author=drawing.rater.pk in {low.author_id, high.author_id},
    )


def ask_fields(drawing: Drawing, surface: Surface, question: Question) -> dict[str, Any]:
    """What every ask of Compare's page says of its rater, policy, question and time."""
    return {
        "policy": drawing.policy,
        "surface": surface,
        "stratum": sampling.tenure_of(drawing.rater.date_joined, drawing.at),
        "rater": drawing.rater,
        "question": question,
        "language": question.wording().language,
        "created_at": drawing.at,
        "expires_at": drawing.at + timedelta(minutes=drawing.parameters.expires_minutes),
    }


def lock_draws_of(rater: User) -> None:
    """Makes draws of one member wait for each other, so that two browser tabs cannot both pass a limit."""
    User.objects.select_for_update(no_key=True).only("pk").get(pk=rater.pk)


def current_policy() -> tuple[Policy, sampling.Parameters]:
    policy = Policy.objects.current()
    return policy, sampling.Parameters.from_json(policy.parameters)
