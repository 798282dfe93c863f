"""Compare's page asks one thing at a time; which surface does is drawn, with a recorded probability."""

import random
from collections.abc import Callable
from datetime import datetime

from accounts.models import User
from ratings.asking import sampling
from ratings.asking.aspects.services import offer_aspect
from ratings.asking.drawing import Drawing, Offer, draw, offer_pair
from ratings.asking.marks.services import offer_marking
from ratings.asking.models import Ask, Surface
from ratings.asking.pools import EligiblePairs
from ratings.asking.rankings.services import offer_ranking

BESIDE: dict[Surface, Callable[[Drawing, EligiblePairs], Offer | None]] = {
    Surface.ASPECT: offer_aspect,
    Surface.MARKS: offer_marking,
    Surface.RANKING: offer_ranking,
}
SURFACES = (Surface.COMPARE, *BESIDE)


def draw_next(*, rater: User, at: datetime | None = None, rng: random.Random | None = None) -> Ask | None:
    """What Compare's page asks `rater` next: what they left open, else a new draw; None where nothing is left.

    Raises Refused like `draw_comparison`.
    """
    return draw(Ask.objects.filter(surface__in=SURFACES), _choose, rater=rater, at=at, rng=rng)


def _choose(drawing: Drawing, found: EligiblePairs) -> Ask | None:
    """Draws which surface asks, of those that have something to ask."""
    offers = _offers(drawing, found)
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
