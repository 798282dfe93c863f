"""What the Research page shows, read from the ledger by a handful of aggregates over one period."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Case, CharField, Count, F, Q, Sum, Value, When

from ratings.models import Ask, AskOutcome, Comparison, DrawTally, Rating, Surface
from ratings.statistics import Estimate, agreement, odds, sensitivity_band, weighted_mean

MOST_UNITS = 2_000  # pictures or pairs judged twice that agreement is computed on, the newest
MOST_PAIRS = 100  # checkpoint pairs that the page lists

Cell = tuple[str, str]  # surface, stratum


@dataclass(frozen=True, slots=True)
class Response:
    """What became of the asks of one stratum."""

    surface: str
    stratum: str
    asks: int
    outcomes: Mapping[str, int]

    @property
    def rate(self) -> float:
        return self.outcomes.get(AskOutcome.ANSWERED, 0) / self.asks

    @property
    def surface_label(self) -> str:
        return str(Surface(self.surface).label)


@dataclass(frozen=True, slots=True)
class AspectMean:
    """The weighted mean of one question on one surface, 1…5."""

    surface: str
    question: str
    estimate: Estimate
    naive: float
    band: tuple[float, float]
    alpha: float | None

    @property
    def surface_label(self) -> str:
        return str(Surface(self.surface).label)


@dataclass(slots=True)
class Duel:
    """One checkpoint against another; `wins` are the first one's."""

    first: str
    second: str
    wins: int = 0
    losses: int = 0
    ties: int = 0
    both_bad: int = 0
    by_rater: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def answers(self) -> int:
        return self.wins + self.losses + self.ties + self.both_bad

    @property
    def share(self) -> Estimate | None:
        """How often the first one wins, a tie counting half, “both bad” left out."""
        cells = {rater: scores for rater, scores in self.by_rater.items() if scores}
        estimate = weighted_mean(
            [sum(scores) for scores in cells.values()],
            [len(scores) for scores in cells.values()],
            list(cells),
            answers=sum(map(len, cells.values())),
        )
        if estimate is None or estimate.low is None or estimate.high is None:
            return estimate
        return replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))

    @property
    def odds(self) -> float | None:
        share = self.share
        return None if share is None else odds(share.mean)


def responses(since: datetime) -> list[Response]:
    """Asks and outcomes by surface and stratum."""
    rows = (
        Ask.objects.filter(created_at__gte=since).values_list("surface", "stratum", "outcome").annotate(n=Count("pk"))
    )
    outcomes: dict[Cell, dict[str, int]] = defaultdict(dict)
    for surface, stratum, outcome, n in rows:
        outcomes[surface, stratum][outcome] = n
    return [Response(*cell, asks=sum(found.values()), outcomes=found) for cell, found in sorted(outcomes.items())]


def unasked(since: datetime) -> list[tuple[str, str, int]]:
    """Draws that asked nothing, by surface and reason; those at a limit had no chance to be asked."""
    tallies = DrawTally.objects.filter(day__gte=since.date()).values_list("surface", "reason")
    return list(tallies.annotate(n=Sum("draws")).order_by("surface", "reason"))


def aspect_means(since: datetime, strata: list[Response]) -> list[AspectMean]:
    """Means by surface and question, weighted by 1 / (propensity x the stratum's response rate)."""
    rates = {(stratum.surface, stratum.stratum): stratum.rate for stratum in strata}
    rows = (
        Rating.objects.told()
        .filter(ask__created_at__gte=since)
        .values_list("ask__surface", "question__slug", "ask__stratum", "rater")
        .annotate(
            n=Count("pk"),
            weight=Sum(1 / F("ask__propensity")),
            weighted=Sum(F("value") / F("ask__propensity")),
            plain=Sum("value"),
        )
    )
    cells: dict[Cell, list[tuple[float, float, int, int, int, float]]] = defaultdict(list)
    for surface, question, stratum, rater, n, weight, weighted, plain in rows:
        if not (rate := rates.get((surface, stratum))):
            continue  # answered between the two queries: it counts from the next reading on
        cells[surface, question].append((weighted / rate, weight / rate, rater, n, plain, rate))
    alphas = aspect_agreement(since)
    return [_aspect_mean(cell, found, alphas) for cell, found in sorted(cells.items())]


