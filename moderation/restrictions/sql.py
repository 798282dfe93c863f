"""Restrictions in SQL by hand; the same as `Restriction.objects.banned(at)` and its siblings. ``%(at)s`` is now."""

_IN_FORCE = "lifted_at IS NULL AND starts_at <= %(at)s AND (ends_at IS NULL OR ends_at > %(at)s)"

BANNED_SQL = f"SELECT user_id FROM moderation_restriction WHERE kind = 'banned' AND {_IN_FORCE}"  # noqa: S608 - no input
MUTED_OR_BANNED_SQL = f"SELECT user_id FROM moderation_restriction WHERE kind IN ('muted', 'banned') AND {_IN_FORCE}"  # noqa: S608
