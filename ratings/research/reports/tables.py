"""Every figure of the Research pages as a table with its definition, for CSV files."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from ratings.research.models import DIMENSIONS, ReportSnapshot, band_of
from ratings.research.reports.aspects import ANSWERS_SQL, MEANS_SQL, MOST_FIGURES, RATED_TWICE_SQL, RATES_SQL
from ratings.research.reports.flags import flagged_answers
from ratings.research.reports.model_comparisons import RATER_CAP, VOTES_SQL, comparison_of, pairs_rated_twice
from ratings.research.reports.partial_boards import CATEGORY_SQL, MOST_CATEGORIES, WEEK_SQL
from ratings.research.reports.responses import OUTCOMES_SQL, draws_without_ask
from ratings.research.reports.style_control import CONTROLLED_SQL
from ratings.research.statistics import LEAST_CLUSTERS, WEIGHT_CAP
from ratings.research.statistics.agreement import LEAST_UNITS

KEPT_COLUMNS = (
    "surface", "question", "checkpoint", "style", "category", "week", "mean", "low", "high", "naive", "answers",
    "raters", "response", "pictures", "effective_raters", "effective_pictures",
)  # fmt: skip
ASPECT_COLUMNS = (*KEPT_COLUMNS, "band_low", "band_high")
COMPARISON_COLUMNS = (
    "first", "second", "wins", "ties", "losses", "both_bad", "share", "odds", "low", "high", "naive_low", "naive_high",
    "votes", "raters", "prompts",
)  # fmt: skip
BOARD_COLUMNS = ("model", "odds", "low", "high", "naive_low", "naive_high", "votes", "raters", "prompts")
COMPLAINT_COLUMNS = ("checkpoint", "question", "mean", "high", "average", "answers", "raters")
OUTCOMES = ("answered", "flagged", "skipped", "dismissed", "expired", "not_rendered", "open")

# What an address may narrow a table by.
ASPECTS = ("surface", "question", *DIMENSIONS)
NARROWED: Mapping[str, Sequence[str]] = {"aspects": ASPECTS, "duels": ("first", "second")}


@dataclass(frozen=True, slots=True)
class Table:
    """`definition` says what the figures are and how they were computed, one line each."""

    name: str
    definition: Sequence[str]
    columns: Sequence[str]
    rows: Iterable[Mapping[str, Any]]


def aspects(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    """Means along every dimension; `fixed` narrows them to one surface, question, model, style or category."""
    figures = snapshot.aspects.filter(**fixed).order_by("surface", "question", *DIMENSIONS, "week")
    return Table(
        "aspects",
        [
            "Mean answer on 1 to 5, weighted by 1 / (propensity x response rate of the stratum). low, high: a 95 %",
            "interval for other raters and other pictures (jackknives by rater and by picture, t, Satterthwaite's",
            f"degrees), empty for fewer than {LEAST_CLUSTERS} of either: too few to read. effective_raters,",
            "effective_pictures: so many of equal weight would be worth as much. Nobody weighs more than",
            f"{WEIGHT_CAP:g} average raters of a mean. An empty checkpoint, style or category means all; - means none.",
            "naive: the unweighted mean. Surfaces are never pooled. Flagged answers are left out.",
            "band_low, band_high: how far the interval would reach if the others would have answered half",
            "a step less, or more. It covers the truth only if they differ by no more than that.",
            f"Response rates: {_line(RATES_SQL)}",
            f"Answers: {_line(ANSWERS_SQL)}",
            f"Figures: {_line(MEANS_SQL)} (at most {MOST_FIGURES} a grouping)",
        ],
        ASPECT_COLUMNS,
        map(_with_band, figures.values(*KEPT_COLUMNS)[: 20 * MOST_FIGURES]),
    )


def _with_band(row: Mapping[str, Any]) -> dict[str, Any]:
    low, high = band_of(row["mean"], row["low"], row["high"], row["response"])
    return {**row, "band_low": low, "band_high": high}


def comparisons(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    """Every pair of models; with `first` and `second` in `fixed` one pair, seen from `first`."""
    rows = snapshot.body["duels"]
    if fixed:
        one = comparison_of(rows, fixed.get("first", ""), fixed.get("second", ""))
        rows = [] if one is None else [one]
    return Table(
        "duels",
        [
            "Model against model. share: wins of the first, a tie counting half, both bad left out. odds = share /",
            "(1 - share) with a 95 % interval clustered by rater and by prompt (jackknife, the larger way counts);",
            f"naive: votes taken for independent. Nobody's votes weigh more than {RATER_CAP:g} together.",
            f"Votes: {_line(VOTES_SQL)}",
        ],
        COMPARISON_COLUMNS,
        rows,
    )


def leaderboard(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    return Table(
        "leaderboard",
        [
            "Bradley-Terry strengths as odds against the average model, a tie being half a win for each; 95 %",
            "interval clustered by rater and by prompt; naive: votes taken for independent.",
            f"Votes: {_line(VOTES_SQL)}",
        ],
        BOARD_COLUMNS,
        snapshot.body["leaderboard"]["rows"],
    )


def leaderboard_by_category(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    about = [
        f"The leaderboard from the votes of each tag, of the {MOST_CATEGORIES} with the most. A vote counts once under",
        "each tag of its two pictures.",
    ]
    return _partial_boards("leaderboard-by-category", "category", about, CATEGORY_SQL, snapshot, fixed)


def leaderboard_by_week(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    about = "The leaderboard from the votes of each week (its Monday). The average is that of the week's own models."
    return _partial_boards("leaderboard-by-week", "week", [about], WEEK_SQL, snapshot, fixed)


def leaderboard_at_equal_looks(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    found = snapshot.body.get("controlled", {"rows": [], "effects": []})
    effects = [{**row, "model": f"(one standard deviation more {row['feature']})"} for row in found["effects"]]
    return Table(
        "leaderboard-at-equal-looks",
        [
            "The leaderboard with the differences of both pictures in sharpness, saturation and lightness as",
            "covariates: odds against the average model where both look alike, and of one standard deviation more.",
            "95 % interval clustered by rater and by prompt (jackknife, the larger way counts).",
            f"Votes: {_line(CONTROLLED_SQL)}",
        ],
        ("model", "odds", "low", "high"),
        [*found["rows"], *effects],
    )


def _partial_boards(
    name: str, column: str, about: Sequence[str], sql: str, snapshot: ReportSnapshot, fixed: Mapping[str, str]
) -> Table:
    boards = snapshot.body.get(f"boards_by_{column}", [])
    whole = leaderboard(snapshot, fixed)
    definition = [*about, *whole.definition[:2], f"Votes: {_line(sql)}"]
    rows = ({column: board[column], **row} for board in boards for row in board["rows"])
    return Table(name, definition, (column, *BOARD_COLUMNS), rows)


def responses(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    rows = [{**row, **{name: row["outcomes"].get(name, 0) for name in OUTCOMES}} for row in snapshot.body["responses"]]
    return Table(
        "responses",
        [
            "What became of asks, by surface and stratum. answered: without a quality flag; flagged: answered, but",
            "left out of the figures; open: not answered yet. rate: answered / asks, with Wilson's 95 % interval.",
            f"Asks: {_line(OUTCOMES_SQL)}",
        ],
        ("surface", "stratum", "asks", *OUTCOMES, "rate", "low", "high"),
        rows,
    )


def unasked(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    return Table(
        "unasked",
        [
            "Draws that asked nothing, by surface and reason. An empty reason: by chance. Members at a limit",
            "had no chance to be asked and leave the population.",
            f"Draws: {_sql(draws_without_ask(snapshot.since))}",
        ],
        ("surface", "reason", "draws"),
        snapshot.body["unasked"],
    )


def agreement(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    pairs = snapshot.body["pair_agreement"]
    rows = [
        *snapshot.body["agreement"],
        *([{"surface": "compare", "question": "preference", **pairs}] if pairs else []),
    ]
    return Table(
        "agreement",
        [
            "Krippendorff's alpha (ordinal for questions, nominal for pairs) over pictures or pairs rated twice or",
            f"more. low, high: a 95 % interval by a jackknife over them, empty for fewer than {LEAST_UNITS}.",
            f"Response rates: {_line(RATES_SQL)}",
            f"Answers: {_line(ANSWERS_SQL)}",
            f"Pictures: {_line(RATED_TWICE_SQL)}",
            f"Pairs: {_sql(pairs_rated_twice(snapshot.since))}",
        ],
        ("surface", "question", "alpha", "low", "high", "units"),
        rows,
    )


def complaints(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    return Table(
        "complaints",
        [
            "Questions on the post surface whose whole 95 % interval lies below the average of their model's, the",
            "worst first. average: the mean of the model's means of all questions but overall, each counting alike.",
            "Means are those of the table of aspects with a checkpoint and no style, category or week.",
            f"Response rates: {_line(RATES_SQL)}",
            f"Answers: {_line(ANSWERS_SQL)}",
        ],
        COMPLAINT_COLUMNS,
        snapshot.body["complaints"],
    )


def overview(snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> Table:
    """The single figures, a row each; `of` is what `value` is counted or shared from, `about` whom it names."""
    answers, votes = flagged_answers(snapshot.since)
    return Table(
        "overview",
        [
            "The single figures of the pages. asks: all; answered: of them, without a quality flag. left_wins: how",
            "often the picture on the left won, of the votes that named a side, 95 % interval clustered by rater.",
            "votes_to_flip: the fewest votes found whose removal puts another model first (empty: none of a tenth",
            "did). pair_agreement:",
            "as in the table of agreement. answers_left_out, votes_left_out: they have a quality flag.",
            "models_left_out: too few votes, or never compared with the others of the leaderboard.",
            f"Asks: {_line(OUTCOMES_SQL)}",
            f"Votes: {_line(VOTES_SQL)}",
            f"Answers left out: {_sql(answers)}",
            f"Votes left out: {_sql(votes)}",
        ],
        ("figure", "value", "low", "high", "of", "about"),
        _single_figures(snapshot.body),
    )


def _single_figures(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    asks = sum(row["asks"] for row in body["responses"])
    answered = sum(row["outcomes"].get("answered", 0) for row in body["responses"])
    pairs, position, board = body["pair_agreement"] or {}, body["position"] or {}, body["leaderboard"]
    robust, left_out = board["robustness"] or {}, body["left_out"]
    names = " ".join(name for name in (robust.get("leader"), robust.get("heir")) if name)
    return [
        {"figure": "asks", "value": asks},
        {"figure": "answered", "value": answered, "of": asks},
        {"figure": "pair_agreement", "value": pairs.get("alpha"), "of": pairs.get("units"), **_ends(pairs)},
        {"figure": "left_wins", "value": position.get("share"), "of": position.get("votes"), **_ends(position)},
        {"figure": "votes_to_flip", "value": robust.get("dropped"), "of": robust.get("votes"), "about": names},
        {"figure": "models_left_out", "value": len(board["left_out"]), "about": " ".join(board["left_out"])},
        {"figure": "answers_left_out", "value": left_out.get("answers", 0)},
        {"figure": "votes_left_out", "value": left_out.get("votes", 0)},
    ]


def _ends(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"low": row.get("low"), "high": row.get("high")}


TABLES: Mapping[str, Callable[[ReportSnapshot, Mapping[str, str]], Table]] = {
    "overview": overview,
    "aspects": aspects,
    "complaints": complaints,
    "duels": comparisons,
    "leaderboard": leaderboard,
    "leaderboard-by-category": leaderboard_by_category,
    "leaderboard-by-week": leaderboard_by_week,
    "leaderboard-at-equal-looks": leaderboard_at_equal_looks,
    "responses": responses,
    "unasked": unasked,
    "agreement": agreement,
}


def to_csv(table: Table, snapshot: ReportSnapshot, fixed: Mapping[str, str]) -> str:
    """The definition as lines that begin with #, then a header and the rows."""
    out = io.StringIO()
    chosen = ", ".join(f"{name} = {value}" for name, value in fixed.items()) or "everything"
    period = f"{snapshot.since:%Y-%m-%d %H:%M} to {snapshot.computed_at:%Y-%m-%d %H:%M} UTC"
    for line in (f"{table.name}: {period}; {chosen}", *table.definition):
        out.write(f"# {line}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow(["" if row.get(name) is None else row.get(name) for name in table.columns])
    return out.getvalue()


def _line(sql: str) -> str:
    return " ".join(sql.split())


def _sql(queryset: QuerySet[Any, Any]) -> str:
    """The statement that a query set stands for, its values written into it."""
    return _line(connection.ops.compose_sql(*queryset.query.sql_with_params()))  # type: ignore[attr-defined]  # PostgreSQL's
