"""What the previous version left in links and in Valkey goes on working."""

import pytest
from django.core import signing
from django.core.cache import cache
from django.utils import timezone

from feed.lists.cursors import decode
from feed.lists.pages import read_page
from feed.lists.spec import FeedSpec
from lib.content_levels import ContentLevel
from tests.feed.conftest import PublishMany
from tests.feed.lists.readers import VISITOR

NOW = timezone.now()
NEW = FeedSpec("new", "all", ContentLevel.GENERAL)
OLD_KEY = "feed:segment:Qm9sZGx5R28"
MOVED_CLASS = b"cfeed.snapshots\nSegment\n."  # a pickle that names a class which is no longer there


def store_pickle(key: str, pickle: bytes) -> None:
    cache._cache.get_client(write=True).set(cache.make_key(key), pickle)  # type: ignore[attr-defined]


def old_cursor(publish_many: PublishMany) -> tuple[str, list[int]]:
    """A cursor as the previous version signed it, after the first ten of sixty posts, and the ids in order."""
    posts = [post.pk for post in publish_many(60, authors=60, at=NOW)]
    page = read_page(NEW, VISITOR, at=NOW, size=10)
    place = decode(page.next or "", NEW)
    at = [OLD_KEY, 10, place.pg_snapshot, place.block_end, []]
    payload = [1, "new", NEW.filter_hash, 1_700_000_000_000_000, at, [], []]
    return signing.dumps(payload, salt="feed.cursor", compress=True), posts


def test_the_filters_of_a_cursor_keep_their_hash() -> None:
    assert NEW.filter_hash == "bc4e422d2a17"
    assert FeedSpec("new", "all", ContentLevel.MATURE, tag="sea").filter_hash == "e3690a2ecd4b"


def test_a_cursor_reads_on_below_its_place_whatever_its_snapshot_was_stored_as(publish_many: PublishMany) -> None:
    cursor, posts = old_cursor(publish_many)
    store_pickle(OLD_KEY, MOVED_CLASS)
    page = read_page(NEW, VISITOR, at=NOW, cursor=cursor, size=10)
    assert [post.pk for post in page.posts] == posts[10:20]
    assert page.is_reordered


def test_the_current_snapshot_of_the_previous_version_is_built_again(publish_many: PublishMany) -> None:
    posts = [post.pk for post in publish_many(20, authors=20, at=NOW)]
    cache.set(f"feed:current:new:{NEW.filter_hash}", OLD_KEY)
    store_pickle(OLD_KEY, MOVED_CLASS)
    assert [post.pk for post in read_page(NEW, VISITOR, at=NOW, size=20).posts] == posts


def test_a_pickle_of_a_class_that_moved_cannot_be_read() -> None:
    """So nothing may be stored as one: this is what the tests above guard against."""
    store_pickle(OLD_KEY, MOVED_CLASS)
    with pytest.raises(ModuleNotFoundError):
        cache.get(OLD_KEY)
