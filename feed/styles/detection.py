"""The weekly search for styles: reading a week's prompts, grouping them, and going on with last week's styles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import Sum
from pgvector import HalfVector

from feed.posts.models import Post
from feed.search import text_embeddings
from feed.search.models import DIMENSIONS
from feed.styles import clustering
from feed.styles.clustering import Group
from feed.styles.models import EmergentStyle, StyledPost, StyleWeek
from lib.content_levels import ContentLevel
from lib.days import day_bounds, local_day

MOST_POSTS = 5_000  # of a week, the newest: HDBSCAN compares all pairs
WEEKS_BEFORE = 4
KNOWN_WEEKS = 26  # a style that was not seen for half a year begins anew


@dataclass(frozen=True)
class _Said:
    post_id: int
    author_id: int
    likes: int
    words: str


def monday(at: datetime) -> date:
    """The Monday of the site's week that `at` falls in."""
    day = local_day(at)
    return day - timedelta(days=day.weekday())


def find_styles(week: date, *, at: datetime) -> int:
    """Groups what was published in the week that begins on `week`; the same again replaces it. Returns how many.

    Only what anybody may see: general pictures whose prompt is not hidden.
    """
    if not text_embeddings.is_available():
        return 0
    rows = _read(week, at)
    said = [row for row in rows if row.words]
    texts = list(dict.fromkeys(row.words for row in said))
    place = {text: number for number, text in enumerate(texts)}
    vectors = (
        text_embeddings.embed(texts)[[place[row.words] for row in said]]
        if said
        else np.empty((0, DIMENSIONS), np.float32)
    )
    groups = [group for group in clustering.groups(vectors) if _authors(group, said) >= clustering.LEAST_AUTHORS]
    with transaction.atomic():
        styles = _styles(groups, said, week)  # before the week is forgotten: it may go on with itself
        StyledPost.objects.filter(week=week).delete()
        StyleWeek.objects.filter(week=week).delete()
        for group, style in zip(groups, styles, strict=True):
            _write(style, group, said, week, len(rows), sum(row.likes for row in rows))
        EmergentStyle.objects.filter(weeks=None, names=None).delete()
    return len(groups)


def _read(week: date, at: datetime) -> list[_Said]:
    first, last = day_bounds(week)[0], day_bounds(week + timedelta(days=6))[1]
    posts = Post.objects.public(at).filter(
        published_at__gte=first, published_at__lt=last,
        image__content_level=ContentLevel.GENERAL, image__is_prompt_hidden=False,
    )  # fmt: skip
    columns = ("pk", "author_id", "count__likes", "image__generation__prompt", "image__generation__style__name")
    return [
        _Said(pk, author, likes or 0, ", ".join(filter(None, [clustering.style_words(prompt), style])))
        for pk, author, likes, prompt, style in posts.order_by("-pk").values_list(*columns)[:MOST_POSTS]
    ]


def _authors(group: Group, said: Sequence[_Said]) -> int:
    return len({said[row].author_id for row in group.rows})


def _styles(groups: Sequence[Group], said: Sequence[_Said], week: date) -> list[EmergentStyle]:
    """The style that each group goes on with, its centre moved there; a new one where there is none."""
    since = week - timedelta(weeks=KNOWN_WEEKS)
    known = list(EmergentStyle.objects.filter(weeks__week__gte=since).distinct().order_by("pk"))
    centres = np.array([style.centre for style in known], dtype=np.float32).reshape(len(known), DIMENSIONS)
    found = []
    for group, row in zip(groups, clustering.matched([group.centre for group in groups], centres), strict=True):
        words = clustering.typical_words([(said[member].words, said[member].author_id) for member in group.rows])
        style = EmergentStyle(first_week=week) if row is None else known[row]
        style.centre, style.words = HalfVector(group.centre), words[:120]
        style.save()
        found.append(style)
    return found


def _write(
    style: EmergentStyle, group: Group, said: Sequence[_Said], week: date, site_posts: int, site_likes: int
) -> None:
    members = [said[row] for row in group.rows]
    StyledPost.objects.filter(pk__in=[member.post_id for member in members]).delete()
    StyledPost.objects.bulk_create(
        StyledPost(post_id=member.post_id, style=style, week=week, apart=apart)
        for member, apart in zip(members, group.apart, strict=True)
    )
    weeks = StyleWeek.objects.filter(week__lt=week, week__gte=week - timedelta(weeks=WEEKS_BEFORE))
    before = weeks.filter(style=style).aggregate(posts=Sum("posts"))["posts"] or 0
    site_before = sum(weeks.order_by("week").distinct("week").values_list("site_posts", flat=True))
    StyleWeek.objects.create(
        style=style, week=week, posts=len(members), likes=sum(member.likes for member in members),
        site_posts=site_posts, site_likes=site_likes,
        rise=clustering.rise(len(members), site_posts, before, site_before or site_posts),
    )  # fmt: skip
