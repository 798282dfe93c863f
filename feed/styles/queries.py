"""Emergent styles for pages and the API: the styles of a week with examples, their names, and their weeks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Q, Subquery

from accounts.models import Viewer
from feed.posts.models import Post
from feed.styles.models import EmergentStyle, StyledPost, StyleName, StyleWeek
from lib.text import words_of
from moderation.models import Restriction

MOST_STYLES, EXAMPLES, CANDIDATES, MOST_WEEKS = 24, 6, 24, 26
MOST_SAME_NAMES, MOST_TRENDING = 100, 12
_APART = "[^[:alnum:]]"


@dataclass(frozen=True)
class StyleSummary:
    """A style of one week for one viewer, with example posts that they may see."""

    style: EmergentStyle
    week: StyleWeek
    names: list[StyleName]
    examples: list[Post]

    @property
    def title(self) -> str:
        return self.names[0].name if self.names else self.style.words


def trending_styles(viewer: Viewer, at: datetime, week: date | None = None) -> list[StyleSummary]:
    """The styles of a week (the latest by default), the fastest growing first, if there is an example to show."""
    week = week or StyleWeek.objects.order_by("-week").values_list("week", flat=True).first()
    if week is None:
        return []
    weeks = _fastest_growing(StyleWeek.objects.filter(week=week))[:MOST_STYLES]
    names = names_of([row.style for row in weeks], at)
    examples = _examples([row.style_id for row in weeks], week, viewer, at)
    found = [StyleSummary(row.style, row, names.get(row.style_id, []), examples.get(row.style_id, [])) for row in weeks]
    return [summary for summary in found if summary.examples]


def _fastest_growing(weeks: Iterable[StyleWeek]) -> Sequence[StyleWeek]:
    return weeks.order_by("-growth_ratio", "-posts", "pk").select_related("style")  # type: ignore[attr-defined,no-any-return]


def _examples(styles: Sequence[int], week: date, viewer: Viewer, at: datetime) -> dict[int, list[Post]]:
    """The posts nearest to each style's centre that the viewer may see, by two queries for all styles."""
    nearest: dict[int, list[int]] = {}
    rows = StyledPost.objects.filter(style__in=styles, week=week).order_by("distance").values_list("style_id", "pk")
    for style, post in rows:
        kept = nearest.setdefault(style, [])
        if len(kept) < CANDIDATES:
            kept.append(post)
    ids = [post for posts in nearest.values() for post in posts]
    listed = Post.objects.listed_for(viewer, at).with_card(viewer, at).filter(pk__in=ids).in_bulk()
    return {style: [listed[post] for post in posts if post in listed][:EXAMPLES] for style, posts in nearest.items()}


def weeks_of(style: EmergentStyle) -> list[StyleWeek]:
    """The last weeks of a style, the oldest first."""
    return list(reversed(style.weeks.order_by("-week")[:MOST_WEEKS]))


def names_of(styles: Iterable[EmergentStyle], at: datetime) -> dict[int, list[StyleName]]:
    """Names by style id, the most liked first (`score`). Suggestions and likes of banned members do not count."""
    banned = Restriction.objects.banned(at).values("user_id")
    counted = Count("likes", filter=~Q(likes__member__in=banned))
    names = StyleName.objects.shown(at).filter(style__in=styles)
    found: dict[int, list[StyleName]] = {}
    for name in names.annotate(score=counted).order_by("-score", "created_at", "pk"):
        found.setdefault(name.style_id, []).append(name)
    return found


def find_names(values: Iterable[str], at: datetime) -> dict[str, list[StyleName]]:
    """Visible names with their styles, by the value that equals them in all but case and punctuation.

    Values that name no style are left out.
    """
    asked = {value: words_of(value) for value in values}
    wanted = Q(pk__in=[])
    for words in filter(None, asked.values()):  # those that may be it; their words decide below
        wanted |= Q(name__iregex=f"^{_APART}*{f'{_APART}*'.join(map(_pattern, words))}{_APART}*$")
    names = StyleName.objects.shown(at).filter(wanted).select_related("style").order_by("-pk")[:MOST_SAME_NAMES]
    found: dict[str, list[StyleName]] = {}
    for name in names:
        for value, words in asked.items():
            if words == words_of(name.name):
                found.setdefault(value, []).append(name)
    return found


def trending_names(at: datetime) -> list[str]:
    """What members call the fastest growing styles of the latest week."""
    week = StyleWeek.objects.order_by("-week").values("week")[:1]
    weeks = _fastest_growing(StyleWeek.objects.filter(week=Subquery(week)))[:MOST_TRENDING]
    styles = [row.style for row in weeks]
    names = names_of(styles, at)
    return [names[style.pk][0].name for style in styles if style.pk in names]


def _pattern(word: str) -> str:
    """A word for PostgreSQL, which folds no final sigma."""
    return "".join(f"[{character}]" if character in "+#*" else character for character in word).replace("σ", "[σς]")
