"""Model against model: who wins, how surely, and how little would turn it round."""

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Case, CharField, Count, F, Q, QuerySet, Value, When
from numpy.typing import NDArray

from ratings.models import Comparison
from ratings.research.reports.flags import UNFLAGGED
from ratings.research.statistics import Votes, agreement, cap_weights, drop_few, left_share, odds, strengths
from ratings.research.statistics.likelihood import games, win_table

MOST_VOTES = 1_000_000  # the newest of a period
PART = 20_000  # votes read at once
MOST_UNITS = 2_000  # pairs judged twice that agreement is computed on, the newest
MOST_DUELS = 100
MOST_MODELS = 40
LEAST_VOTES = 5  # of a model, to stand in the leaderboard
RATER_CAP = 50.0  # what one person's votes weigh together, at most

# Verdicts: 1 the lower id won, 0 the higher, 0.5 a tie, null both bad. Pairs of two prompts (challenges), of one
# model, of spoiled pictures, repeats, benchmarks (they have pages of their own), and raters who made one of the
# pictures are left out.
JUDGED = f"""
SELECT cl.slug, ch.slug, hashtextextended(gl.prompt, 0), a.rater_id,
       CASE WHEN c.preferred_id = c.image_low_id THEN 1.0 WHEN c.preferred_id = c.image_high_id THEN 0.0
            WHEN c.outcome = 'tie' THEN 0.5 END,
       a.is_side_swapped
FROM ratings_comparison c
JOIN ratings_ask a ON a.id = c.ask_id
JOIN generation_image il ON il.id = c.image_low_id JOIN generation_generation gl ON gl.id = il.generation_id
JOIN generation_checkpoint cl ON cl.id = gl.checkpoint_id
JOIN generation_image ih ON ih.id = c.image_high_id JOIN generation_generation gh ON gh.id = ih.generation_id
JOIN generation_checkpoint ch ON ch.id = gh.checkpoint_id
WHERE c.created_at >= %(since)s AND c.repeat_no = 0 AND NOT a.is_gold AND NOT a.rater_is_author
      AND a.strategy <> 'benchmark' AND gl.prompt = gh.prompt AND cl.id <> ch.id AND {UNFLAGGED}
ORDER BY c.id DESC LIMIT %(most)s
"""  # noqa: S608  # put together from constants


@dataclass(frozen=True, slots=True)
class Judgements:
    """Votes between models, one position each: numbers of models, of prompts, of raters, and the verdict.

    `score` is 1 where `first` won, 0 where `second` did, 0.5 for a tie, NaN for “both bad”; `is_left` tells
    whether the winner stood on the left (0.5: nobody won).
    """

    names: Sequence[str]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    prompt: NDArray[np.int64]
    rater: NDArray[np.int64]
    score: NDArray[np.float64]
    is_left: NDArray[np.float64]

    def votes(self, kept: NDArray[np.bool_] | None = None) -> Votes:
        """Those that say something about strength, nobody's weighing more than the cap."""
        told = ~np.isnan(self.score) if kept is None else kept & ~np.isnan(self.score)
        rater = _dense(self.rater[told])
        return Votes(
            self.first[told],
            self.second[told],
            self.score[told],
            rater,
            _dense(self.prompt[told]),
            cap_weights(rater, RATER_CAP) if len(rater) else np.zeros(0),
        )


def _dense(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.unique(numbers, return_inverse=True)[1], dtype=np.int64)


