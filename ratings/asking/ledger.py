"""The two statements that turn an open ask into an answer, each whole or not at all.

A site runs them millions of times a day, so each is one round trip: the conditional UPDATE that closes the ask, with
every condition under which its answer counts, and the INSERT of the answer. The conditions on pictures and members
are those of `pools.askable_images` and `moderation.require_unrestricted`; a test compares them for every kind of
picture.
"""

from datetime import datetime
from typing import Any

from django.db.backends.postgresql.base import ServerBindingCursor

from lib.sql import open_cursor
from moderation.restrictions.sql import BANNED_SQL, MUTED_OR_BANNED_SQL

_ASKABLE = f"""
    {{side}}.state = 'ready' AND {{side}}.deleted_at IS NULL AND ({{side}}.author_id = %(rater)s
        OR ({{side}}.is_public AND {{side}}.content_level <= %(level)s
            AND NOT EXISTS ({BANNED_SQL} AND user_id = {{side}}.author_id)
        AND NOT EXISTS (SELECT FROM feed_block WHERE member_id = %(rater)s AND blocked_id = {{side}}.author_id)
        AND NOT EXISTS (SELECT FROM feed_block WHERE blocked_id = %(rater)s AND member_id = {{side}}.author_id)))"""  # noqa: S608 - no input is in it

_OPEN = f"""
    ask.public_id = %(ask)s AND ask.rater_id = %(rater)s AND ask.outcome = 'open' AND ask.expires_at > %(at)s
    AND NOT EXISTS ({MUTED_OR_BANNED_SQL} AND user_id = %(rater)s)"""

# An answer proves that the question was seen, also where no script could say so.
_CLOSE = """
    UPDATE ratings_ask ask SET outcome = 'answered', closed_at = %(at)s, dwell_ms = %(dwell)s::integer,
        shown_at = coalesce(ask.shown_at, ask.created_at)"""

RATE = f"""
WITH closed AS ({_CLOSE}
    FROM generation_image image
    WHERE image.id = ask.image_id AND image.id = %(image)s AND {_OPEN} AND {_ASKABLE.format(side="image")}
    RETURNING ask.id, ask.rater_id, ask.image_id, ask.question_id, ask.repeat_no)
INSERT INTO ratings_rating (ask_id, rater_id, image_id, question_id, repeat_no, value, created_at)
SELECT *, %(value)s::smallint, %(at)s::timestamptz FROM closed RETURNING id, ask_id, question_id, repeat_no"""  # noqa: S608 - no input is in it

COMPARE = f"""
WITH closed AS ({_CLOSE}
    FROM generation_image low, generation_image high
    WHERE low.id = ask.image_low_id AND low.id = %(low)s AND high.id = ask.image_high_id AND high.id = %(high)s
        AND {_OPEN} AND {_ASKABLE.format(side="low")} AND {_ASKABLE.format(side="high")}
    RETURNING ask.id, ask.rater_id, ask.image_low_id, ask.image_high_id, ask.repeat_no, ask.is_side_swapped)
INSERT INTO ratings_comparison (ask_id, rater_id, image_low_id, image_high_id, repeat_no, outcome, preferred_id,
    quality_flags, created_at)
SELECT id, rater_id, image_low_id, image_high_id, repeat_no, %(outcome)s::varchar,
    CASE WHEN %(outcome)s::varchar IN ('left', 'right')
        THEN CASE WHEN is_side_swapped = (%(outcome)s::varchar = 'left') THEN image_high_id ELSE image_low_id END END,
    '{{}}', %(at)s::timestamptz FROM closed RETURNING ask_id"""  # noqa: S608 - no input is in it


def store_rating(
    *, ask: str, rater: int, level: int, image: int, value: int | None, dwell_ms: int | None, at: datetime
) -> tuple[int, int, int, int] | None:
    """Closes the ask (public id) and stores the answer; (rating, ask, question, repeat_no), None if it may not count.

    `level` is the highest that the rater may be shown.
    """
    shared = {"ask": ask, "rater": rater, "level": level, "dwell": dwell_ms, "at": at}
    stored: tuple[int, int, int, int] | None = _one(RATE, {**shared, "image": image, "value": value})
    return stored


def store_comparison(
    *, ask: str, rater: int, level: int, low: int, high: int, outcome: str, dwell_ms: int | None, at: datetime
) -> bool:
    """Closes the pair and stores which side won, as shown; False if the answer may not count."""
    shared = {"ask": ask, "rater": rater, "level": level, "dwell": dwell_ms, "at": at}
    return _one(COMPARE, {**shared, "low": low, "high": high, "outcome": outcome}) is not None


def _one(statement: str, values: dict[str, Any]) -> Any:
    """The row that comes back. Values are bound by the server, so that it may keep the statement's plan."""
    with open_cursor(ServerBindingCursor) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