def _aspect_mean(
    cell: Cell, found: list[tuple[float, float, int, int, int, float]], alphas: Mapping[Cell, float | None]
) -> AspectMean:
    sums, weights, raters, counts, plain, rates = zip(*found, strict=True)
    answers = sum(counts)
    estimate = weighted_mean(sums, weights, raters, answers=answers)
    assert estimate is not None, "a cell is made of answers"
    response = answers / sum(n / rate for n, rate in zip(counts, rates, strict=True))
    return AspectMean(
        surface=cell[0],
        question=cell[1],
        estimate=estimate,
        naive=sum(plain) / answers,
        band=sensitivity_band(
            *((estimate.mean,) * 2 if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)),
            response,
        ),
        alpha=alphas.get(cell),
    )


def aspect_agreement(since: datetime) -> dict[Cell, float | None]:
    """Ordinal alpha by surface and question, over pictures that two or more people rated."""
    told = Rating.objects.told().filter(ask__created_at__gte=since)
    tallies = {f"n{value}": Count("pk", filter=Q(value=value)) for value in range(1, 6)}
    units = told.values_list("ask__surface", "question__slug", "image").alias(n=Count("pk")).filter(n__gte=2)
    counts: dict[Cell, list[list[int]]] = defaultdict(list)
    for surface, question, _image, *chosen in units.annotate(**tallies).order_by("-image")[:MOST_UNITS]:
        counts[surface, question].append(chosen)
    found = {cell: agreement(table, level="ordinal") for cell, table in counts.items()}
    return {cell: None if result is None else result.alpha for cell, result in found.items()}


def pair_agreement(since: datetime) -> float | None:
    """Nominal alpha over pairs that two or more people judged: which picture, tie, or both bad."""
    judged = Comparison.objects.filter(created_at__gte=since, repeat_no=0).annotate(verdict=_verdict())
    tallies = {f"n_{v}": Count("pk", filter=Q(verdict=v)) for v in ("low", "high", "tie", "both_bad")}
    units = judged.values_list("image_low", "image_high").alias(n=Count("pk")).filter(n__gte=2).annotate(**tallies)
    rows = units.order_by("-image_low", "-image_high")[:MOST_UNITS]
    found = agreement([chosen for _low, _high, *chosen in rows], level="nominal")
    return None if found is None else found.alpha


def duels(since: datetime) -> list[Duel]:
    """Model against model: win, tie and loss of each pair of checkpoints, the most judged first."""
    slug = "generation__checkpoint__slug"
    rows = (
        Comparison.objects.filter(created_at__gte=since, repeat_no=0)
        .exclude(**{f"image_low__{slug}": F(f"image_high__{slug}")})
        .annotate(verdict=_verdict())
        .values_list(f"image_low__{slug}", f"image_high__{slug}", "verdict", "rater")
        .annotate(n=Count("pk"))
    )
    found: dict[Cell, Duel] = {}
    for low, high, verdict, rater, n in rows:
        first, second = sorted((low, high))
        duel = found.setdefault((first, second), Duel(first, second))
        _count(duel, verdict if verdict in {"tie", "both_bad"} else low if verdict == "low" else high, rater, n)
    return sorted(found.values(), key=lambda duel: -duel.answers)[:MOST_PAIRS]


def _count(duel: Duel, verdict: str, rater: int, n: int) -> None:
    """`verdict` is "tie", "both_bad", or the checkpoint that won."""
    if verdict == "both_bad":
        duel.both_bad += n
    elif verdict == "tie":
        duel.ties += n
        duel.by_rater[rater] += [0.5] * n
    elif verdict == duel.first:
        duel.wins += n
        duel.by_rater[rater] += [1.0] * n
    else:
        duel.losses += n
        duel.by_rater[rater] += [0.0] * n


def _verdict() -> Case:
    return Case(
        When(preferred=F("image_low"), then=Value("low")),
        When(preferred=F("image_high"), then=Value("high")),
        default=F("outcome"),
        output_field=CharField(),
    )
