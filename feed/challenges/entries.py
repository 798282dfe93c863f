"""Pages of entries: shuffled for each viewer until the challenge is decided, then by strength."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.core import signing
from django.core.cache import cache
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.models import Viewer
from feed.challenges.models import Challenge, ChallengeEntry, Stage
from feed.challenges.services import entries_key
from feed.lists.fast.prepared_query import fetch_listed
from feed.lists.pages import READ_AHEAD
from feed.posts.models import Post
from lib.errors import Refused

KEPT_SECONDS = 30
MAX_ROUNDS = 5
_SALT = "feed.challenge-entries"
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class EntryPage:
    posts: list[Post]
    next: str  # the cursor of the page after this one; empty on the last
    total: int  # entries of the challenge, seen or not


def read_entries(challenge: Challenge, viewer: Viewer, *, at: datetime, size: int, cursor: str = "") -> EntryPage:
    """A page of the entries that `viewer` may see, with all that cards show.

    Ids are read from a copy that is `KEPT_SECONDS` old at most; what is shown is checked now.

    Raises:
        Refused: 400 for a cursor of another list.
    """
    seed, place = _parse(cursor, challenge) if cursor else (_seed_of(challenge, viewer, at), 0)
    ids = _entry_ids(challenge)
    if challenge.stage(at) != Stage.FINISHED:
        ids = shuffled(ids, seed)
    posts: list[Post] = []
    for _round in range(MAX_ROUNDS):
        part = ids[place : place + size - len(posts) + READ_AHEAD]
        found = fetch_listed(part, viewer, at)
        for pk in part:
            place += 1
            if pk in found:
                posts.append(found[pk])
                if len(posts) == size:
                    break
        if len(posts) == size or place >= len(ids):
            break
    has_more = place < len(ids)
    return EntryPage(posts, signing.dumps([challenge.pk, seed, place], salt=_SALT) if has_more else "", len(ids))


def shuffled(ids: list[int], seed: int) -> list[int]:
    """The ids in an order that depends on `seed` and each id alone, so that a new one moves no other past another."""
    mixed = (np.asarray(ids, np.uint64) + np.uint64(seed)) * _ODD
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return [ids[place] for place in np.argsort(mixed, kind="stable")]


def _entry_ids(challenge: Challenge) -> list[int]:
    """Posts of the challenge: as they were entered, or once it is decided the strongest first."""
    key = entries_key(challenge.pk)
    ids: list[int] | None = None if challenge.closed_at else cache.get(key)
    if ids is None:
        entries = ChallengeEntry.objects.filter(challenge=challenge)
        order = ("-strength", "pk") if challenge.closed_at else ("pk",)
        ids = list(entries.order_by(*order).values_list("post", flat=True))
        if challenge.closed_at is None:
            cache.set(key, ids, KEPT_SECONDS)
    return ids


def _seed_of(challenge: Challenge, viewer: Viewer, at: datetime) -> int:
    """Of a member for the whole challenge, of visitors for an hour."""
    who = str(viewer.pk) if viewer.pk else at.strftime("%Y%m%d%H")
    return int.from_bytes(salted_hmac(_SALT, f"{challenge.pk}:{who}").digest()[:6], "big")


def is_cursor(text: str) -> bool:
    """Whether `text` was made here, for whichever challenge."""
    try:
        signing.loads(text, salt=_SALT)
    except signing.BadSignature:
        return False
    return True


def _parse(cursor: str, challenge: Challenge) -> tuple[int, int]:
    try:
        owner, seed, place = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, TypeError, ValueError):
        owner, seed, place = 0, 0, 0
    if owner != challenge.pk:
        raise Refused("bad_cursor", _("This link to a page of the list is damaged. Start again from the top."))
    return seed, place
