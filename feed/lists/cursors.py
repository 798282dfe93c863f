"""Signed, opaque cursors. A cursor alone is enough to read on; the snapshot that it names only makes that cheap."""

from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.utils.translation import gettext as _

from feed.lists.spec import EPOCH, MICROSECOND, FeedSpec, ReadRange, SortKey, sort_value
from lib.errors import Refused

VERSION = 1
MOST_READ_RANGES, MOST_SKIPPED = 8, 600  # a cursor must fit into a URL
SALT = "feed.cursor"


@dataclass(frozen=True)
class Cursor:
    """How far somebody has read a list.

    ``segment`` and ``position`` point into a snapshot. If that has expired, the other fields say what was shown:
    everything down to ``block_end`` as of ``pg_snapshot``, every part in ``read_ranges``, and the posts whose ids are
    in ``shown`` and ``skip``.
    """

    began: datetime
    segment: str = ""
    position: int = 0
    pg_snapshot: str = ""
    block_end: SortKey | None = None  # the end of the last block of this segment that was shown completely
    shown: tuple[int, ...] = ()  # post ids of the block after that one
    read_ranges: tuple[ReadRange, ...] = ()
    skip: tuple[int, ...] = ()

    def after_segment(self) -> "Cursor":
        """The same place without its segment: what was shown of it moves to `read_ranges` and `skip`."""
        ranges = [*self.read_ranges, *([ReadRange(self.pg_snapshot, self.block_end)] if self.block_end else [])]
        while len(ranges) > MOST_READ_RANGES:  # merge the two oldest: that may leave out a post, but repeats none
            ranges[:2] = [ReadRange(ranges[0].pg_snapshot, ranges[1].end)]
        return Cursor(began=self.began, read_ranges=tuple(ranges), skip=(self.skip + self.shown)[-MOST_SKIPPED:])


def encode(cursor: Cursor, spec: FeedSpec) -> str:
    ranges = [(part.pg_snapshot, *part.end) for part in cursor.read_ranges]
    place = [cursor.segment, cursor.position, cursor.pg_snapshot, cursor.block_end, cursor.shown]
    payload = [VERSION, spec.name, spec.filter_hash, int(sort_value(cursor.began)), place, ranges, cursor.skip]
    return signing.dumps(payload, salt=SALT, compress=True)


def decode(text: str, spec: FeedSpec) -> Cursor:
    """Raises Refused (400) for a cursor that this site did not sign, or that belongs to another list."""
    try:
        version, name, filters, *rest = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise Refused(
            "bad_cursor", _("This link to a place in the list is damaged. Start again from the top.")
        ) from None
    if (version, name, filters) != (VERSION, spec.name, spec.filter_hash):
        message = _("This link belongs to another list or to other viewing settings. Start again from the top.")
        raise Refused("foreign_cursor", message)
    began, (segment, position, pg_snapshot, block_end, shown), ranges, skip = rest
    return Cursor(
        began=EPOCH + began * MICROSECOND,
        segment=segment,
        position=position,
        pg_snapshot=pg_snapshot,
        block_end=SortKey(*block_end) if block_end else None,
        shown=tuple(shown),
        read_ranges=tuple(ReadRange(then, SortKey(value, post_id)) for then, value, post_id in ranges),
        skip=tuple(skip),
    )
