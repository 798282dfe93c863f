"""Styles as pages and the API show them: rising ones of a week, examples that the viewer may see, and the curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import Viewer
from feed.posts.models import Post
from feed.styles import clustering
from feed.styles.models import EmergentStyle, StyledPost, StyleName, StyleWeek
from feed.styles.services import names_of

MOST_STYLES, EXAMPLES, CANDIDATES, MOST_WEEKS = 24, 6, 24, 26
WIDTH, HEIGHT, LEFT, BOTTOM = 720, 180, 36, 24


@dataclass(frozen=True)
class Shown:
    """A style of one week for one viewer, with examples that they may see."""

    style: EmergentStyle
    week: StyleWeek
    names: list[StyleName]
    examples: list[Post]

    @property
    def title(self) -> str:
        return self.names[0].name if self.names else self.style.words


@dataclass(frozen=True)
class Curve:
    """Weekly luck as an SVG of WIDTH x HEIGHT: `dots` are (x, y, week, value); `middle` is where the site is."""

    dots: list[tuple[float, float, date, float]]
    middle: float
    path: str
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def change(self) -> int | None:
        """Per cent between the best week and the last; None before there are three weeks."""
        values = [value for *_place, value in self.dots]
        return round(100 * (values[-1] / max(values) - 1)) if len(values) >= 3 else None

    @property
    def fall(self) -> int:
        """The same as people say it: so many per cent below the best week."""
        return -(self.change or 0)


def rising(viewer: Viewer, at: datetime, week: date | None = None) -> list[Shown]:
    """The styles of a week (the latest there is), the fastest first; none without an example for the viewer."""
    week = week or StyleWeek.objects.order_by("-week").values_list("week", flat=True).first()
    if week is None:
        return []
    weeks = list(
        StyleWeek.objects.filter(week=week).order_by("-rise", "-posts", "pk").select_related("style")[:MOST_STYLES]
    )
    names = names_of([row.style for row in weeks], at)
    examples = _examples([row.style_id for row in weeks], week, viewer, at)
    shown = [Shown(row.style, row, names.get(row.style_id, []), examples.get(row.style_id, [])) for row in weeks]
    return [one for one in shown if one.examples]


def _examples(styles: Sequence[int], week: date, viewer: Viewer, at: datetime) -> dict[int, list[Post]]:
    """The nearest of each style's posts that the viewer may see: two queries for all."""
    nearest: dict[int, list[int]] = {}
    rows = StyledPost.objects.filter(style__in=styles, week=week).order_by("apart").values_list("style_id", "pk")
    for style, post in rows:
        kept = nearest.setdefault(style, [])
        if len(kept) < CANDIDATES:
            kept.append(post)
    ids = [post for posts in nearest.values() for post in posts]
    listed = Post.objects.listed_for(viewer, at).with_card(viewer, at).filter(pk__in=ids).in_bulk()
    return {style: [listed[post] for post in posts if post in listed][:EXAMPLES] for style, posts in nearest.items()}


def curve(weeks: Sequence[StyleWeek]) -> Curve:
    """How a style is liked beside the site, week by week, the oldest first."""
    values = [clustering.luck(row.posts, row.likes, row.site_posts, row.site_likes) for row in weeks]
    most = max([2.0, *values])
    step = (WIDTH - LEFT - 12) / max(1, len(weeks) - 1)

    def height(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 12) * value / most, 1)

    dots = [
        (round(LEFT + number * step, 1), height(value), row.week, round(value, 2))
        for number, (row, value) in enumerate(zip(weeks, values, strict=True))
    ]
    return Curve(dots, height(1), " ".join(f"{x},{y}" for x, y, _week, _value in dots))


def weeks_of(style: EmergentStyle) -> list[StyleWeek]:
    return list(reversed(style.weeks.order_by("-week")[:MOST_WEEKS]))
