"""Where the marks of a chart stand; the template draws them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from ratings.reports import AspectMean

WIDTH, LEFT, RIGHT = 480, 170, 50
ROW, TOP = 34, 28
SCALE = range(1, 6)


@dataclass(frozen=True, slots=True)
class Mark:
    """One row: a point with its interval, in SVG units."""

    label: str
    text: str
    y: float
    x: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    axis: list[tuple[int, float]]  # value, x
    marks: list[Mark]


def x_of(value: float) -> float:
    """Where a value of the scale 1…5 stands."""
    return round(LEFT + (value - 1) / 4 * (WIDTH - LEFT - RIGHT), 1)


def aspect_chart(means: Sequence[AspectMean]) -> Chart:
    """A dot with a whisker for each mean."""
    marks = [
        Mark(
            label=f"{mean.question}, {mean.surface}",
            text=f"{mean.estimate.mean:.2f}",
            y=TOP + ROW * row + ROW / 2,
            x=x_of(mean.estimate.mean),
            low=None if mean.estimate.low is None else x_of(max(1.0, mean.estimate.low)),
            high=None if mean.estimate.high is None else x_of(min(5.0, mean.estimate.high)),
        )
        for row, mean in enumerate(means)
    ]
    return Chart(WIDTH, TOP + ROW * len(marks) + 8, [(value, x_of(value)) for value in SCALE], marks)
