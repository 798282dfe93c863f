"""Feeds and oEmbed: well-formed, of every order and search, and of nothing that visitors may not see."""

import io
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import PIL.Image
import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from feed.lists.syndication.formats import FORMATS
from feed.models import Post
from feed.ranking.orders import ASPECT_NAMES, SORT_NAMES, WINDOWS
from tests.conftest import As
from tests.feed.conftest import Publish
from tests.feed.hiding import REASONS

NOW = timezone.now()
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def fox(alice: User, publish: Publish) -> Post:
    return publish(alice, prompt='a fox & <b>friends</b> "today"\x0c', title="Fox", at=NOW - timedelta(hours=1))


def links(form: str, text: str) -> list[str]:
    """The posts of a feed, by their addresses; raises for what is not well-formed."""
    if form == "json":
        return [item["url"] for item in json.loads(text)["items"]]
    root = ET.fromstring(text)  # noqa: S314 - our own
    if form == "atom":
        return [entry.find(f"{ATOM}link").get("href", "") for entry in root.iter(f"{ATOM}entry")]  # type: ignore[union-attr]
    return [item.findtext("link", "") for item in root.iter("item")]


def get(client: Client, form: str, **query: str) -> str:
    answer = client.get(f"/feeds/{form}/?{urlencode(query)}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == FORMATS[form]
    return answer.content.decode()


@pytest.mark.parametrize("form", FORMATS)
def test_a_feed_names_its_posts_and_escapes_what_they_say(form: str, fox: Post, client: Client) -> None:
    text = get(client, form, sort="new")
    assert links(form, text) == [f"{settings.SITE_URL}/p/{fox.public_id}/"]
    assert "<b>friends</b>" not in text
    assert "alice" in text
    assert fox.image.rendition_hash in text


def test_every_order_and_any_search_has_a_feed(fox: Post, client: Client) -> None:
    for sort in [sort for sort in SORT_NAMES if sort != "following"]:
        get(client, "rss", sort=sort)
    for window in WINDOWS:
        assert links("rss", get(client, "rss", sort="top", window=window)) in ([], links("rss", get(client, "rss")))
    for aspect in ASPECT_NAMES:
        get(client, "json", sort="best", aspect=aspect)
    assert len(links("atom", get(client, "atom", q="by:alice"))) == 1
    assert links("atom", get(client, "atom", q="by:nobody")) == []


def test_what_is_no_feed_says_so(client: Client, db: None) -> None:
    assert client.get("/feeds/rss/?sort=best-of").status_code == 400
    assert client.get("/feeds/rss/?sort=following").status_code == 403
    assert client.get("/feeds/rss/?q=seed:x").status_code == 400
    assert client.get("/feeds/xml/").status_code == 404


def test_no_feed_and_no_embed_tells_of_what_is_hidden(fox: Post, alice: User, as_user: As) -> None:
    """Not even to its author: a feed is the same for everybody."""
    page = f"{settings.SITE_URL}/p/{fox.public_id}/"
    for reason, (hide, _may_open) in REASONS.items():
        point = transaction.savepoint()
        hide(fox)
        for client in (as_user(None), as_user(alice)):
            for form in FORMATS:
                assert fox.public_id not in get(client, form, sort="new"), reason
                assert fox.public_id not in get(client, form, q="by:alice"), reason
            assert client.get(f"/oembed/?url={page}").status_code == 404, reason
        transaction.savepoint_rollback(point)


def test_a_hidden_prompt_is_in_no_feed(alice: User, publish: Publish, as_user: As) -> None:
    publish(alice, prompt="an unspoken fox", hide_prompt=True)
    assert all("unspoken" not in get(as_user(alice), form, sort="new") for form in FORMATS)
    assert "alice" in get(as_user(None), "rss", sort="new")


def test_a_feed_that_did_not_change_is_not_sent_again(fox: Post, client: Client) -> None:
    first = client.get("/feeds/atom/?q=by:alice")
    assert "Cookie" not in first.get("Vary", "")
    assert "public" in first["Cache-Control"]
    again = client.get("/feeds/atom/?q=by:alice", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304


def _is_jpeg(client: Client, embed: dict[str, Any]) -> bool:
    """Whether the picture is a JPEG of the size that is stated."""
    answer = client.get(embed["url"].removeprefix(settings.SITE_URL))
    with PIL.Image.open(io.BytesIO(b"".join(answer))) as picture:
        return (picture.format, picture.size) == ("JPEG", (embed["width"], embed["height"]))


@pytest.mark.parametrize(("width", "height"), [(1024, 512), (512, 1024), (64, 64), (1000, 333)])
def test_oembed_never_exceeds_what_was_asked_for(
    width: int, height: int, alice: User, publish: Publish, client: Client
) -> None:
    post = publish(alice, title="Wide", width=width, height=height)
    page = f"{settings.SITE_URL}/p/{post.public_id}/"
    whole = client.get("/oembed/", {"url": page, "format": "json"}).json()
    assert (whole["type"], whole["width"], whole["height"], whole["title"]) == ("photo", width, height, "Wide")
    assert _is_jpeg(client, whole)
    for most in (8, 16, 17, 32, 63, 64, 100, 128, 200, 600, 5000):
        for name in ("width", "height"):
            found = client.get("/oembed/", {"url": page, f"max{name}": str(most)}).json()
            if found["type"] == "link":
                assert not {"url", "width", "height"} & set(found)
                assert most < 64
            else:
                assert found[name] <= most
                assert _is_jpeg(client, found)


def test_oembed_finds_a_post_as_the_site_does_and_nothing_else(fox: Post, client: Client) -> None:
    page = f"{settings.SITE_URL}/p/{fox.public_id}"
    for address in (page, f"{page}/", f"{page}/?sort=new#comments", page.replace("http://127", "HTTP://127")):
        assert client.get("/oembed/", {"url": address}).json()["title"] == "Fox", address
    assert client.get("/oembed/", {"url": page, "format": "xml"}).status_code == 501
    elsewhere = "https://elsewhere.test" + page.removeprefix(settings.SITE_URL)
    for wrong in (
        "",
        elsewhere,
        f"{settings.SITE_URL}/",
        "http://[",
        "http://[::1",
        "//",
        "http://x:y/",
        page + "//",
    ):
        assert client.get("/oembed/", {"url": wrong}).status_code == 404, wrong


@pytest.mark.parametrize("form", FORMATS)
def test_a_feed_without_posts_stays_the_same(form: str, db: None, client: Client) -> None:
    address = f"/feeds/{form}/?tag=nothinghere"
    first = client.get(address)
    if form != "json":
        assert "1970" in first.content.decode()  # and not the clock
    again = client.get(address, headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304


def test_pages_name_their_feeds_and_the_post_its_embed(fox: Post, client: Client) -> None:
    assert 'href="/feeds/rss/?sort=top&amp;window=week' in client.get("/?sort=top&window=week").content.decode()
    assert 'href="/feeds/json/?q=by%3Aalice"' in client.get("/@alice/").content.decode()
    assert 'href="/feeds/atom/?q=fox"' in client.get("/search/?q=fox").content.decode()
    page = client.get(f"/p/{fox.public_id}/").content.decode()
    address = page.partition('type="application/json+oembed" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert address.startswith(f"{settings.SITE_URL}/oembed/?")  # some programs take it as it is
    assert client.get(address.removeprefix(settings.SITE_URL)).json()["title"] == "Fox"


def test_a_link_preview_names_a_jpeg_with_its_size(fox: Post, client: Client) -> None:
    page = client.get(f"/p/{fox.public_id}/").content.decode()
    found = dict(re.findall(r'<meta property="og:image:?(\w*)" content="([^"]*)"', page))
    assert found["type"] == "image/jpeg"
    assert _is_jpeg(client, {"url": found[""], "width": int(found["width"]), "height": int(found["height"])})
