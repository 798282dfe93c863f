"""The results of a benchmark: strengths, model comparisons and categories with intervals, and the stopping rule."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import ConsentEvent, Purpose
from ratings.asking.models import Comparison, ComparisonQuerySet
from ratings.benchmarks.models import Benchmark, BenchmarkPicture
from ratings.quality.models import QualityFlag
from ratings.research.reports import model_comparisons
from ratings.research.reports.flags import UNFLAGGED
from ratings.research.reports.model_comparisons import ModelVotes
from ratings.research.statistics import Votes

VOTES_SQL = f"""
SELECT cl.slug, ch.slug, pl.prompt_id, a.rater_id,
       CASE WHEN c.preferred_id = c.image_low_id THEN 1.0 WHEN c.preferred_id = c.image_high_id THEN 0.0
            WHEN c.outcome = 'tie' THEN 0.5 END,
       a.is_side_swapped, p.category
FROM ratings_comparison c
JOIN ratings_ask a ON a.id = c.ask_id
JOIN ratings_benchmarkpicture pl ON pl.image_id = c.image_low_id
JOIN ratings_benchmarkentry el ON el.id = pl.entry_id
JOIN ratings_benchmarkpicture ph ON ph.image_id = c.image_high_id
JOIN ratings_benchmarkentry eh ON eh.id = ph.entry_id AND eh.benchmark_id = el.benchmark_id
JOIN ratings_benchmarkprompt p ON p.id = pl.prompt_id
JOIN generation_checkpoint cl ON cl.id = el.checkpoint_id
JOIN generation_checkpoint ch ON ch.id = eh.checkpoint_id
WHERE el.benchmark_id = %(benchmark)s AND a.strategy = 'benchmark' AND c.repeat_no = 0 AND NOT a.is_gold
      AND NOT a.rater_is_author AND {UNFLAGGED}
ORDER BY c.id
"""  # noqa: S608  # put together from constants


def refresh_results(*, benchmark: Benchmark, at: datetime | None = None) -> Benchmark:
    """Recomputes the results, and closes the benchmark for good if its stopping rule is met.

    Only votes of members who consent at that moment count. The rule depends on the number of votes and on the clock,
    never on what the votes say.
    """
    at = at or timezone.now()
    with transaction.atomic():
        row = Benchmark.objects.select_for_update().get(pk=benchmark.pk)
        if row.state != Benchmark.State.VOTING:
            return row
        row.results, row.results_at = _results(row, at), at
        entries = row.entries.count()
        if len(row.results["decided"]) == entries * (entries - 1) // 2 or row.closes_at <= at:
            row.state, row.closed_at = Benchmark.State.CLOSED, at
        row.save(update_fields=["results", "results_at", "state", "closed_at"])
    return row


def _results(benchmark: Benchmark, at: datetime) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(VOTES_SQL, {"benchmark": benchmark.pk})
        unflagged = cursor.fetchall()
    agreed = _agreed(benchmark, at)
    rows = [row for row in unflagged if row[3] in agreed]
    votes = model_comparisons.votes_from_rows([row[:6] for row in rows])
    found = model_comparisons.comparisons(votes)
    ids = dict(benchmark.entries.values_list("checkpoint__slug", "checkpoint_id"))
    return {
        "votes": len(rows),
        "raters": len({row[3] for row in rows}),
        "left_out": _flagged(benchmark, agreed),
        "withdrawn": len(unflagged) - len(rows),
        "board": model_comparisons.leaderboard(votes),
        "duels": found,
        "categories": _categories(votes, np.array([row[6] for row in rows], dtype=str)),
        "position": model_comparisons.position(votes),
        "decided": [
            f"{ids[row['first']]}:{ids[row['second']]}" for row in found if _answers_to(row) >= benchmark.votes_a_pair
        ],
        "progress": _progress(sorted(ids), found, benchmark.votes_a_pair),
    }


def _votes(benchmark: Benchmark) -> ComparisonQuerySet:
    return Comparison.objects.votes().filter(image_low__benchmark_picture__entry__benchmark=benchmark)


def _agreed(benchmark: Benchmark, at: datetime) -> set[int]:
    """Its raters (ids) whose latest consent lets a public benchmark count their answers."""
    raters = _votes(benchmark).values("rater")
    return set(ConsentEvent.objects.filter(user__in=raters).granted(Purpose.BENCHMARK, at))


def _flagged(benchmark: Benchmark, agreed: Collection[int]) -> int:
    """How many votes of these raters the results leave out because of a quality flag."""
    flagged = QualityFlag.objects.in_force().values("ask")
    return _votes(benchmark).filter(ask__in=flagged, rater__in=agreed).count()


def _answers_to(row: dict[str, Any]) -> int:
    """Every answer counts towards the registered number of votes, whatever it says."""
    return int(row["wins"] + row["ties"] + row["losses"] + row["both_bad"])


def _progress(names: Sequence[str], found: list[dict[str, Any]], wanted: int) -> dict[str, int]:
    have = {(row["first"], row["second"]): min(_answers_to(row), wanted) for row in found}
    pairs = list(combinations(names, 2))
    return {"have": sum(have.get(pair, 0) for pair in pairs), "wanted": wanted * len(pairs)}


def _categories(votes: ModelVotes, category: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """How often each model won against the others in each category, with intervals clustered both ways."""
    found = []
    for name in sorted(set(category)):
        kept = category == name
        rows_by_model = (_share(votes, kept, number) for number in range(len(votes.names)))
        rows = sorted((row for row in rows_by_model if row is not None), key=lambda row: -float(row["share"]))
        found.append({"category": str(name), "rows": rows})
    return found


def _share(model_votes: ModelVotes, kept: Any, model: int) -> dict[str, Any] | None:
    mine = kept & ((model_votes.first == model) | (model_votes.second == model))
    votes = model_votes.votes(mine)
    if not len(votes):
        return None
    is_first = votes.first == model
    score = np.where(is_first, votes.score, 1 - votes.score)
    side = np.zeros_like(votes.first)
    against_field = Votes(side, side + 1, score, votes.rater, votes.prompt, votes.weight)
    found = model_comparisons.preference(against_field, 0, 1)
    ends = {end: None if found[end] is None else found[end] / (1 + found[end]) for end in ("low", "high")}
    return {
        "model": model_votes.names[model],
        **{name: found[name] for name in ("share", "votes", "raters", "prompts")},
        **ends,
    }


def count_pictures(benchmark: Benchmark) -> list[dict[str, Any]]:
    """How many of the planned pictures each checkpoint has."""
    rows: dict[str, dict[str, Any]] = {}
    pictures = BenchmarkPicture.objects.filter(entry__benchmark=benchmark)
    for slug, name, image in pictures.values_list("entry__checkpoint__slug", "entry__checkpoint__name", "image"):
        row = rows.setdefault(slug, {"slug": slug, "name": name, "there": 0, "planned": 0})
        row["planned"] += 1
        row["there"] += image is not None
    return [rows[slug] for slug in sorted(rows)]
