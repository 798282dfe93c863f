"""Model against model: who wins, with which interval, and how few votes would change the leader."""

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

from ratings.asking.models import Comparison
from ratings.research.reports.flags import UNFLAGGED
from ratings.research.statistics import Votes, agreement, cap_weights, drop_few, left_share, odds, strengths
from ratings.research.statistics.likelihood import games, win_table

MOST_VOTES = 1_000_000  # the newest of a period
PART = 20_000  # votes read at once
MOST_UNITS = 2_000  # pairs rated twice that agreement is computed on, the newest
MOST_COMPARISONS = 100
MOST_MODELS = 40
LEAST_VOTES = 5  # of a model, to stand in the leaderboard
RATER_CAP = 50.0  # what one person's votes weigh together, at most

# Scores: 1 if the lower id won, 0 if the higher won, 0.5 for a tie, null for “both bad”. Left out: pairs of two
# prompts (challenges), of one model, of spoiled pictures, repeats, benchmarks and campaigns (they have pages of their
# own), and raters who made one of the pictures.
VOTE_COLUMNS = """cl.slug AS low_model, ch.slug AS high_model, hashtextextended(gl.prompt, 0) AS prompt, a.rater_id,
       CASE WHEN c.preferred_id = c.image_low_id THEN 1.0 WHEN c.preferred_id = c.image_high_id THEN 0.0
            WHEN c.outcome = 'tie' THEN 0.5 END AS score,
       a.is_side_swapped"""
VOTE_ROWS = f"""FROM ratings_comparison c
JOIN ratings_ask a ON a.id = c.ask_id
JOIN generation_image il ON il.id = c.image_low_id JOIN generation_generation gl ON gl.id = il.generation_id
JOIN generation_checkpoint cl ON cl.id = gl.checkpoint_id
JOIN generation_image ih ON ih.id = c.image_high_id JOIN generation_generation gh ON gh.id = ih.generation_id
JOIN generation_checkpoint ch ON ch.id = gh.checkpoint_id
WHERE c.created_at >= %(since)s AND c.repeat_no = 0 AND NOT a.is_gold AND NOT a.rater_is_author
      AND a.strategy <> 'benchmark' AND a.surface <> 'campaign' AND gl.prompt = gh.prompt AND cl.id <> ch.id
      AND {UNFLAGGED}
ORDER BY c.id DESC LIMIT %(most)s"""  # put together from constants
VOTES_SQL = f"SELECT {VOTE_COLUMNS}\n{VOTE_ROWS}"


@dataclass(frozen=True, slots=True)
class ModelVotes:
    """Votes between models, arrays of shape (votes,): indexes of models, prompts and raters, and the score.

    `score` is 1 where `first` won, 0 where `second` won, 0.5 for a tie, NaN for “both bad”. `is_left` is 1 where the
    winner was shown on the left, 0 on the right, 0.5 where nobody won.
    """

    names: Sequence[str]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    prompt: NDArray[np.int64]
    rater: NDArray[np.int64]
    score: NDArray[np.float64]
    is_left: NDArray[np.float64]

    def votes(self, kept: NDArray[np.bool_] | None = None) -> Votes:
        """Those with a winner or a tie; each rater's weights add up to at most the cap."""
        scored = ~np.isnan(self.score) if kept is None else kept & ~np.isnan(self.score)
        rater = _dense(self.rater[scored])
        return Votes(
            self.first[scored],
            self.second[scored],
            self.score[scored],
            rater,
            _dense(self.prompt[scored]),
            cap_weights(rater, RATER_CAP) if len(rater) else np.zeros(0),
        )


def _dense(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.unique(numbers, return_inverse=True)[1], dtype=np.int64)


