"""The blocklist of picture hashes: what is on it, what is near to it, and what was published before it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lib.errors import Refused
from lib.images import parse_pdq
from lib.tasks import enqueue_on_commit
from moderation.decisions.models import Decision
from moderation.hashes import snapshots
from moderation.hashes.models import BlockedHash

SWEEP = "moderation.sweep_hashes"  # by name: the module of the task imports this one

# The nearest of `near`, beside the list's state at that moment.
_NEAREST = f"""WITH state AS ({snapshots.STATE_SQL}), near AS ({{near}})
SELECT state.identity, state.newest, near.id, near.apart
FROM state LEFT JOIN near ON near.apart <= 31 ORDER BY near.apart, near.id LIMIT 1"""  # noqa: S608
_BY_INDEX = _NEAREST.format(
    near="SELECT found.* FROM unnest(%s::text[]) AS hash, LATERAL salon_blocked_near(hash::bit(256)) AS found"
)
# What the copy found, and what is newer.
_BY_SNAPSHOT = _NEAREST.format(
    near="""SELECT row.id, bit_count(row.pdq # hash::bit(256))::integer AS apart
  FROM unnest(%s::text[]) AS hash, moderation_blockedhash row
  WHERE (row.id = ANY(%s::bigint[]) OR row.id > %s) AND row.lifted_at IS NULL"""
)


class Nearest(NamedTuple):
    id: int
    apart: int  # bits


def find_nearest(hashes: Sequence[str]) -> Nearest | None:
    """Of the hashes in force the one nearest to any of these (256 characters of 0 and 1), if it is within 31 bits."""
    if not hashes:
        return None
    snapshot = snapshots.current.opened()
    if snapshot is not None:
        near = snapshot.near(to_words(hashes))
        state, found = _ask(_BY_SNAPSHOT, [list(hashes), near, snapshot.last])
        if snapshots.current.is_of(snapshot, state):
            return found
    state, found = _ask(_BY_INDEX, [list(hashes)])
    snapshots.current.is_of(None, state)  # a long list gets its copy
    return found


def _ask(sql: str, values: list[Any]) -> tuple[snapshots.ListState, Nearest | None]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        identity, newest, *found = cursor.fetchone() or ("", 0, None, None)
    return snapshots.ListState(identity, newest), Nearest(*found) if found[0] is not None else None


def to_words(hashes: Sequence[str]) -> snapshots.Words:
    """Hashes of 256 characters of 0 and 1 as rows of four words."""
    bits = np.frombuffer("".join(hashes).encode(), np.uint8).reshape(len(hashes), -1) - ord("0")
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)


def block_hash(
    *,
    pdq: str,
    source: str = BlockedHash.Source.OPERATOR,
    note: str = "",
    decision: Decision | None = None,
) -> BlockedHash:
    """Puts a PDQ hash (256 characters of 0 and 1, or 64 hexadecimal digits) on the blocklist, once per decision."""
    row, _is_new = BlockedHash.objects.get_or_create(
        pdq=_bits(pdq), source=source, decision=decision, lifted_at=None, defaults={"note": note}
    )
    enqueue_on_commit(SWEEP)
    return row


def lift_hash(*, row: BlockedHash, at: datetime | None = None) -> None:
    """Takes a hash off the blocklist; the row stays as a record."""
    BlockedHash.objects.filter(pk=row.pk, lifted_at=None).update(lifted_at=at or timezone.now())
    enqueue_on_commit(SWEEP)


def lift_hashes_of(*, decision: Decision, at: datetime) -> None:
    """Takes the hashes off the list that a decision put there."""
    if BlockedHash.objects.filter(decision=decision, lifted_at=None).update(lifted_at=at):
        enqueue_on_commit(SWEEP)


def _bits(text: str) -> str:
    """256 characters of 0 and 1; raises Refused for anything that is no PDQ hash."""
    try:
        return parse_pdq(text)
    except ValueError:
        message = _("A PDQ hash has 64 hexadecimal digits (256 bits).")
        raise Refused("bad_hash", message, fields={"pdq": [message]}) from None
