"""How often somebody may do something: a sliding window counted in Valkey."""

from datetime import datetime

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import ngettext

from lib.errors import Refused


def check_rate(*, key: str, limit: int, seconds: int, at: datetime | None = None) -> None:
    """Counts one use of `key`; raises Refused (429) once more than `limit` fall within `seconds`.

    The window slides: what the previous fixed window counted weighs in by the share of it that is still
    within reach. INCR makes each use count once, however many processes ask at a time. A refused use
    counts too, so hammering does not help.
    """
    now = (at or timezone.now()).timestamp()
    window, into = divmod(now, seconds)
    current, previous = f"rate:{key}:{int(window)}", f"rate:{key}:{int(window) - 1}"
    cache.add(current, 0, timeout=2 * seconds)
    used = cache.incr(current) + (cache.get(previous) or 0) * (1 - into / seconds)
    if used > limit:
        raise Refused("too_many", _too_many(round(seconds - into) or 1), status=429)


def _too_many(seconds: int) -> str:
    if seconds < 120:
        return ngettext(
            "That was too often. Try again in %(n)s second.", "That was too often. Try again in %(n)s seconds.", seconds
        ) % {"n": seconds}
    minutes = -(-seconds // 60)
    return ngettext(
        "That was too often. Try again in %(n)s minute.", "That was too often. Try again in %(n)s minutes.", minutes
    ) % {"n": minutes}