def read_votes(since: datetime) -> ModelVotes:
    """The newest votes of a period between two models, read in parts, as there may be a million."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(VOTES_SQL, {"since": since, "most": MOST_VOTES})
        return votes_from_rows(chain.from_iterable(iter(lambda: cursor.fetchmany(PART), [])))


def votes_from_rows(rows: Iterable[tuple[Any, ...]]) -> ModelVotes:
    """Votes from rows of (model of the lower id, of the higher, prompt, rater, score of the lower, is the higher left).

    Numbers are packed as they arrive: a million rows of Python objects would take half a gigabyte.
    """
    seen: dict[str, int] = {}
    first, second, prompt, rater, swapped = (array("q") for _ in range(5))
    scores = array("d")
    for one, other, prompt_hash, person, lower_score, is_swapped in rows:
        first.append(seen.setdefault(one, len(seen)))
        second.append(seen.setdefault(other, len(seen)))
        prompt.append(prompt_hash)
        rater.append(person)
        scores.append(math.nan if lower_score is None else lower_score)
        swapped.append(is_swapped)
    names = sorted(seen)
    place = np.argsort([seen[name] for name in names]) if names else np.zeros(0, dtype=np.int64)
    score = np.array(scores)
    won_low = np.where(np.isnan(score), 0.5, score)
    return ModelVotes(
        names,
        np.asarray(place[np.array(first)], dtype=np.int64),
        np.asarray(place[np.array(second)], dtype=np.int64),
        _dense(np.array(prompt)),
        _dense(np.array(rater)),
        score,
        np.where(np.array(swapped, dtype=bool), 1 - won_low, won_low),
    )


def leaderboard(model_votes: ModelVotes, *, is_whole: bool = True) -> dict[str, Any]:
    """Bradley–Terry strengths as win odds against the average model, the best first, and their robustness.

    `is_whole` is False for a part of the votes, for which robustness is not computed.

    `left_out` names the models that votes do not connect with most others, even indirectly, and those with fewer than
    `LEAST_VOTES` votes.
    """
    names, votes, _kept = comparable_votes(model_votes)
    if len(names) < 2:
        return {"rows": [], "left_out": list(model_votes.names), "robustness": None}
    fitted = strengths(votes, len(names))
    two_way, naive = fitted.each(), fitted.each(is_naive=True)
    rows = [_board_row(names, number, votes, two_way, naive) for number in np.argsort(-fitted.theta)]
    left_out = [name for name in model_votes.names if name not in names]
    return {"rows": rows, "left_out": left_out, "robustness": _robustness(votes, names) if is_whole else None}


def _robustness(votes: Votes, names: Sequence[str]) -> dict[str, Any]:
    robust = drop_few(votes, len(names))
    return {
        "leader": names[robust.leader],
        "heir": None if robust.heir is None else names[robust.heir],
        "dropped": robust.dropped,
        "votes": robust.votes,
    }


def comparable_votes(model_votes: ModelVotes) -> tuple[list[str], Votes, NDArray[np.bool_]]:
    """The models that can stand in one leaderboard, their votes, and which of all votes these are, (votes,)."""
    inside = _comparable(model_votes)
    names = [name for number, name in enumerate(model_votes.names) if number in inside]
    place = np.full(len(model_votes.names), -1)
    place[sorted(inside)] = np.arange(len(inside))
    kept = (place[model_votes.first] >= 0) & (place[model_votes.second] >= 0) & ~np.isnan(model_votes.score)
    votes = model_votes.votes(kept)
    votes = Votes(place[votes.first], place[votes.second], votes.score, votes.rater, votes.prompt, votes.weight)
    return names, votes, np.asarray(kept)


def _comparable(model_votes: ModelVotes) -> set[int]:
    """The largest set of models that votes connect, each with enough votes; of `MOST_MODELS`, the most compared."""
    from scipy.sparse.csgraph import connected_components

    if not model_votes.names:
        return set()
    votes = model_votes.votes()
    models = len(model_votes.names)
    table = games(win_table(votes.as_runs(), models))[0] if len(votes) else np.zeros((models, models))
    counts = np.bincount(np.concatenate([votes.first, votes.second]), minlength=models)
    enough = set(np.flatnonzero(counts >= LEAST_VOTES)) & set(np.argsort(-counts)[:MOST_MODELS])
    chosen = np.array([number in enough for number in range(models)])
    _count, label = connected_components(table * np.outer(chosen, chosen) > 0, directed=False)
    sizes = np.bincount(label[chosen], minlength=1) if chosen.any() else np.zeros(1)
    return {int(number) for number in np.flatnonzero(chosen & (label == int(np.argmax(sizes))))}


def _board_row(names: Sequence[str], number: int, votes: Votes, two_way: Any, naive: Any) -> dict[str, Any]:
    mine = (votes.first == number) | (votes.second == number)
    figures = [odds_of(part[number]) for part in (*two_way, *naive[1:])]
    return {
        "model": names[number],
        **dict(zip(("odds", "low", "high", "naive_low", "naive_high"), figures, strict=True)),
        "votes": int(mine.sum()),
        "raters": len(np.unique(votes.rater[mine])),
        "prompts": len(np.unique(votes.prompt[mine])),
    }


def odds_of(strength: float) -> float | None:
    return float(np.exp(strength)) if np.isfinite(strength) else None


def comparisons(model_votes: ModelVotes) -> list[dict[str, Any]]:
    """Each pair of models: wins, ties, losses, both bad, and the odds with intervals; the most compared first."""
    low, high = np.minimum(model_votes.first, model_votes.second), np.maximum(model_votes.first, model_votes.second)
    pairs, counts = np.unique(np.stack([low, high], 1), axis=0, return_counts=True)
    return [_comparison(model_votes, int(a), int(b)) for a, b in pairs[np.argsort(-counts)][:MOST_COMPARISONS]]


def _comparison(model_votes: ModelVotes, a: int, b: int) -> dict[str, Any]:
    first, second = model_votes.first, model_votes.second
    kept = ((first == a) & (second == b)) | ((first == b) & (second == a))
    score = np.where(first[kept] == a, model_votes.score[kept], 1 - model_votes.score[kept])
    found = {
        "first": model_votes.names[a],
        "second": model_votes.names[b],
        "wins": int((score == 1).sum()),
        "ties": int((score == 0.5).sum()),
        "losses": int((score == 0).sum()),
        "both_bad": int(np.isnan(score).sum()),
    }
    votes = model_votes.votes(kept)
    if not len(votes):
        return {**found, "votes": 0, "raters": 0, "prompts": 0, "share": None, "odds": None, "low": None, "high": None}
    return {**found, **preference(votes, a, b)}


def preference(votes: Votes, a: int, b: int) -> dict[str, Any]:
    """How much `a` is preferred to `b` in votes between the two: the share of wins and the odds, with intervals."""
    is_first = votes.first == a
    score = np.where(is_first, votes.score, 1 - votes.score)
    between = Votes(np.zeros_like(votes.first), np.ones_like(votes.first), score, *_rest(votes))
    fitted = strengths(between, 2)
    _point, low, high = (odds_of(float(part)) for part in fitted.gap(0, 1))
    _point, naive_low, naive_high = (odds_of(float(part)) for part in fitted.gap(0, 1, is_naive=True))
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


def reversed_comparison(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same comparison seen from the other model."""

    def over(name: str) -> float | None:
        return 1 / row[name] if row.get(name) else None

    share = None if row["share"] is None else 1 - row["share"]
    ends = {"low": over("high"), "high": over("low"), "naive_low": over("naive_high"), "naive_high": over("naive_low")}
    sides = {"first": row["second"], "second": row["first"], "wins": row["losses"], "losses": row["wins"]}
    odds = share / (1 - share) if share is not None and share < 1 else None
    return {**row, **sides, **ends, "share": share, "odds": odds}


