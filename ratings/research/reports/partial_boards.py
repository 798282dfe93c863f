"""The leaderboard of each category and of each week: the same figures from a part of the votes."""

from datetime import datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from ratings.research.reports.model_comparisons import (
    PART,
    VOTE_COLUMNS,
    VOTE_ROWS,
    leaderboard,
    votes_from_rows,
)

MOST_VOTES = 200_000  # the newest of a period
MOST_CATEGORIES = 12  # tags, those with the most votes
COLUMNS = "v.low_model, v.high_model, v.prompt, v.rater_id, v.score, v.is_side_swapped"

# A vote counts once under each tag of its two pictures.
CATEGORY_SQL = f"""
WITH votes AS MATERIALIZED (
    SELECT c.id, c.image_low_id, c.image_high_id, {VOTE_COLUMNS}
    {VOTE_ROWS}
), tagged AS (
    SELECT DISTINCT v.id, pt.tag_id
    FROM votes v CROSS JOIN LATERAL unnest(ARRAY[v.image_low_id, v.image_high_id]) AS shown (image)
    JOIN feed_post p ON p.image_id = shown.image JOIN feed_posttag pt ON pt.post_id = p.id
), ranked AS (
    SELECT tag_id FROM tagged GROUP BY tag_id ORDER BY count(*) DESC, tag_id LIMIT %(groups)s
)
SELECT tag.name, {COLUMNS}
FROM tagged JOIN ranked USING (tag_id) JOIN votes v USING (id) JOIN feed_tag tag ON tag.id = tagged.tag_id
ORDER BY tag.name, v.id DESC
"""  # noqa: S608  # put together from constants

WEEK_SQL = f"""
WITH votes AS (SELECT c.id, date_trunc('week', c.created_at AT TIME ZONE 'UTC')::date AS week, {VOTE_COLUMNS}
    {VOTE_ROWS})
SELECT v.week::text, {COLUMNS} FROM votes v ORDER BY v.week, v.id DESC
"""  # noqa: S608


def boards_by_category(since: datetime) -> list[dict[str, Any]]:
    """(category, rows as `leaderboard` has them) of the tags with the most votes, by their names."""
    return _boards("category", CATEGORY_SQL, since)


def boards_by_week(since: datetime) -> list[dict[str, Any]]:
    """(week, its Monday as YYYY-MM-DD; rows) in order. The average is that of the week's own models."""
    return _boards("week", WEEK_SQL, since)


def _boards(name: str, sql: str, since: datetime) -> list[dict[str, Any]]:
    """A leaderboard of each group that the first column names, without those in which no two models were compared."""
    boards = []
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, {"since": since, "most": MOST_VOTES, "groups": MOST_CATEGORIES})
        read = chain.from_iterable(iter(lambda: cursor.fetchmany(PART), []))
        for group, rows in groupby(read, key=itemgetter(0)):
            votes = votes_from_rows(row[1:] for row in rows)
            boards.append({name: group, "rows": leaderboard(votes, is_whole=False)["rows"]})
    return [board for board in boards if board["rows"]]
