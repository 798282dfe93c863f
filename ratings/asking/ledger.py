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
from ratings.asking.models import Surface

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


def rate_sql(condition: str) -> str:
    """The statement that takes an answer about one picture: `condition` is on ``ask`` and ``image``."""
    return f"""
WITH closed AS ({_CLOSE}
    FROM generation_image image
    WHERE image.id = ask.image_id AND image.id = %(image)s AND {_OPEN} AND {condition}
    RETURNING ask.id, ask.rater_id, ask.image_id, ask.question_id, ask.repeat_no)
INSERT INTO ratings_rating (ask_id, rater_id, image_id, question_id, repeat_no, value, created_at)
SELECT *, %(value)s::smallint, %(at)s::timestamptz FROM closed RETURNING id, ask_id, question_id, repeat_no"""  # noqa: S608 - no input is in it


def compare_sql(table: Surface, condition: str) -> str:
    """The same about a pair: `condition` is on ``ask``, ``low`` and ``high``; `table` is the surface whose table it
    fills."""
    return f"""
WITH closed AS ({_CLOSE}
    FROM generation_image low, generation_image high
    WHERE low.id = ask.image_low_id AND low.id = %(low)s AND high.id = ask.image_high_id AND high.id = %(high)s
        AND ask.surface = %(surface)s AND {_OPEN} AND {condition}
    RETURNING ask.id, ask.rater_id, ask.image_low_id, ask.image_high_id, ask.repeat_no, ask.question_id,
        ask.is_side_swapped)
{_ANSWERS[table]}"""


_VERDICT = """%(outcome)s::varchar, CASE WHEN %(outcome)s::varchar IN ('left', 'right')
    THEN CASE WHEN is_side_swapped = (%(outcome)s::varchar = 'left') THEN image_high_id ELSE image_low_id END END,
    %(at)s::timestamptz"""

_ANSWERS = {
    Surface.COMPARE: f"""
INSERT INTO ratings_comparison (ask_id, rater_id, image_low_id, image_high_id, repeat_no, quality_flags, outcome,
    preferred_id, created_at)
SELECT id, rater_id, image_low_id, image_high_id, repeat_no, '{{}}', {_VERDICT} FROM closed RETURNING ask_id""",  # noqa: S608 - no input is in it
    Surface.ASPECT: f"""
INSERT INTO ratings_aspectcomparison (ask_id, rater_id, image_low_id, image_high_id, question_id, outcome,
    preferred_id, created_at)
SELECT id, rater_id, image_low_id, image_high_id, question_id, {_VERDICT} FROM closed RETURNING ask_id""",  # noqa: S608 - no input is in it
}
_BOTH_ASKABLE = f"{_ASKABLE.format(side='low')} AND {_ASKABLE.format(side='high')}"
RATE = rate_sql(f"ask.surface IN ('result', 'post') AND {_ASKABLE.format(side='image')}")
COMPARE = {surface: compare_sql(surface, _BOTH_ASKABLE) for surface in _ANSWERS}


MARK = f"""
WITH closed AS ({_CLOSE}
    FROM generation_image image
    WHERE image.id = ask.image_id AND image.id = %(image)s AND ask.surface = 'marks'
        AND {_OPEN} AND {_ASKABLE.format(side="image")}
    RETURNING ask.id)
INSERT INTO ratings_regionmark (ask_id, number, x, y, word, created_at)
SELECT closed.id, mark.number, mark.x, mark.y, mark.word, %(at)s::timestamptz FROM closed,
    jsonb_to_recordset(%(marks)s::jsonb) AS mark (number smallint, x float8, y float8, word varchar)
RETURNING ask_id"""  # noqa: S608 - no input is in it


RANK = f"""
WITH closed AS ({_CLOSE}
    WHERE ask.surface = 'ranking' AND {_OPEN} AND NOT EXISTS (
        SELECT FROM ratings_rankedpicture shown JOIN generation_image image ON image.id = shown.image_id
         WHERE shown.ask_id = ask.id AND NOT ({_ASKABLE.format(side="image")}))
    RETURNING ask.id)
UPDATE ratings_rankedpicture ranked SET rank = (%(ranks)s::smallint[])[ranked.place + 1] FROM closed
 WHERE ranked.ask_id = closed.id RETURNING ranked.ask_id"""  # noqa: S608 - no input is in it


def store_rating(
    *,
    ask: str,
    rater: int,
    level: int,
    image: int,
    value: int | None,
    dwell_ms: int | None,
    at: datetime,
    statement: str = RATE,
) -> tuple[int, int, int, int] | None:
    """Closes the ask (public id) and stores the answer; (rating, ask, question, repeat_no), None if it may not count.

    `level` is the highest that the rater may be shown; `statement` is one of `rate_sql`.
    """
    shared = {"ask": ask, "rater": rater, "level": level, "dwell": dwell_ms, "at": at}
    stored: tuple[int, int, int, int] | None = _one(statement, {**shared, "image": image, "value": value})
    return stored


def store_comparison(
    *,
    ask: str,
    surface: Surface,
    rater: int,
    level: int,
    low: int,
    high: int,
    outcome: str,
    dwell_ms: int | None,
    at: datetime,
    statement: str = "",
) -> bool:
    """Closes the pair and stores which side won, as shown; False if the answer may not count.

    `surface` is COMPARE or ASPECT: an answer to a pair of the other surface does not count. For another surface
    `statement` is one of `compare_sql`.
    """
    shared = {"ask": ask, "surface": surface.value, "rater": rater, "level": level, "dwell": dwell_ms, "at": at}
    return _one(statement or COMPARE[surface], {**shared, "low": low, "high": high, "outcome": outcome}) is not None


def store_marks(
    *, ask: str, rater: int, level: int, image: int, marks: str, dwell_ms: int | None, at: datetime
) -> bool:
    """Closes the ask and stores its marks, a JSON list of number, x, y and word; False if they may not count."""
    shared = {"ask": ask, "rater": rater, "level": level, "dwell": dwell_ms, "at": at}
    return _one(MARK, {**shared, "image": image, "marks": marks}) is not None


def store_ranks(*, ask: str, rater: int, level: int, ranks: list[int], dwell_ms: int | None, at: datetime) -> bool:
    """Closes the ask and stores the ranks in the order of places; False if they may not count."""
    shared = {"ask": ask, "rater": rater, "level": level, "dwell": dwell_ms, "at": at}
    return _one(RANK, {**shared, "ranks": ranks}) is not None


def _one(statement: str, values: dict[str, Any]) -> Any:
    """The row that comes back. Values are bound by the server, so that it may keep the statement's plan."""
    with open_cursor(ServerBindingCursor) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
