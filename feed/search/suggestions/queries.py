"""What a half-written search may become, and what is popular: words, tags, styles, models and members."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User, Viewer, level_for
from feed.lists.filters import filter_options
from feed.members.queries import visible_members
from feed.posts.models import Like, Post
from feed.ranking.models import FeedEntry
from feed.search.models import SearchWord
from feed.tags.models import PostTag
from feed.tags.services import suggest_tags
from lib.limits import check_rate

LONGEST, MOST_OF_A_KIND = 60, 4
SUGGESTIONS_A_MINUTE = 240
TRENDING_DAYS, TRENDING_SECONDS = 7, 300
LOOKED_AT = 2_000  # of the newest posts and likes
MOST_TAGS, MOST_CREATORS = 16, 8


class Suggestion(NamedTuple):
    kind: str
    text: str
    url: str


class Trending(NamedTuple):
    """Names of tags, and members, that were popular within the last days."""

    tags: list[str]
    creators: list[User]


def search_url(query: str, **more: str) -> str:
    return f"{reverse('feed:search')}?{urlencode({'q': query, **more})}"


def suggest(text: str, viewer: Viewer, *, address: str, at: datetime) -> list[Suggestion]:
    """Suggestions for what a viewer has typed so far; none for an empty text.

    Raises:
        Refused: 429 for a viewer who asks too often.
    """
    text = text.strip()[:LONGEST].lower()
    if not text:
        return []
    check_rate(key=f"feed:suggest:{viewer.pk or address}", limit=SUGGESTIONS_A_MINUTE, seconds=60)
    found = [Suggestion(_("Search"), words, search_url(words)) for words in _words(text, viewer)]
    tags = suggest_tags(beginning=text, posts=Post.objects.listed_for(viewer, at))[:MOST_OF_A_KIND]
    found += [Suggestion(_("Tag"), tag, f"{reverse('feed:list')}?{urlencode({'tag': tag})}") for tag in tags]
    options = filter_options()
    found += _named(_("Style"), "feed:look", text, options.styles)
    found += _named(_("Model"), "feed:model", text, options.checkpoints)
    return found + _members(text, viewer, at)


def _words(text: str, viewer: Viewer) -> list[str]:
    """What was typed with its last word completed."""
    before, space, last = text.rpartition(" ")
    if not last:
        return []
    words = SearchWord.objects.filter(word__startswith=last, level__lte=level_for(viewer)).order_by("word")
    return [f"{before}{space}{word}" for word in words.values_list("word", flat=True)[:MOST_OF_A_KIND]]


def _named(kind: str, view: str, text: str, names: Iterable[tuple[str, str]]) -> list[Suggestion]:
    found = [(slug, name) for slug, name in names if text in name.lower()][:MOST_OF_A_KIND]
    return [Suggestion(kind, name, reverse(view, args=[slug])) for slug, name in found]


def _members(text: str, viewer: Viewer, at: datetime) -> list[Suggestion]:
    """By the beginning of a name as it is commonly written, which an index finds."""
    name = text.removeprefix("@")
    begins = Q(username__startswith=name) | Q(username__startswith=name.capitalize())
    members = visible_members(viewer, at).filter(begins).order_by("username")[:MOST_OF_A_KIND] if name else []
    return [Suggestion(_("Member"), one.username, reverse("feed:profile", args=[one.username])) for one in members]


def trending(viewer: Viewer, at: datetime) -> Trending:
    """Popular tags and members of the last days, the most popular first; worked out once in five minutes a level."""
    level = level_for(viewer)
    key = f"feed:trending:{level}"
    kept = cache.get(key)
    if kept is None:
        kept = (_popular_tags(level, at), _popular_creators(level, at))
        cache.set(key, kept, TRENDING_SECONDS)
    tags, ids = kept
    members = visible_members(viewer, at).in_bulk(ids)
    return Trending(tags, [members[pk] for pk in ids if pk in members][:MOST_CREATORS])


def _popular_tags(level: int, at: datetime) -> list[str]:
    newest = FeedEntry.objects.filter(is_visible=True, content_level__lte=level)
    recent = newest.filter(published_at__gt=at - timedelta(days=TRENDING_DAYS)).order_by("-published_at", "-post")
    tags = PostTag.objects.filter(post__in=list(recent.values_list("post", flat=True)[:LOOKED_AT]))
    counted = Counter(tags.values_list("tag__name", flat=True))
    return [name for name, _n in counted.most_common(MOST_TAGS)]


def _popular_creators(level: int, at: datetime) -> list[int]:
    likes = Like.objects.filter(created_at__gt=at - timedelta(days=TRENDING_DAYS)).order_by("-pk")
    shown = {"post__entry__is_visible": True, "post__entry__content_level__lte": level}
    counted = Counter(likes.filter(**shown).values_list("post__author", flat=True)[:LOOKED_AT])
    return [pk for pk, _n in counted.most_common(2 * MOST_CREATORS)]
