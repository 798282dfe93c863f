"""Compare's page asks one thing at a time; which surface does is drawn, with a recorded probability."""

import random
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from ratings.asking import sampling
from ratings.asking.aspects.services import offer_aspect
from ratings.asking.drawing import Drawing, Offer, drawing_for, find_open, offer_pair, start_drawing
from ratings.asking.marks.services import offer_marking
from ratings.asking.models import Ask, Surface
from ratings.asking.pools import EligiblePairs, find_pairs
from ratings.asking.rankings.services import offer_ranking

BESIDE: dict[Surface, Callable[[Drawing, EligiblePairs], Offer | None]] = {
    Surface.ASPECT: offer_aspect,
    Surface.MARKS: offer_marking,
    Surface.RANKING: offer_ranking,
}
SURFACES = (Surface.COMPARE, *BESIDE)


@transaction.atomic
def draw_next(*, rater: User, at: datetime | None = None, rng: random.Random | None = None) -> Ask | None:
    """What Compare's page asks `rater` next: what they left open, else a new draw; None where nothing is left.

    Raises Refused like `draw_comparison`.
    """
    at = at or timezone.now()
    start_drawing(rater, at)
    left_open = find_open(Ask.objects.filter(surface__in=SURFACES), rater, at)
    if left_open is not None:
        return left_open
    drawing = drawing_for(rater, at, rng)
    offers = _offers(drawing, find_pairs(rater, drawing.parameters, at))
    chances = sampling.surface_probabilities(drawing.parameters, list(offers))
    if not chances:
        return None
    surface, p_ask = sampling.choose(chances, drawing.rng)
    return offers[surface](p_ask)


def _offers(drawing: Drawing, found: EligiblePairs) -> dict[str, Offer]:
    """What each surface that the policy asks on would ask; one that has nothing is left out."""
    makers = {surface: offer for surface, offer in BESIDE.items() if drawing.parameters.p_ask.get(surface)}
    offers = {surface.value: make(drawing, found) for surface, make in {Surface.COMPARE: offer_pair, **makers}.items()}
    return {surface: offer for surface, offer in offers.items() if offer is not None}
