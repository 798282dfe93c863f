"""Pairs and their votes: the temporary tables from which every format of comparisons reads."""

from concurrent.futures import ThreadPoolExecutor

from generation.media.storage import reading_threads
from ratings.releases.engine import sql
from ratings.releases.engine.image_reader import training_size
from ratings.releases.engine.scope import Scope

_VOTES = """CREATE TEMP TABLE release_vote ON COMMIT DROP AS
SELECT ledger.id, ledger.image_low_id AS low, ledger.image_high_id AS high, ledger.rater_id AS rater,
  ledger.preferred_id AS preferred, ledger.outcome, (ledger.created_at AT TIME ZONE 'UTC')::date AS day,
  CASE WHEN person.reason <> '' THEN person.reason WHEN ask.is_gold THEN 'gold'
       WHEN ask.repeat_no > 0 THEN 'repeat' WHEN flagged.ask_id IS NOT NULL THEN 'flagged' ELSE '' END AS reason
  FROM {ledger} ledger JOIN ratings_ask ask ON ask.id = ledger.ask_id
  JOIN release_person person ON person.id = ledger.rater_id
  LEFT JOIN release_flag flagged ON flagged.ask_id = ledger.ask_id
 WHERE {during} AND ask.image_low_id IS NOT NULL AND {which}"""

OVERALL = ""  # the votes on which picture is better, not on one aspect

# The votes of a pair, counted. The decider is the first vote for the winner: its rater and day are those of the row.
_VOTE_COUNTS = """CREATE TEMP TABLE release_vote_count ON COMMIT DROP AS
SELECT low, high, count(*) AS n_votes,
  count(*) FILTER (WHERE preferred = low) AS n_low, count(*) FILTER (WHERE preferred = high) AS n_high,
  count(*) FILTER (WHERE outcome = 'tie') AS n_tie, count(*) FILTER (WHERE outcome = 'both_bad') AS n_both_bad,
  min(id) FILTER (WHERE preferred = low) AS first_low, min(id) FILTER (WHERE preferred = high) AS first_high,
  array_agg(DISTINCT rater) AS raters
  FROM release_vote WHERE reason = '' GROUP BY low, high"""

_PAIRS = """CREATE TEMP TABLE release_pair ON COMMIT DROP AS
SELECT row_number() OVER () AS nr, compared.low, compared.high, low_picture.split, counts.n_votes, counts.n_low,
  counts.n_high, counts.n_tie, counts.n_both_bad, counts.raters,
  CASE WHEN counts.n_low > counts.n_high THEN first_low ELSE first_high END AS decider,
  CASE WHEN counts.n_low > counts.n_high THEN compared.low ELSE compared.high END AS winner,
  abs(counts.n_low - counts.n_high)::real / counts.n_votes AS margin,
  CASE WHEN low_picture.reason <> '' THEN low_picture.reason WHEN high_picture.reason <> '' THEN high_picture.reason
       WHEN low_picture.prompt <> high_picture.prompt THEN 'different_prompts'
       WHEN low_picture.sha256 = high_picture.sha256 THEN 'identical'
       WHEN low_picture.width::int * high_picture.height <> high_picture.width::int * low_picture.height
       THEN 'aspect_mismatch'
       WHEN low_picture.split <> high_picture.split THEN 'prompts_in_two_splits' ELSE '' END AS of_pictures,
  CASE WHEN counts.n_votes IS NULL THEN 'no_votes_left' WHEN counts.n_low = counts.n_high THEN 'tie'
       WHEN abs(counts.n_low - counts.n_high)::real / counts.n_votes < %s THEN 'margin' ELSE '' END AS of_votes
  FROM (SELECT DISTINCT low, high FROM release_vote) compared
  JOIN release_picture low_picture ON low_picture.id = compared.low
  JOIN release_picture high_picture ON high_picture.id = compared.high
  LEFT JOIN release_vote_count counts ON counts.low = compared.low AND counts.high = compared.high"""


def create_tables(scope: Scope, aspect: str = OVERALL) -> None:
    """Creates ``release_vote``, ``release_vote_count`` and ``release_pair``, once in a row for the same votes.

    Args:
        aspect: the slug of a question by aspect, whose votes are counted instead of those for the whole picture.
    """
    if scope.voted_on == aspect:
        return
    scope.voted_on = aspect
    scope.made -= {"sizes", "kto"}
    sql.execute("DROP TABLE IF EXISTS pg_temp.release_vote, pg_temp.release_vote_count, pg_temp.release_pair")
    during, params = scope.of_asks()
    ledger = "ratings_aspectcomparison" if aspect else "ratings_comparison"
    which = "ledger.question_id IN (SELECT id FROM ratings_question WHERE slug = %s)" if aspect else "true"
    votes = _VOTES.format(ledger=ledger, during=during, which=which)
    sql.execute(votes, [*params, aspect] if aspect else params)
    sql.execute(_VOTE_COUNTS)
    sql.execute(_PAIRS, [scope.chosen.min_margin])
    sql.execute("CREATE UNIQUE INDEX ON release_vote (id)")
    sql.execute("CREATE UNIQUE INDEX ON release_pair (nr)")
    sql.execute("ANALYZE release_vote (id, reason), release_pair (nr, of_pictures, of_votes)")


def count_dropped(scope: Scope, kind: str) -> None:
    """Counts, for a format of pairs, the pairs left out and the single votes that do not count, by reason."""
    reasons = sql.fetch_all(
        """SELECT CASE WHEN of_pictures <> '' THEN of_pictures ELSE of_votes END AS reason, count(*) FROM release_pair
            WHERE of_pictures <> '' OR of_votes <> '' GROUP BY 1"""
    )
    votes = sql.fetch_all(
        """SELECT 'vote_' || vote.reason, count(*) FROM release_vote vote JOIN release_pair pair USING (low, high)
            WHERE pair.of_pictures = '' AND vote.reason <> '' GROUP BY 1"""
    )
    for reason, found in sorted(reasons + votes, key=lambda row: (-row[1], row[0])):
        scope.drop(kind, reason, found)


def fill_missing_sizes(scope: Scope) -> None:
    """Asks the store for the file sizes that no row records, of pictures in pairs that may be published."""
    if "sizes" in scope.made:
        return
    scope.made.add("sizes")
    fill_sizes(
        """SELECT low FROM release_pair WHERE of_pictures = '' UNION
           SELECT high FROM release_pair WHERE of_pictures = ''"""
    )


def fill_sizes(pictures: str) -> None:
    """The same of the pictures (ids) that a query selects."""
    wanted = sql.fetch_all(
        f"""SELECT id, prefix FROM release_picture
             WHERE size IS NULL AND prefix <> '' AND id IN ({pictures}) ORDER BY id"""  # noqa: S608 (literals of ours)
    )
    with ThreadPoolExecutor(reading_threads()) as pool:
        sizes = list(pool.map(training_size, [prefix for _pk, prefix in wanted]))
    ids = [pk for pk, _prefix in wanted]
    sql.execute(
        """UPDATE release_picture picture SET size = stored.size
             FROM unnest(%s::bigint[], %s::bigint[]) AS stored (id, size) WHERE stored.id = picture.id""",
        [ids, sizes],
    )
