"""The chart of a style's page: how it is liked compared with the site, week by week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from feed.styles import clustering
from feed.styles.models import StyleWeek

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 180, 36, 24


@dataclass(frozen=True)
class LikeChart:
    """Weekly relative like rates as an SVG of WIDTH x HEIGHT.

    `dots` are (x, y, week, value); `middle` is the y of the site's own rate.
    """

    dots: list[tuple[float, float, date, float]]
    middle: float
    path: str
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def change(self) -> int | None:
        """Per cent between the best week and the last; None with fewer than three weeks."""
        values = [value for *_point, value in self.dots]
        return round(100 * (values[-1] / max(values) - 1)) if len(values) >= 3 else None

    @property
    def decline(self) -> int:
        """How many per cent the last week is below the best one."""
        return -(self.change or 0)


def like_chart(weeks: Sequence[StyleWeek]) -> LikeChart:
    """The chart of a style's weeks, the oldest first."""
    values = [clustering.relative_like_rate(row.posts, row.likes, row.site_posts, row.site_likes) for row in weeks]
    most = max([2.0, *values])
    step = (WIDTH - LEFT - 12) / max(1, len(weeks) - 1)

    def height(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 12) * value / most, 1)

    dots = [
        (round(LEFT + number * step, 1), height(value), row.week, round(value, 2))
        for number, (row, value) in enumerate(zip(weeks, values, strict=True))
    ]
    return LikeChart(dots, height(1), " ".join(f"{x},{y}" for x, y, _week, _value in dots))