def judgements(since: datetime) -> Judgements:
    """The newest votes of a period between two models; they come in parts, for there may be a million."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(JUDGED, {"since": since, "most": MOST_VOTES})
        return judgements_of(chain.from_iterable(iter(lambda: cursor.fetchmany(PART), [])))


def judgements_of(rows: Iterable[tuple[Any, ...]]) -> Judgements:
    """From rows (model of the lower id, of the higher, prompt, rater, verdict for the lower, is the higher left).

    Numbers are packed as they come: a million rows as Python's objects would take half a gigabyte.
    """
    seen: dict[str, int] = {}
    first, second, prompt, rater, swapped = (array("q") for _ in range(5))
    verdict = array("d")
    for one, other, words, person, said, is_swapped in rows:
        first.append(seen.setdefault(one, len(seen)))
        second.append(seen.setdefault(other, len(seen)))
        prompt.append(words)
        rater.append(person)
        verdict.append(math.nan if said is None else said)
        swapped.append(is_swapped)
    names = sorted(seen)
    place = np.argsort([seen[name] for name in names]) if names else np.zeros(0, dtype=np.int64)
    score = np.array(verdict)
    won_low = np.where(np.isnan(score), 0.5, score)
    return Judgements(
        names,
        np.asarray(place[np.array(first)], dtype=np.int64),
        np.asarray(place[np.array(second)], dtype=np.int64),
        _dense(np.array(prompt)),
        _dense(np.array(rater)),
        score,
        np.where(np.array(swapped, dtype=bool), 1 - won_low, won_low),
    )


def leaderboard(told: Judgements) -> dict[str, Any]:
    """Bradley–Terry strengths as win odds against the average model, the best first, with what they hang on.

    Models that were not compared, even in a roundabout way, with most others are left out, as are those with
    fewer than `LEAST_VOTES` votes: `left_out` names them.
    """
    inside = _comparable(told)
    names = [name for number, name in enumerate(told.names) if number in inside]
    if len(inside) < 2:
        return {"rows": [], "left_out": list(told.names), "robustness": None}
    place = np.full(len(told.names), -1)
    place[sorted(inside)] = np.arange(len(inside))
    kept = (place[told.first] >= 0) & (place[told.second] >= 0)
    votes = told.votes(kept)
    votes = Votes(place[votes.first], place[votes.second], votes.score, votes.rater, votes.prompt, votes.weight)
    fitted = strengths(votes, len(names))
    two_way, naive = fitted.each(), fitted.each(is_naive=True)
    rows = [_board_row(names, number, votes, two_way, naive) for number in np.argsort(-fitted.theta)]
    robust = drop_few(votes, len(names))
    return {
        "rows": rows,
        "left_out": [name for number, name in enumerate(told.names) if number not in inside],
        "robustness": {
            "leader": names[robust.leader],
            "heir": None if robust.heir is None else names[robust.heir],
            "dropped": robust.dropped,
            "votes": robust.votes,
        },
    }


def _comparable(told: Judgements) -> set[int]:
    """The largest set of models that votes connect, each with enough of them; the most judged where there are many."""
    from scipy.sparse.csgraph import connected_components

    if not told.names:
        return set()
    votes = told.votes()
    table = games(win_table(votes.as_runs(), len(told.names)))[0] if len(votes) else np.zeros((len(told.names),) * 2)
    counts = np.bincount(np.concatenate([votes.first, votes.second]), minlength=len(told.names))
    enough = set(np.flatnonzero(counts >= LEAST_VOTES)) & set(np.argsort(-counts)[:MOST_MODELS])
    chosen = np.array([number in enough for number in range(len(told.names))])
    _count, label = connected_components(table * np.outer(chosen, chosen) > 0, directed=False)
    sizes = np.bincount(label[chosen], minlength=1) if chosen.any() else np.zeros(1)
    return {int(number) for number in np.flatnonzero(chosen & (label == int(np.argmax(sizes))))}


def _board_row(names: Sequence[str], number: int, votes: Votes, two_way: Any, naive: Any) -> dict[str, Any]:
    mine = (votes.first == number) | (votes.second == number)
    figures = [_odds_of(part[number]) for part in (*two_way, *naive[1:])]
    return {
        "model": names[number],
        **dict(zip(("odds", "low", "high", "naive_low", "naive_high"), figures, strict=True)),
        "votes": int(mine.sum()),
        "raters": len(np.unique(votes.rater[mine])),
        "prompts": len(np.unique(votes.prompt[mine])),
    }


def _odds_of(strength: float) -> float | None:
    return float(np.exp(strength)) if np.isfinite(strength) else None


def duels(told: Judgements) -> list[dict[str, Any]]:
    """Each pair of models that met: win, tie, loss, both bad, and the odds with intervals; the most judged first."""
    low, high = np.minimum(told.first, told.second), np.maximum(told.first, told.second)
    pairs, counts = np.unique(np.stack([low, high], 1), axis=0, return_counts=True)
    return [_duel(told, int(a), int(b)) for a, b in pairs[np.argsort(-counts)][:MOST_DUELS]]


def _duel(told: Judgements, a: int, b: int) -> dict[str, Any]:
    kept = ((told.first == a) & (told.second == b)) | ((told.first == b) & (told.second == a))
    score = np.where(told.first[kept] == a, told.score[kept], 1 - told.score[kept])
    found = {
        "first": told.names[a],
        "second": told.names[b],
        "wins": int((score == 1).sum()),
        "ties": int((score == 0.5).sum()),
        "losses": int((score == 0).sum()),
        "both_bad": int(np.isnan(score).sum()),
    }
    votes = told.votes(kept)
    if not len(votes):
        return {**found, "votes": 0, "raters": 0, "prompts": 0, "share": None, "odds": None, "low": None, "high": None}
    return {**found, **preference(votes, a, b)}


def preference(votes: Votes, a: int, b: int) -> dict[str, Any]:
    """How much `a` is preferred to `b` in votes between these two: the share of wins and the odds, with intervals."""
    is_first = votes.first == a
    score = np.where(is_first, votes.score, 1 - votes.score)
    between = Votes(np.zeros_like(votes.first), np.ones_like(votes.first), score, *_rest(votes))
    fitted = strengths(between, 2)
    _point, low, high = (_odds_of(float(part)) for part in fitted.gap(0, 1))
    _point, naive_low, naive_high = (_odds_of(float(part)) for part in fitted.gap(0, 1, is_naive=True))
    share = float((between.weight * score).sum() / between.weight.sum())
    return {
        "votes": len(votes),
        "raters": len(np.unique(votes.rater)),
        "prompts": len(np.unique(votes.prompt)),
        "share": share,
        "odds": odds(share) if share < 1 else None,
        "low": low,
        "high": high,
        "naive_low": naive_low,
        "naive_high": naive_high,
    }


def _rest(votes: Votes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    return votes.rater, votes.prompt, votes.weight


def turned(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same duel from the other side."""

    def over(name: str) -> float | None:
        return 1 / row[name] if row.get(name) else None

    share = None if row["share"] is None else 1 - row["share"]
    ends = {"low": over("high"), "high": over("low"), "naive_low": over("naive_high"), "naive_high": over("naive_low")}
    sides = {"first": row["second"], "second": row["first"], "wins": row["losses"], "losses": row["wins"]}
    odds = share / (1 - share) if share is not None and share < 1 else None
    return {**row, **sides, **ends, "share": share, "odds": odds}


