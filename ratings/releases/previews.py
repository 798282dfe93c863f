"""Previews of what a release would hold: counted at once over a short ledger, by a worker over a long one.

The answer of a worker is cached for a while; the page asks for it again until it is there.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from accounts.models import User
from lib.limits import check_rate
from lib.tasks import enqueue_on_commit
from ratings.asking.models import Ask
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter

LIVE_ASKS = 5_000  # with more asks in the ledger a worker counts
EXAMPLES = 12
CACHE_SECONDS = 600  # how long an answer is kept
COUNTING_SECONDS = 900  # after that a lost count may start again
COUNTS, COUNTS_WITHIN = 20, 600  # per member, within seconds


def preview_key(filter: ReleaseFilter, kinds: Sequence[str]) -> str:
    """32 hex digits that identify a choice; the same choice finds the same answer."""
    text = json.dumps([filter.as_json(), sorted(kinds)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def request_preview(
    *, filter: ReleaseFilter, kinds: Sequence[str], member: User, at: datetime | None = None
) -> dict[str, Any] | None:
    """What `services.preview_release` returns, with examples; None while a worker counts: ask again.

    Raises Refused: a bad choice (400), too many counts (429). An answer that is cached already costs nothing.
    """
    releases_services.check_request(filter=filter, kinds=kinds)
    key = preview_key(filter, kinds)
    if (cached := cached_preview(key)) is not None:
        return cached
    if is_counting(key):
        return None
    check_rate(key=f"release-preview:{member.pk}", limit=COUNTS, seconds=COUNTS_WITHIN)
    if len(Ask.objects.order_by()[: LIVE_ASKS + 1].values_list("pk", flat=True)) <= LIVE_ASKS:
        return releases_services.preview_release(filter=filter, kinds=kinds, examples=EXAMPLES, at=at)
    if cache.add(_counting_key(key), 1, COUNTING_SECONDS):
        enqueue_on_commit("ratings.count_preview", filter.as_json(), list(kinds))
    return None


def count_preview(*, filter: ReleaseFilter, kinds: Sequence[str], at: datetime | None = None) -> None:
    """Counts and caches the answer."""
    at, key = at or timezone.now(), preview_key(filter, kinds)
    try:
        preview = releases_services.preview_release(filter=filter, kinds=kinds, examples=EXAMPLES, at=at)
        cache.set(_answer_key(key), {**preview, "counted_at": at.isoformat()}, CACHE_SECONDS)
    finally:
        cache.delete(_counting_key(key))


def cached_preview(key: str) -> dict[str, Any] | None:
    """The answer that a worker found within the last minutes, if any."""
    preview: dict[str, Any] | None = cache.get(_answer_key(key))
    return preview


def is_counting(key: str) -> bool:
    return cache.get(_counting_key(key)) is not None


def _answer_key(key: str) -> str:
    return f"release-preview:{key}"


def _counting_key(key: str) -> str:
    return f"release-preview-counting:{key}"
