"""Every figure of the Research pages as a table with its definition, for CSV files and for pages alike."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratings.models import Reading
from ratings.models.figures import DIMENSIONS
from ratings.reports.aspects import MEANS, MOST_FIGURES, RATES, TOLD
from ratings.reports.duels import JUDGED, RATER_CAP

ASPECT_COLUMNS = (
    "surface", "question", "checkpoint", "style", "category", "week", "mean", "low", "high", "naive", "answers",
    "raters", "response",
)  # fmt: skip
DUEL_COLUMNS = (
    "first", "second", "wins", "ties", "losses", "both_bad", "share", "odds", "low", "high", "naive_low", "naive_high",
    "votes", "raters", "prompts",
)  # fmt: skip
BOARD_COLUMNS = ("model", "odds", "low", "high", "naive_low", "naive_high", "votes", "raters", "prompts")
OUTCOMES = ("answered", "skipped", "dismissed", "expired", "not_rendered")


@dataclass(frozen=True, slots=True)
class Table:
    """`definition` says what the figures are and how they came about, a line each."""

    name: str
    definition: Sequence[str]
    columns: Sequence[str]
    rows: Iterable[Mapping[str, Any]]


def aspects(reading: Reading, fixed: Mapping[str, str]) -> Table:
    """Means along every dimension; `fixed` narrows them to one surface, question, model, style or category."""
    figures = reading.aspects.filter(**fixed).order_by("surface", "question", *DIMENSIONS, "week")
    return Table(
        "aspects",
        [
            "Mean answer on 1 to 5, weighted by 1 / (propensity x response rate of the stratum), 95 % interval",
            "clustered by rater (t, G - 1 degrees). An empty checkpoint, style or category means all; - means none.",
            "naive: the unweighted mean. Surfaces are never pooled. Flagged answers are left out.",
            f"Response rates: {_line(RATES)}",
            f"Answers: {_line(TOLD)}",
            f"Figures: {_line(MEANS)} (at most {MOST_FIGURES} a grouping)",
        ],
        ASPECT_COLUMNS,
        figures.values(*ASPECT_COLUMNS)[: 20 * MOST_FIGURES],
    )


def duels(reading: Reading, fixed: Mapping[str, str]) -> Table:
    return Table(
        "duels",
        [
            "Model against model. share: wins of the first, a tie counting half, both bad left out. odds = share /",
            "(1 - share) with a 95 % interval clustered by rater and by prompt (jackknife, the larger way counts);",
            f"naive: votes taken for independent. Nobody's votes weigh more than {RATER_CAP:g} together.",
            f"Votes: {_line(JUDGED)}",
        ],
        DUEL_COLUMNS,
        reading.body["duels"],
    )


def leaderboard(reading: Reading, fixed: Mapping[str, str]) -> Table:
    return Table(
        "leaderboard",
        [
            "Bradley-Terry strengths as odds against the average model, a tie being half a win for each; 95 %",
            "interval clustered by rater and by prompt; naive: votes taken for independent.",
            f"Votes: {_line(JUDGED)}",
        ],
        BOARD_COLUMNS,
        reading.body["leaderboard"]["rows"],
    )


def responses(reading: Reading, fixed: Mapping[str, str]) -> Table:
    rows = [{**row, **{name: row["outcomes"].get(name, 0) for name in OUTCOMES}} for row in reading.body["responses"]]
    return Table(
        "responses",
        [
            "What became of closed asks, by surface and stratum; rate: answered / asks, with Wilson's 95 % interval.",
        ],
        ("surface", "stratum", "asks", *OUTCOMES, "rate", "low", "high"),
        rows,
    )


def agreement(reading: Reading, fixed: Mapping[str, str]) -> Table:
    pairs = reading.body["pair_agreement"]
    rows = [*reading.body["agreement"], *([{"surface": "compare", "question": "preference", **pairs}] if pairs else [])]
    return Table(
        "agreement",
        [
            "Krippendorff's alpha (ordinal for questions, nominal for pairs) over pictures or pairs judged twice or",
            "more, with his bootstrap's 95 % interval.",
        ],
        ("surface", "question", "alpha", "low", "high", "units"),
        rows,
    )


TABLES: Mapping[str, Callable[[Reading, Mapping[str, str]], Table]] = {
    "aspects": aspects,
    "duels": duels,
    "leaderboard": leaderboard,
    "responses": responses,
    "agreement": agreement,
}


def to_csv(table: Table, reading: Reading, fixed: Mapping[str, str]) -> str:
    """The definition as lines that begin with #, then a header and the rows."""
    out = io.StringIO()
    chosen = ", ".join(f"{name} = {value}" for name, value in fixed.items()) or "everything"
    period = f"{reading.since:%Y-%m-%d %H:%M} to {reading.computed_at:%Y-%m-%d %H:%M} UTC"
    for line in (f"{table.name}: {period}; {chosen}", *table.definition):
        out.write(f"# {line}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow(["" if row.get(name) is None else row.get(name) for name in table.columns])
    return out.getvalue()


def _line(sql: str) -> str:
    return " ".join(sql.split())
