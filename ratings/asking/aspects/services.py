"""Comparisons by aspect: which of two pictures has, say, the better lighting."""

import random
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from accounts.models import User
from ratings.asking import sampling
from ratings.asking.aspects.models import AspectComparison
from ratings.asking.drawing import Drawing, Offer, certainly, create_pair_ask, draw
from ratings.asking.models import Ask, Question, Surface
from ratings.asking.pairing import Strategy
from ratings.asking.pools import EligiblePairs, with_raters

# A pair of different prompts, or of a benchmark's protocol, is compared as a whole only.
STRATEGIES = (Strategy.SEED, Strategy.MODEL, Strategy.SETTING, Strategy.PROMPT)


def draw_aspect_comparison(*, rater: User, at: datetime | None = None, rng: random.Random | None = None) -> Ask | None:
    """The next pair to compare by an aspect: the one left open, else a new draw; None where no pair is left.

    Raises Refused like `draw_comparison`.
    """
    return draw(Ask.objects.filter(surface=Surface.ASPECT), certainly(offer_aspect), rater=rater, at=at, rng=rng)


def offer_aspect(drawing: Drawing, found: EligiblePairs) -> Offer | None:
    """Draws the aspect, each alike, then the pair; None where there is none. No pair has a picture of the rater's own.

    Of pairs shown to several members, members are counted who compared the same aspect.
    """
    others = {picture.id for picture in found.pictures if not picture.is_own}
    pairs = {name: [pair for pair in found.by_strategy[name] if others.issuperset(pair)] for name in STRATEGIES}
    questions = {question.slug: question for question in Question.objects.active().by_aspect().order_by("pk")}
    if not questions or not any(pairs.values()):
        return None
    slug, p_question = sampling.choose(dict.fromkeys(questions, 1 / len(questions)), drawing.rng)
    pair = _draw_pair(drawing, pairs, questions[slug])
    if pair is None:
        return None
    return partial(create_pair_ask, pair, drawing, Surface.ASPECT, questions[slug], p_question)


def _draw_pair(
    drawing: Drawing, pairs: Mapping[Strategy, list[tuple[int, int]]], question: Question
) -> sampling.PairDraw | None:
    answers = AspectComparison.objects.filter(question__slug=question.slug)
    return sampling.draw_pair(drawing.parameters, pools=with_raters(pairs, answers), rng=drawing.rng)
