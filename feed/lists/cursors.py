"""The signed, opaque cursor: alone it is enough to go on; the snapshot it names only makes that cheap."""

from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.utils.translation import gettext as _

from feed.lists.spec import EPOCH, MICROSECOND, Listing, Passed, Place, as_key
from lib.errors import Refused

VERSION = 1
MOST_PASSED, MOST_SKIPPED = 8, 600  # a cursor must fit an address
SALT = "feed.cursor"


@dataclass(frozen=True)
class Cursor:
    """A reader's place in a list.

    ``segment`` and ``position`` say where in a snapshot. Should it be gone, the rest says what was shown:
    everything down to ``block_end`` as of ``moment``, every part in ``passed``, and the ids in ``shown`` and ``skip``.
    """

    began: datetime
    segment: str = ""
    position: int = 0
    moment: str = ""
    block_end: Place | None = None  # the last whole block of this segment that was shown
    shown: tuple[int, ...] = ()  # of the block after that one
    passed: tuple[Passed, ...] = ()
    skip: tuple[int, ...] = ()

    def after_segment(self) -> "Cursor":
        """The same place without its segment: what was shown of it moves to `passed` and `skip`."""
        passed = [*self.passed, *([Passed(self.moment, self.block_end)] if self.block_end else [])]
        while len(passed) > MOST_PASSED:  # the two oldest become one: a little too much is left out, never too little
            passed[:2] = [Passed(passed[0].moment, passed[1].end)]
        return Cursor(began=self.began, passed=tuple(passed), skip=(self.skip + self.shown)[-MOST_SKIPPED:])


def encode(cursor: Cursor, listing: Listing) -> str:
    passed = [(part.moment, *part.end) for part in cursor.passed]
    place = [cursor.segment, cursor.position, cursor.moment, cursor.block_end, cursor.shown]
    payload = [VERSION, listing.name, listing.filter_hash, int(as_key(cursor.began)), place, passed, cursor.skip]
    return signing.dumps(payload, salt=SALT, compress=True)


def decode(text: str, listing: Listing) -> Cursor:
    """Raises Refused (400) for a cursor that is not ours, or not of this list."""
    try:
        version, name, filters, *rest = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise Refused(
            "bad_cursor", _("This link to a place in the list is damaged. Start again from the top.")
        ) from None
    if (version, name, filters) != (VERSION, listing.name, listing.filter_hash):
        message = _("This place belongs to another list, or to other viewing settings. Start again from the top.")
        raise Refused("foreign_cursor", message)
    began, (segment, position, moment, block_end, shown), passed, skip = rest
    return Cursor(
        began=EPOCH + began * MICROSECOND,
        segment=segment,
        position=position,
        moment=moment,
        block_end=Place(*block_end) if block_end else None,
        shown=tuple(shown),
        passed=tuple(Passed(then, Place(key, post_id)) for then, key, post_id in passed),
        skip=tuple(skip),
    )
