"""Finds the styles of a week: embeds its prompts, clusters them, and continues the styles of earlier weeks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import Sum
from pgvector import HalfVector

from feed.posts.models import Post
from feed.search.embeddings import text
from feed.search.embeddings.vectors import TEXT_DIMENSIONS
from feed.styles import clustering
from feed.styles.clustering import Group, Vectors
from feed.styles.models import EmergentStyle, StyledPost, StyleWeek
from lib.content_levels import ContentLevel
from lib.days import day_bounds, local_day

MOST_POSTS = 5_000  # of a week, the newest: HDBSCAN compares all pairs
WEEKS_BEFORE = 4
KNOWN_WEEKS = 26  # a style not seen for half a year starts as a new one


@dataclass(frozen=True)
class _StyleText:
    post_id: int
    author_id: int
    likes: int
    words: str


def monday(at: datetime) -> date:
    """The Monday of the site's week that `at` falls in."""
    day = local_day(at)
    return day - timedelta(days=day.weekday())


def find_styles(week: date, *, at: datetime) -> int:
    """Finds the styles of the week that begins on `week`, replaces those found before, and returns how many.

    Reads only what everybody may see: general pictures whose prompt is not hidden.
    """
    if not text.is_available():
        return 0
    rows = _read_week(week, at)
    texts = [row for row in rows if row.words]
    found = clustering.find_groups(_embed(texts))
    groups = [group for group in found if _count_authors(group, texts) >= clustering.LEAST_AUTHORS]
    with transaction.atomic():
        styles = _continue_styles(groups, texts, week)  # before the week is deleted: a rerun continues its styles
        StyledPost.objects.filter(week=week).delete()
        StyleWeek.objects.filter(week=week).delete()
        for group, style in zip(groups, styles, strict=True):
            _write_week(style, group, texts, week, rows)
        EmergentStyle.objects.filter(weeks=None, names=None).delete()
    return len(groups)


def _read_week(week: date, at: datetime) -> list[_StyleText]:
    first, last = day_bounds(week)[0], day_bounds(week + timedelta(days=6))[1]
    posts = Post.objects.public(at).filter(
        published_at__gte=first, published_at__lt=last,
        image__content_level=ContentLevel.GENERAL, image__is_prompt_hidden=False,
    )  # fmt: skip
    columns = ("pk", "author_id", "count__likes", "image__generation__prompt", "image__generation__style__name")
    return [
        _StyleText(pk, author, likes or 0, ", ".join(filter(None, [clustering.style_words(prompt), style])))
        for pk, author, likes, prompt, style in posts.order_by("-pk").values_list(*columns)[:MOST_POSTS]
    ]


def _embed(texts: Sequence[_StyleText]) -> Vectors:
    """One row per text; equal words are embedded once."""
    distinct = list(dict.fromkeys(row.words for row in texts))
    if not distinct:
        return np.empty((0, TEXT_DIMENSIONS), np.float32)
    number = {words: row for row, words in enumerate(distinct)}
    return text.embed(distinct)[[number[row.words] for row in texts]]


def _count_authors(group: Group, texts: Sequence[_StyleText]) -> int:
    return len({texts[row].author_id for row in group.rows})


def _continue_styles(groups: Sequence[Group], texts: Sequence[_StyleText], week: date) -> list[EmergentStyle]:
    """The known style that each group continues, with its centre moved there, or a new style."""
    since = week - timedelta(weeks=KNOWN_WEEKS)
    known = list(EmergentStyle.objects.filter(weeks__week__gte=since).distinct().order_by("pk"))
    centres = np.array([style.centre for style in known], dtype=np.float32).reshape(len(known), TEXT_DIMENSIONS)
    found = []
    for group, row in zip(groups, clustering.match_centres([group.centre for group in groups], centres), strict=True):
        words = clustering.typical_words([(texts[member].words, texts[member].author_id) for member in group.rows])
        style = EmergentStyle(first_week=week) if row is None else known[row]
        style.centre, style.words = HalfVector(group.centre), words[:120]
        style.save()
        found.append(style)
    return found


def _write_week(
    style: EmergentStyle, group: Group, texts: Sequence[_StyleText], week: date, site: Sequence[_StyleText]
) -> None:
    members = [texts[row] for row in group.rows]
    StyledPost.objects.filter(pk__in=[member.post_id for member in members]).delete()
    StyledPost.objects.bulk_create(
        StyledPost(post_id=member.post_id, style=style, week=week, distance=distance)
        for member, distance in zip(members, group.distances, strict=True)
    )
    weeks = StyleWeek.objects.filter(week__lt=week, week__gte=week - timedelta(weeks=WEEKS_BEFORE))
    before = weeks.filter(style=style).aggregate(posts=Sum("posts"))["posts"] or 0
    site_before = sum(weeks.order_by("week").distinct("week").values_list("site_posts", flat=True))
    StyleWeek.objects.create(
        style=style, week=week, posts=len(members), likes=sum(member.likes for member in members),
        site_posts=len(site), site_likes=sum(row.likes for row in site),
        growth_ratio=clustering.growth_ratio(len(members), len(site), before, site_before or len(site)),
    )  # fmt: skip
