"""Rankings of up to four pictures of one prompt."""

import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from math import comb, factorial

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, level_for
from generation.models import Image
from lib.errors import Refused
from ratings.asking import ledger
from ratings.asking.drawing import Drawing, Offer, ask_fields, certainly, draw
from ratings.asking.models import Ask, AskOutcome, Question, Surface
from ratings.asking.pairing import Picture
from ratings.asking.pools import EligiblePairs, askable_images
from ratings.asking.rankings.models import RankedPicture
from ratings.asking.services import check_about, refusal_of, refused_ask
from ratings.asking.tokens import open_token

LEAST, MOST = 3, 4  # pictures
RANKING = "ranking"


def draw_ranking(*, rater: User, at: datetime | None = None, rng: random.Random | None = None) -> Ask | None:
    """The next pictures to put in order: those left open, else a new draw; None where none are left.

    Raises Refused like `draw_comparison`.
    """
    return draw(Ask.objects.filter(surface=Surface.RANKING), certainly(offer_ranking), rater=rater, at=at, rng=rng)


def offer_ranking(drawing: Drawing, found: EligiblePairs) -> Offer | None:
    """Draws a prompt and size, each alike, up to four of its pictures, and their order; None where there are too few.

    No picture is the rater's own, or was in a ranking of theirs before.
    """
    question = Question.objects.active().filter(slug=RANKING).first()
    before = RankedPicture.objects.filter(ask__rater=drawing.rater).values_list("image", flat=True)
    groups = _groups(found.pictures, set(before))
    if question is None or not groups:
        return None
    group = drawing.rng.choice(groups)
    shown = drawing.rng.sample(group, min(MOST, len(group)))  # in an order drawn at random
    p_pictures = 1 / len(groups) / comb(len(group), len(shown))
    return partial(_create_ask, drawing, question, shown, p_pictures, 1 / factorial(len(shown)))


def _groups(pictures: Sequence[Picture], before: Collection[int]) -> list[list[int]]:
    """Pictures (ids) of one prompt and size, without copies of one another, where there are enough."""
    found: dict[tuple[str, tuple[int, int]], dict[str, int]] = defaultdict(dict)
    for each in pictures:
        if not (each.is_own or each.is_counterpart) and each.id not in before:
            found[each.prompt, each.size].setdefault(each.digest or f"#{each.id}", each.id)
    return [list(group.values()) for group in found.values() if len(group) >= LEAST]


def _create_ask(
    drawing: Drawing, question: Question, shown: Sequence[int], p_pictures: float, p_order: float, p_ask: float
) -> Ask:
    chances = {"p_ask": p_ask, "p_pair": p_pictures, "p_side": p_order, "p_question": 1.0}
    pair = {"image_low_id": min(shown), "image_high_id": max(shown)}
    fields = ask_fields(drawing, Surface.RANKING, question)
    ask = Ask.objects.create(**fields, **chances, **pair, rater_is_author=False)
    RankedPicture.objects.bulk_create(
        RankedPicture(ask=ask, image_id=image, place=place, created_at=drawing.at) for place, image in enumerate(shown)
    )
    return ask


def pictures_of(ask: Ask) -> list[Image]:
    """The pictures of a ranking in the order they are shown, as long as the rater may see them all; else none."""
    rows = list(RankedPicture.objects.filter(ask=ask).order_by("place").select_related("image__generation"))
    shown = askable_images(ask.rater, timezone.now()).filter(pk__in=[row.image_id for row in rows]).count()
    return [row.image for row in rows] if shown == len(rows) else []


def answer_ranking(
    *,
    token: str,
    rater: User,
    ranks: Sequence[int],
    dwell_ms: int | None = None,
    about: Collection[str] = (),
    at: datetime | None = None,
) -> Ask:
    """Stores the rank of each picture, in the order they were shown; 1 is the best. Idempotent for the same ranks.

    Raises:
        Refused: 400 for ranks that are no order of all pictures; else as `answer_ask`.
    """
    at = at or timezone.now()
    claim = open_token(token, rater=rater)
    check_about(claim, token, rater, about)
    count = RankedPicture.objects.filter(ask__public_id=claim.ask, ask__rater=rater).count()
    if count and sorted(ranks) != list(range(1, count + 1)):
        sentence = _("Give every picture a rank of its own, from 1 to %(n)s.") % {"n": count}
        raise Refused("bad_ranks", sentence, fields={"ranks": [sentence]})
    is_stored = ledger.store_ranks(
        ask=claim.ask, rater=rater.pk, level=level_for(rater), ranks=list(ranks), dwell_ms=dwell_ms, at=at
    )
    if is_stored:
        return Ask.objects.get(public_id=claim.ask)
    ask = refused_ask(token, rater, at)
    if ask.surface == Surface.RANKING and ask.outcome == AskOutcome.ANSWERED and ranks_of(ask) == list(ranks):
        return ask
    raise refusal_of(ask, at)


def ranks_of(ask: Ask) -> list[int | None]:
    """The ranks in the order the pictures were shown; null before the answer."""
    return list(RankedPicture.objects.filter(ask=ask).order_by("place").values_list("rank", flat=True))
