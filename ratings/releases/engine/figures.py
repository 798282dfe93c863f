"""Figures about what a plan would hold, for its preview and manifest: balance, sizes, agreement, response."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ratings.releases.engine import pair_votes, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.columns import ABOUT_PAIR, ABOUT_PICTURE
from ratings.releases.formats.pairs import FIRST
from ratings.research.statistics import agreement
from ratings.research.statistics.agreement import Level

MOST_OF_UNIT, MOST_JUDGEMENTS = 10, 1_500  # what agreement and its interval are computed on
MOST_UNITS = 2_000  # pairs or pictures judged twice that agreement is computed on, the latest
_LEAVES = "of_pictures = '' AND of_votes = ''"


def facts(scope: Scope) -> dict[str, Any]:
    """Call after `scope.prepare`: everything is read from its tables, or counted over the ledgers it is about."""
    found: dict[str, Any] = {"resolutions": {}, "agreement": {}, "response_rate": _response(scope)}
    if set(ABOUT_PAIR) <= set(scope.about):
        pair_votes.make(scope)
        found["resolutions"] = _resolutions()
        found["agreement"]["pairs"] = _pairs_agreement()
    if set(ABOUT_PICTURE) <= set(scope.about):
        found["agreement"]["ratings"] = _ratings_agreement(scope)
    return found


def _resolutions() -> dict[str, int]:
    """{"512x512": pictures shown in pairs}, the most frequent first."""
    found = sql.rows(
        f"""SELECT picture.width || 'x' || picture.height AS size, count(*) FROM (
              SELECT low AS id FROM release_pair WHERE {_LEAVES}
               UNION ALL SELECT high FROM release_pair WHERE {_LEAVES}) AS shown
            JOIN release_picture picture USING (id) GROUP BY 1 ORDER BY 2 DESC, 1"""  # noqa: S608
    )
    return dict(found)


def _pairs_agreement() -> dict[str, Any]:
    """Nominal alpha over the pairs that two or more people judged: which picture, a tie, or both bad."""
    counts = sql.rows(
        """SELECT n_low, n_high, n_tie, n_both_bad FROM release_pair
            WHERE of_pictures = '' AND n_votes >= 2 ORDER BY low DESC, high DESC LIMIT %s""",
        [MOST_UNITS],
    )
    return _agreed(counts, "nominal")


def _ratings_agreement(scope: Scope) -> dict[str, Any]:
    """{question: ordinal alpha}, over the latest pictures that two or more people rated, the maker left out."""
    during, params = scope.since("ledger")
    said = ", ".join(f"count(*) FILTER (WHERE ledger.value = {value})" for value in range(1, 6))
    # A picture at a time, the latest first, so that only as many are read as are asked for.
    rows = sql.rows(
        f"""SELECT question.slug, told.* FROM (SELECT * FROM release_picture WHERE reason = '' ORDER BY id DESC) picture
             CROSS JOIN LATERAL (
               SELECT ledger.question_id, {said} FROM ratings_rating ledger
                 JOIN release_person person ON person.id = ledger.rater_id AND person.reason = ''
                WHERE ledger.image_id = picture.id AND {during} AND ledger.value IS NOT NULL AND ledger.repeat_no = 0
                  AND ledger.rater_id <> picture.author_id
                GROUP BY ledger.question_id HAVING count(*) >= 2 ORDER BY ledger.question_id) AS told
             JOIN ratings_question question ON question.id = told.question_id
            ORDER BY picture.id DESC, told.question_id LIMIT %s""",  # noqa: S608
        [*params, MOST_UNITS],
    )
    units: dict[str, list[list[int]]] = defaultdict(list)
    for question, _question_id, *counts in rows:
        units[question].append(counts)
    return {question: _agreed(found, "ordinal") for question, found in sorted(units.items())}


def _response(scope: Scope) -> dict[str, Any]:
    """{surface: asks, answered and their ratio} of every ask that ended, whoever agreed to what."""
    during, params = scope.since("ledger")
    about = " OR ".join(f"{name}_id IS NOT NULL" for name in scope.about)
    rows = sql.rows(
        f"""SELECT surface, count(*), count(*) FILTER (WHERE outcome = 'answered') FROM ratings_ask ledger
             WHERE {during} AND outcome <> 'open' AND ({about}) GROUP BY 1 ORDER BY 1""",  # noqa: S608
        params,
    )
    return {surface: {"asks": asks, "answered": n, "rate": round(n / asks, 4)} for surface, asks, n in rows}


def _agreed(counts: Sequence[Sequence[int]], level: Level) -> dict[str, Any]:
    """Krippendorff's alpha with a 95 % interval; null where too little was judged twice.

    Its bootstrap works on pairs of judgements, whose number grows with the square of a unit's, so both are computed
    on a bounded number of them: the latest units, a unit with many judgements thinned in proportion.
    """
    found = agreement(_first(counts), level=level)
    if found is None:
        return {"alpha": None, "low": None, "high": None, "units": len(counts)}
    figures = {"alpha": found.alpha, "low": found.low, "high": found.high}
    return {name: round(value, 4) for name, value in figures.items()} | {"units": found.units}


def _first(counts: Sequence[Sequence[int]]) -> list[list[int]]:
    """The first units, each with at most `MOST_OF_UNIT` judgements in proportion, `MOST_JUDGEMENTS` together."""
    kept: list[list[int]] = []
    held = 0
    for row in counts:
        scale = min(1.0, MOST_OF_UNIT / max(1, sum(row)))
        kept.append([round(scale * count) for count in row])
        held += sum(kept[-1])
        if held >= MOST_JUDGEMENTS:
            break
    return kept


def balance(scope: Scope) -> dict[str, Any]:
    """How often the first picture would be the preferred one, the sides falling as a build would let them."""
    heads, total = sql.rows(
        f"""SELECT count(*) FILTER (WHERE {FIRST} = (winner = low)), count(*) FROM release_pair pair
             WHERE {_LEAVES}"""  # noqa: S608
    )[0]
    return {"pairs": total, "image_0_preferred": heads / total if total else None}


def examples(most: int) -> list[tuple[int, int]]:
    """(preferred, other) image ids of some pairs that would leave, drawn the same way each time."""
    found = sql.rows(
        f"""SELECT winner, CASE WHEN winner = low THEN high ELSE low END FROM release_pair
             WHERE {_LEAVES} ORDER BY hashint8(low * 31 + high), low, high LIMIT %s""",  # noqa: S608
        [most],
    )
    return [(preferred, other) for preferred, other in found]
