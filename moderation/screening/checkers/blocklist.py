"""Pictures that were removed, or that the operator brought, and what is nearly the same as them."""

from django.db.models import Min

from moderation.models import BlockedHash
from moderation.policy import Reason
from moderation.screening.checkers import MIN_QUALITY, Picture
from moderation.screening.observations import Label, Observation

MAX_DISTANCE = 31  # of 256 bits: what PDQ's authors recommend
VERSION = "pdq-1"


def check(picture: Picture) -> list[Observation]:
    """One observation when the picture, turned or mirrored too, is near a hash in force; score: bits apart."""
    hashes, quality = picture.pdq
    if quality <= MIN_QUALITY:
        return []
    apart = min((distance for pdq in hashes if (distance := _nearest(pdq)) is not None), default=None)
    if apart is None:
        return []
    return [Observation("blocklist", VERSION, Label.BLOCKED, float(apart), Reason.NEAR_DUPLICATE)]


def _nearest(pdq: str) -> int | None:
    found = BlockedHash.objects.near(pdq, MAX_DISTANCE).aggregate(least=Min("apart"))["least"]
    return None if found is None else int(found)
