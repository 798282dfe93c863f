"""Pictures that were removed, or that the operator brought, and what is nearly the same as them."""

from django.db.models import Min

from lib.images import NEAR_PDQ_DISTANCE, is_reliable
from moderation.hashes.models import BlockedHash
from moderation.policy import Reason
from moderation.screening.checkers import Picture
from moderation.screening.observations import Label, Observation

VERSION = "pdq-1"


def check(picture: Picture) -> list[Observation]:
    """One observation when the picture, turned or mirrored too, is near a hash in force; score: bits apart."""
    reliable = (each.bits for each in picture.hashes if is_reliable(each.quality))
    apart = min((distance for bits in reliable if (distance := _nearest(bits)) is not None), default=None)
    if apart is None:
        return []
    return [Observation("blocklist", VERSION, Label.BLOCKED, float(apart), Reason.NEAR_DUPLICATE)]


def _nearest(pdq: str) -> int | None:
    found = BlockedHash.objects.near(pdq, NEAR_PDQ_DISTANCE).aggregate(least=Min("apart"))["least"]
    return None if found is None else int(found)
