"""Positions of chart marks; templates render them as accessible SVG. Pure.

Every chart comes in two widths, for a phone and for a desk: text in an SVG that shrinks cannot be read.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

PHONE, DESK = 330, 720
LABELS, VALUES = 220, 130  # px of a desk chart: names on the left, figures on the right
EDGE = 20  # px: half a label of the axis stands beyond its end
DESK_ROW, PHONE_ROW, TOP = 32, 48, 30
BAR = 12  # px
SMALL_WIDTH, SMALL_HEIGHT, SMALL_BOTTOM = 330, 150, 24


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a chart: a value with its 95 % interval (None: none), and the words that say the same."""

    label: str
    value: float
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to the axis; `ticks` are (value, label). `is_log` for odds; `middle` gets a line of its own."""

    least: float
    most: float
    ticks: Sequence[tuple[float, str]]
    is_log: bool = False
    middle: float | None = None

    def place(self, value: float) -> float:
        """0 at the least, 1 at the most; what lies outside stands at the edge."""
        of: Callable[[float], float] = math.log if self.is_log else float
        if self.is_log and value <= 0:
            return 0.0
        share = (of(value) - of(self.least)) / (of(self.most) - of(self.least))
        return min(1.0, max(0.0, share))


@dataclass(frozen=True, slots=True)
class Mark:
    """A row in SVG units: a dot at x with a whisker, or a bar from the axis' start; its words at `label_y`."""

    figure: Figure
    y: float
    label_y: float
    x: float
    low: float | None
    high: float | None
    start: float

    @property
    def bar(self) -> tuple[float, float]:
        """Top and length of its bar."""
        return self.y - BAR / 2, round(self.x - self.start, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """`is_bars`: the value is drawn as a bar from the start of the axis, the whisker over it."""

    title: str
    width: int
    height: int
    axis: Sequence[tuple[str, float]]
    middle: float | None
    marks: Sequence[Mark]
    is_bars: bool = False
    is_phone: bool = False

    @property
    def bar_marks(self) -> Sequence[Mark]:
        return self.marks if self.is_bars else ()


FIVE_STEPS = Scale(1, 5, [(step, str(step)) for step in range(1, 6)])
PERCENTAGES = Scale(0, 1, [(0, "0 %"), (0.25, "25 %"), (0.5, "50 %"), (0.75, "75 %"), (1, "100 %")], middle=0.5)


def odds_scale(figures: Sequence[Figure]) -> Scale:
    """A symmetric logarithmic axis around 1x, wide enough for every interval up to 16x."""
    ends = [end for figure in figures for end in (figure.value, figure.low, figure.high) if end and end > 0]
    reach = max([2.0, *(max(end, 1 / end) for end in ends)])
    most = next((power for power in (2.0, 4.0, 8.0) if reach <= power), 16.0)
    ticks = [2.0**power for power in range(-int(math.log2(most)), int(math.log2(most)) + 1)]
    shown = ticks if len(ticks) <= 7 else ticks[::2]
    return Scale(1 / most, most, [(tick, f"{tick:g}×") for tick in shown], is_log=True, middle=1.0)


def interval_charts(title: str, figures: Sequence[Figure], scale: Scale, *, is_bars: bool = False) -> list[Chart]:
    """A dot, or a bar, with a whisker for each figure: the chart of a phone and that of a desk."""
    return [_interval_chart(title, figures, scale, is_bars, is_phone) for is_phone in (True, False)]


def _interval_chart(title: str, figures: Sequence[Figure], scale: Scale, is_bars: bool, is_phone: bool) -> Chart:
    width, row = (PHONE, PHONE_ROW) if is_phone else (DESK, DESK_ROW)
    left, right = (EDGE, width - EDGE) if is_phone else (LABELS, width - VALUES)

    def x_of(value: float) -> float:
        return round(left + scale.place(value) * (right - left), 1)

    def mark(number: int, figure: Figure) -> Mark:
        top = TOP + number * row
        y = top + (34 if is_phone else row / 2)
        ends = [None if end is None else x_of(end) for end in (figure.low, figure.high)]
        return Mark(figure, y, top + (16 if is_phone else row / 2 + 4), x_of(figure.value), ends[0], ends[1], left)

    return Chart(
        title=title,
        width=width,
        height=TOP + row * len(figures) + 6,
        axis=[(label, x_of(value)) for value, label in scale.ticks],
        middle=None if scale.middle is None else x_of(scale.middle),
        marks=[mark(number, figure) for number, figure in enumerate(figures)],
        is_bars=is_bars,
        is_phone=is_phone,
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of a time series."""

    day: date
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """A small time series in SVG units; `path` is the line's points, `whiskers` are (x, low, high)."""

    title: str
    label: str
    width: int
    height: int
    left: int
    axis: Sequence[tuple[str, float]]
    dots: Sequence[tuple[float, float]]
    whiskers: Sequence[tuple[float, float, float]]
    path: str
    first: date
    last: date
    bottom: float

    @property
    def name(self) -> str:
        """Of its file among those of its page."""
        return f"by-week-{self.label}"


def time_series(label: str, title: str, moments: Sequence[Moment], scale: Scale = FIVE_STEPS) -> Series:
    """One figure over the weeks, in the order of their days; at least one moment, values on `scale`."""
    left, right, top, bottom = 24, SMALL_WIDTH - EDGE, EDGE, SMALL_HEIGHT - SMALL_BOTTOM
    left += 6 if scale.is_log else 0  # "0.25×" is wider than "5"
    first, last = moments[0].day, moments[-1].day
    days = max((last - first).days, 1)

    def x_of(day: date) -> float:
        share = (day - first).days / days if len(moments) > 1 else 0.5
        return round(left + 10 + share * (right - left - 20), 1)

    def y_of(value: float) -> float:
        return round(bottom - scale.place(value) * (bottom - top), 1)

    dots = [(x_of(moment.day), y_of(moment.value)) for moment in moments]
    return Series(
        title=title,
        label=label,
        width=SMALL_WIDTH,
        height=SMALL_HEIGHT,
        left=left,
        axis=[(label, y_of(value)) for value, label in scale.ticks],
        dots=dots,
        whiskers=[(x_of(one.day), y_of(one.low), y_of(one.high)) for one in moments if one.low and one.high],
        path=" ".join(f"{x},{y}" for x, y in dots),
        first=first,
        last=last,
        bottom=SMALL_HEIGHT - 6,
    )
