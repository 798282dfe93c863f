"""Answers put into the ledger row by row, where a test needs exact answers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Purpose, User
from accounts.services import record_consent
from generation.models import Image
from lib.errors import Refused
from ratings.asking import services
from ratings.models import (
    Ask,
    AskOutcome,
    AspectComparison,
    Comparison,
    Policy,
    Question,
    RankedPicture,
    Rating,
    RegionMark,
    Surface,
)

LEFT, RIGHT, TIE, BOTH_BAD = Comparison.Outcome.values


def consent(*users: User, granted: bool = True, at: datetime | None = None) -> None:
    for user in users:
        for purpose in (Purpose.TRAIN, Purpose.PUBLISH):
            record_consent(user=user, purpose=purpose, granted=granted, at=at)


def _ask(rater: User, question: str, at: datetime, **fields: Any) -> Ask:
    return Ask.objects.create(
        policy=Policy.objects.current(),
        stratum="new",
        rater=rater,
        question=Question.objects.active().get(slug=question),
        p_ask=0.05,
        p_question=0.2,
        created_at=at,
        expires_at=at + timedelta(minutes=30),
        **fields,
    )


def vote(
    rater: User, one: Image, other: Image, prefers: Image | str, *, at: datetime | None = None, **fields: Any
) -> Comparison:
    """`rater` compared a pair; `prefers` is one of the two, or "tie" or "both_bad"."""
    at = at or timezone.now()
    low, high = sorted((one, other), key=lambda image: image.pk)
    swapped = fields.pop("swapped", False)
    left = high if swapped else low
    outcome = prefers if isinstance(prefers, str) else LEFT if prefers == left else RIGHT
    flags = fields.pop("quality_flags", [])
    ask = _ask(
        rater,
        "preference",
        at,
        surface=Surface.COMPARE,
        image_low=low,
        image_high=high,
        strategy="seed",
        p_pair=0.01,
        p_side=0.5,
        is_side_swapped=swapped,
        rater_is_author=rater.pk in {low.author_id, high.author_id},
        outcome=AskOutcome.ANSWERED,
        shown_at=at,
        closed_at=at,
        dwell_ms=2500,
        **fields,
    )
    return Comparison.objects.create(
        ask=ask,
        rater=rater,
        image_low=low,
        image_high=high,
        repeat_no=ask.repeat_no,
        outcome=outcome,
        preferred=None if isinstance(prefers, str) else prefers,
        quality_flags=flags,
        created_at=at,
    )


def vote_by_aspect(rater: User, one: Image, other: Image, prefers: Image | str, aspect: str) -> AspectComparison:
    """`rater` compared a pair by an aspect, such as "lighting"; the rest as in `vote`."""
    at = timezone.now()
    low, high = sorted((one, other), key=lambda image: image.pk)
    ask = _ask(
        rater,
        f"{aspect}-pair",
        at,
        surface=Surface.ASPECT,
        image_low=low,
        image_high=high,
        strategy="seed",
        p_pair=0.01,
        p_side=0.5,
        rater_is_author=False,
        outcome=AskOutcome.ANSWERED,
        shown_at=at,
        closed_at=at,
        dwell_ms=2500,
    )
    return AspectComparison.objects.create(
        ask=ask,
        rater=rater,
        image_low=low,
        image_high=high,
        question=ask.question,
        outcome=prefers if isinstance(prefers, str) else LEFT if prefers == low else RIGHT,
        preferred=None if isinstance(prefers, str) else prefers,
        created_at=at,
    )


def mark_places(rater: User, image: Image, *places: tuple[float, float, str]) -> Ask:
    """`rater` marked these places (x, y, word) of a picture as wrong; none: nothing is."""
    at = timezone.now()
    ask = _ask(
        rater, "artefacts-marks", at, surface=Surface.MARKS, image=image, rater_is_author=False, outcome="answered"
    )
    rows = [{"number": number, "x": x, "y": y, "word": word} for number, (x, y, word) in enumerate(places, start=1)]
    RegionMark.objects.bulk_create(RegionMark(ask=ask, created_at=at, **row) for row in rows or [{"number": 0}])
    return ask


def rank(rater: User, *best_first: Image) -> Ask:
    """`rater` put these pictures in this order; they were shown the other way round."""
    at = timezone.now()
    ids = sorted(image.pk for image in best_first)
    ask = _ask(
        rater,
        "ranking",
        at,
        surface=Surface.RANKING,
        image_low_id=ids[0],
        image_high_id=ids[-1],
        rater_is_author=False,
        outcome=AskOutcome.ANSWERED,
    )
    shown = list(enumerate(reversed(best_first)))
    RankedPicture.objects.bulk_create(
        RankedPicture(ask=ask, image=image, place=place, rank=len(shown) - place, created_at=at)
        for place, image in shown
    )
    return ask


def rate(
    rater: User, image: Image, value: int | None, question: str = "lighting", at: datetime | None = None
) -> Rating:
    at = at or timezone.now()
    surface = Surface.RESULT if rater.pk == image.author_id else Surface.POST
    is_author = rater.pk == image.author_id
    ask = _ask(
        rater, question, at, surface=surface, image=image, rater_is_author=is_author, outcome=AskOutcome.ANSWERED
    )
    return Rating.objects.create(ask=ask, rater=rater, image=image, question=ask.question, value=value, created_at=at)


def leave_unanswered(rater: User, image: Image, at: datetime | None = None) -> Ask:
    at = at or timezone.now()
    return _ask(rater, "subject", at, surface=Surface.POST, image=image, rater_is_author=False, outcome="expired")


def refusal(call: Callable[..., object], **arguments: Any) -> Refused:
    """What the call refuses with; it must say something."""
    with pytest.raises(Refused) as caught:
        call(**arguments)
    assert caught.value.message
    return caught.value


def siblings(author: User, make: Callable[..., Image], n: int = 2, **fields: object) -> list[Image]:
    """Pictures of one generation that differ in their seeds alone."""
    first = make(author, seed=1, **fields)
    return [first, *(make(author, seed=seed, generation=first.generation) for seed in range(2, n + 1))]


def drawn(rater: User) -> Ask:
    """The pair that the site draws for the member; there must be one."""
    ask = services.draw_comparison(rater=rater)
    assert ask is not None
    return ask
