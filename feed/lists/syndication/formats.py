"""Writes lists of posts as RSS, Atom and JSON Feed, and a post as oEmbed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.feedgenerator import Atom1Feed, Enclosure, Rss201rev2Feed, SyndicationFeed
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.models import Viewer
from feed.posts.cards import picture_of, profile_url, shared_jpeg
from feed.posts.models import Post
from lib.text.regex import compile_linear

FORMATS = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}
_NOT_IN_XML = compile_linear(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]")


NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class _DatedByItems(SyndicationFeed):
    """Where there is no item, Django says "now": then the feed would be new at every request."""

    def latest_post_date(self) -> datetime:
        return super().latest_post_date() if self.items else NEVER


class RssFeed(_DatedByItems, Rss201rev2Feed): ...


class AtomFeed(_DatedByItems, Atom1Feed): ...


@dataclass(frozen=True)
class Channel:
    """The head of a feed: its title, the page it mirrors, and its own address (both absolute)."""

    title: str
    page: str
    address: str


def write_feed(form: str, channel: Channel, posts: Sequence[Post], viewer: Viewer, at: datetime) -> str:
    """A feed as text. `form` is a key of FORMATS; `posts` come from `with_card` and are visible to `viewer`."""
    items = [_item(post, viewer, at) for post in posts]
    if form == "json":
        return _as_json(channel, items)
    kind = RssFeed if form == "rss" else AtomFeed
    feed = kind(
        title=_xml(channel.title),
        link=channel.page,
        description=_xml(channel.title),
        feed_url=channel.address,
        language=settings.LANGUAGE_CODE,
    )
    for item in items:
        feed.add_item(
            title=_xml(item["title"]),
            link=item["url"],
            description=_xml(item["content_html"]),
            author_name=item["author"],
            author_link=item["author_url"],
            pubdate=item["published_at"],
            updateddate=item["published_at"],
            unique_id=item["url"],
            enclosures=[Enclosure(item["image"], "0", "image/webp")],  # 0: unknown length, by the standard
        )
    return str(feed.writeString("utf-8"))


def _xml(text: str) -> str:
    """Removes characters that XML cannot contain."""
    return _NOT_IN_XML.sub("", text)


def _item(post: Post, viewer: Viewer, at: datetime) -> dict[str, Any]:
    shown = picture_of(post, viewer, at)
    prompt = post.image.generation.prompt if post.may_read_prompt(viewer) else ""
    image = settings.SITE_URL + shown.src
    return {
        "title": title_of(post, viewer),
        "url": settings.SITE_URL + post.get_absolute_url(),
        "content_html": format_html(
            '<p><img src="{}" width="{}" height="{}" alt="{}"></p><p>{}</p>',
            image, shown.width, shown.height, shown.alt, prompt,
        ),
        "image": image,
        "author": post.author.username,
        "author_url": settings.SITE_URL + profile_url(post.author.username),
        "published_at": post.published_at,
    }  # fmt: skip


def title_of(post: Post, viewer: Viewer) -> str:
    """The title, else the start of a prompt that `viewer` may read, else the author."""
    prompt = post.image.generation.prompt if post.may_read_prompt(viewer) else ""
    by = _("A picture by %(name)s") % {"name": post.author.username}
    return post.title or Truncator(" ".join(prompt.split())).chars(80) or by


def _as_json(channel: Channel, items: Sequence[dict[str, Any]]) -> str:
    """https://www.jsonfeed.org/version/1.1/"""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "home_page_url": channel.page,
        "feed_url": channel.address,
        "language": settings.LANGUAGE_CODE,
        "items": [
            {
                "id": item["url"],
                "url": item["url"],
                "title": item["title"],
                "content_html": item["content_html"],
                "image": item["image"],
                "date_published": item["published_at"].isoformat(),
                "authors": [{"name": item["author"], "url": item["author_url"]}],
            }
            for item in items
        ],
    }
    return json.dumps(feed, ensure_ascii=False)


def describe_embed(
    post: Post, viewer: Viewer, at: datetime, *, max_width: int | None, max_height: int | None
) -> dict[str, Any]:
    """An oEmbed photo (https://oembed.com) of the largest JPEG that fits, or a link where none is small enough."""
    about = {
        "version": "1.0",
        "title": title_of(post, viewer),
        "author_name": post.author.username,
        "author_url": settings.SITE_URL + profile_url(post.author.username),
        "provider_name": settings.SITE_NAME,
        "provider_url": settings.SITE_URL,
        "cache_age": 3600,
    }
    shown = shared_jpeg(post.image, at, max_width=max_width, max_height=max_height)
    return {"type": "link", **about} if shown is None else {"type": "photo", **shown, **about}
