"""What a release would hold, told while somebody waits: counted at once over a short ledger, by a worker over a long
one, whose answer is kept for a while and asked for again."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from accounts.models import User
from lib.limits import check_rate
from ratings.models import Ask
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter

LIVE_ASKS = 5_000  # up to so many asks in the whole ledger, it is counted while the page waits
EXAMPLES = 12
KEPT = 600  # s, an answer
COUNTED_WITHIN = 900  # s: then a lost count may begin anew
COUNTS, COUNTS_WITHIN = 20, 600  # of one member, within seconds


def preview_key(filter: ReleaseFilter, kinds: Sequence[str]) -> str:
    """32 hex digits that name a choice; who chooses the same reads the same answer."""
    text = json.dumps([filter.as_json(), sorted(kinds)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def ask_for_preview(
    *, filter: ReleaseFilter, kinds: Sequence[str], member: User, at: datetime | None = None
) -> dict[str, Any] | None:
    """What `releases.preview_release` says, with examples; None while a worker counts: ask again.

    Raises Refused: a bad choice (400), too many counts (429); what is counted already costs nothing.
    """
    from ratings.tasks import count_preview as count_task  # the tasks call back into this module

    releases_services.check_request(filter=filter, kinds=kinds)
    key = preview_key(filter, kinds)
    if (found := counted(key)) is not None:
        return found
    if is_counting(key):
        return None
    check_rate(key=f"release-preview:{member.pk}", limit=COUNTS, seconds=COUNTS_WITHIN)
    if len(Ask.objects.order_by()[: LIVE_ASKS + 1].values_list("pk", flat=True)) <= LIVE_ASKS:
        return releases_services.preview_release(filter=filter, kinds=kinds, examples=EXAMPLES, at=at)
    if cache.add(_mark(key), 1, COUNTED_WITHIN):
        count_task.delay_on_commit(filter.as_json(), list(kinds))  # type: ignore[attr-defined]  # DjangoTask
    return None


def count_preview(*, filter: ReleaseFilter, kinds: Sequence[str], at: datetime | None = None) -> None:
    """Counts and keeps the answer for those who wait for it."""
    at, key = at or timezone.now(), preview_key(filter, kinds)
    try:
        found = releases_services.preview_release(filter=filter, kinds=kinds, examples=EXAMPLES, at=at)
        cache.set(_answer(key), {**found, "counted_at": at.isoformat()}, KEPT)
    finally:
        cache.delete(_mark(key))


def counted(key: str) -> dict[str, Any] | None:
    """The answer a worker found within the last minutes."""
    found: dict[str, Any] | None = cache.get(_answer(key))
    return found


def is_counting(key: str) -> bool:
    return cache.get(_mark(key)) is not None


def _answer(key: str) -> str:
    return f"release-preview:{key}"


def _mark(key: str) -> str:
    return f"release-preview-counting:{key}"