def duel_of(rows: Iterable[Mapping[str, Any]], first: str, second: str) -> dict[str, Any] | None:
    """The duel of two models as seen from `first`, whichever way round it is kept; None: they did not meet."""
    for row in rows:
        if (row["first"], row["second"]) == (first, second):
            return dict(row)
        if (row["first"], row["second"]) == (second, first):
            return turned(row)
    return None


def position(told: Judgements) -> dict[str, Any] | None:
    """How often the picture on the left won, of the votes that named a side."""
    named = (told.is_left == 0) | (told.is_left == 1)
    decided = np.bincount(told.rater[named])
    effect = left_share(np.bincount(told.rater[named], told.is_left[named]).astype(np.int64), decided)
    if effect is None:
        return None
    return {"share": effect.mean, "low": effect.low, "high": effect.high, "votes": effect.answers}


def pair_agreement(since: datetime) -> dict[str, Any] | None:
    """Nominal alpha over pairs that two or more people judged: which picture, tie, or both bad."""
    found = agreement([chosen for _low, _high, *chosen in judged_twice(since)], level="nominal")
    return None if found is None else {"alpha": found.alpha, "low": found.low, "high": found.high, "units": found.units}


def judged_twice(since: datetime) -> QuerySet[Comparison, Any]:
    """The newest pairs that two or more people judged, and how often each verdict was given."""
    verdict = Case(
        When(preferred=F("image_low"), then=Value("low")),
        When(preferred=F("image_high"), then=Value("high")),
        default=F("outcome"),
        output_field=CharField(),
    )
    judged = Comparison.objects.votes().unflagged().filter(created_at__gte=since)
    tallies = {f"n_{said}": Count("pk", filter=Q(verdict=said)) for said in ("low", "high", "tie", "both_bad")}
    units = judged.annotate(verdict=verdict).values_list("image_low", "image_high").alias(n=Count("pk"))
    return units.filter(n__gte=2).annotate(**tallies).order_by("-image_low", "-image_high")[:MOST_UNITS]
