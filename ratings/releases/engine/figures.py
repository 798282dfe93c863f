"""Figures about a plan, for its preview and manifest: label balance, picture sizes, agreement, response rate."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ratings.asking.models import Surface
from ratings.releases.engine import pair_votes, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.columns import ABOUT_PAIR, ABOUT_PICTURE, ABOUT_SEVERAL
from ratings.releases.formats.pairs import ELIGIBLE_PAIR, LOW_IS_FIRST
from ratings.research.statistics import agreement
from ratings.research.statistics.agreement import Level

MOST_UNITS = 2_000  # the latest pairs or pictures with two or more answers that agreement is computed on


def facts(scope: Scope) -> dict[str, Any]:
    """Response rate, and sizes and agreement of what the scope is about. Call after `scope.prepare`."""
    found: dict[str, Any] = {"resolutions": {}, "agreement": {}, "response_rate": _response_rates(scope)}
    if set(ABOUT_PAIR) <= set(scope.about):
        pair_votes.create_tables(scope)
        found["resolutions"] = _count_resolutions()
        found["agreement"]["pairs"] = _agreement_on_pairs()
    if set(ABOUT_PICTURE) <= set(scope.about):
        found["agreement"]["ratings"] = _agreement_on_ratings(scope)
    return found


def _count_resolutions() -> dict[str, int]:
    """{"512x512": pictures shown in pairs}, the most frequent first."""
    found = sql.fetch_all(
        f"""SELECT picture.width || 'x' || picture.height AS size, count(*) FROM (
              SELECT low AS id FROM release_pair WHERE {ELIGIBLE_PAIR}
               UNION ALL SELECT high FROM release_pair WHERE {ELIGIBLE_PAIR}) AS shown
            JOIN release_picture picture USING (id) GROUP BY 1 ORDER BY 2 DESC, 1"""  # noqa: S608
    )
    return dict(found)


def _agreement_on_pairs() -> dict[str, Any]:
    """Nominal alpha over the pairs that two or more raters compared: which picture, a tie, or both bad."""
    counts = sql.fetch_all(
        """SELECT n_low, n_high, n_tie, n_both_bad FROM release_pair
            WHERE of_pictures = '' AND n_votes >= 2 ORDER BY low DESC, high DESC LIMIT %s""",
        [MOST_UNITS],
    )
    return _alpha(counts, "nominal")


def _agreement_on_ratings(scope: Scope) -> dict[str, Any]:
    """{question: ordinal alpha}, over the latest pictures that two or more raters rated, their author left out."""
    during, params = scope.of_asks()
    values = ", ".join(f"count(*) FILTER (WHERE ledger.value = {value})" for value in range(1, 6))
    # One picture at a time, the latest first, so that no more are read than LIMIT needs.
    rows = sql.fetch_all(
        f"""SELECT question.slug, counts.*
              FROM (SELECT * FROM release_picture WHERE reason = '' ORDER BY id DESC) picture
             CROSS JOIN LATERAL (
               SELECT ledger.question_id, {values} FROM ratings_rating ledger
                 JOIN ratings_ask ask ON ask.id = ledger.ask_id
                 JOIN release_person person ON person.id = ledger.rater_id AND person.reason = ''
                WHERE ledger.image_id = picture.id AND {during} AND ledger.value IS NOT NULL AND ledger.repeat_no = 0
                  AND ledger.rater_id <> picture.author_id
                GROUP BY ledger.question_id HAVING count(*) >= 2 ORDER BY ledger.question_id) AS counts
             JOIN ratings_question question ON question.id = counts.question_id
            ORDER BY picture.id DESC, counts.question_id LIMIT %s""",  # noqa: S608
        [*params, MOST_UNITS],
    )
    units: dict[str, list[list[int]]] = defaultdict(list)
    for question, _question_id, *counts in rows:
        units[question].append(counts)
    return {question: _alpha(found, "ordinal") for question, found in sorted(units.items())}


def _response_rates(scope: Scope) -> dict[str, Any]:
    """{surface: asks, answered and their ratio} of every closed ask, whatever the members agreed to."""
    during, params = scope.of_asks(ask="ledger")
    about = " OR ".join(_is_about(name) for name in scope.about) or "FALSE"
    rows = sql.fetch_all(
        f"""SELECT surface, count(*), count(*) FILTER (WHERE outcome = 'answered') FROM ratings_ask ledger
             WHERE {during} AND outcome <> 'open' AND ({about}) GROUP BY 1 ORDER BY 1""",  # noqa: S608
        params,
    )
    return {surface: {"asks": asks, "answered": n, "rate": round(n / asks, 4)} for surface, asks, n in rows}


def _is_about(name: str) -> str:
    """SQL: whether an ask is about the field `name`. A ranking names two of its pictures as a pair, too."""
    is_ranking = f"surface = '{Surface.RANKING}'"
    return is_ranking if name in ABOUT_SEVERAL else f"({name}_id IS NOT NULL AND NOT {is_ranking})"


def _alpha(counts: Sequence[Sequence[int]], level: Level) -> dict[str, Any]:
    """Krippendorff's alpha with a 95 % interval; null where too few units have two answers."""
    found = agreement(counts, level=level)
    if found is None:
        return {"alpha": None, "low": None, "high": None, "units": len(counts)}
    figures = {"alpha": found.alpha, "low": found.low, "high": found.high}
    return {name: None if value is None else round(value, 4) for name, value in figures.items()} | {
        "units": found.units
    }


def balance(scope: Scope) -> dict[str, Any]:
    """How often the first picture is the preferred one, with the sides as a build would place them."""
    first_preferred, total = sql.fetch_all(
        f"""SELECT count(*) FILTER (WHERE {LOW_IS_FIRST} = (winner = low)), count(*) FROM release_pair pair
             WHERE {ELIGIBLE_PAIR}"""  # noqa: S608
    )[0]
    return {"pairs": total, "image_0_preferred": first_preferred / total if total else None}


def examples(most: int) -> list[tuple[int, int]]:
    """(preferred, other) image ids of some pairs of the plan, the same ones each time."""
    found = sql.fetch_all(
        f"""SELECT winner, CASE WHEN winner = low THEN high ELSE low END FROM release_pair
             WHERE {ELIGIBLE_PAIR} ORDER BY hashint8(low * 31 + high), low, high LIMIT %s""",  # noqa: S608
        [most],
    )
    return [(preferred, other) for preferred, other in found]
