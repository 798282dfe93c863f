"""Pictures that were removed, or that the operator brought, and what is nearly the same as them."""

from lib.images import is_reliable
from moderation.hashes.services import find_nearest
from moderation.policy import Reason
from moderation.screening.checkers import Picture
from moderation.screening.observations import Label, Observation
from moderation.screening.running import bounded

VERSION = "pdq-2"


@bounded
def check(picture: Picture) -> list[Observation]:
    """One observation when the picture, turned or mirrored too, is near a hash in force; score: bits apart."""
    found = find_nearest([each.bits for each in picture.hashes if is_reliable(each.quality)])
    if found is None:
        return []
    label, reason = Label.BLOCKED, Reason.NEAR_DUPLICATE
    return [Observation("blocklist", VERSION, label, float(found.apart), reason, matched=f"#{found.id}")]