def comparison_of(rows: Iterable[Mapping[str, Any]], first: str, second: str) -> dict[str, Any] | None:
    """The comparison of two models seen from `first`, whichever way round it is stored; None: never compared."""
    for row in rows:
        if (row["first"], row["second"]) == (first, second):
            return dict(row)
        if (row["first"], row["second"]) == (second, first):
            return reversed_comparison(row)
    return None


def position(model_votes: ModelVotes) -> dict[str, Any] | None:
    """How often the picture on the left won, of the votes that named a side."""
    named = (model_votes.is_left == 0) | (model_votes.is_left == 1)
    decided = np.bincount(model_votes.rater[named])
    effect = left_share(np.bincount(model_votes.rater[named], model_votes.is_left[named]).astype(np.int64), decided)
    if effect is None:
        return None
    return {"share": effect.mean, "low": effect.low, "high": effect.high, "votes": effect.answers}


def pair_agreement(since: datetime) -> dict[str, Any] | None:
    """Nominal alpha over pairs that two or more people compared: which picture, tie, or both bad."""
    found = agreement([chosen for _low, _high, *chosen in pairs_rated_twice(since)], level="nominal")
    return None if found is None else {"alpha": found.alpha, "low": found.low, "high": found.high, "units": found.units}


def pairs_rated_twice(since: datetime) -> QuerySet[Comparison, Any]:
    """The newest pairs that two or more people compared, and how often each outcome was chosen."""
    verdict = Case(
        When(preferred=F("image_low"), then=Value("low")),
        When(preferred=F("image_high"), then=Value("high")),
        default=F("outcome"),
        output_field=CharField(),
    )
    votes = Comparison.objects.votes().unflagged().filter(created_at__gte=since)
    counts = {f"n_{name}": Count("pk", filter=Q(verdict=name)) for name in ("low", "high", "tie", "both_bad")}
    units = votes.annotate(verdict=verdict).values_list("image_low", "image_high").alias(n=Count("pk"))
    return units.filter(n__gte=2).annotate(**counts).order_by("-image_low", "-image_high")[:MOST_UNITS]
