"""Votes on many posts, and readers who go through lists meanwhile."""

import random
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import User, Viewer
from feed.lists.cursors import decode
from feed.lists.pages import read_page
from feed.lists.spec import FeedSpec, SortKey
from feed.models import Like, Post, RecountRequest
from feed.ranking.counters import process_recount_requests

VISITOR = AnonymousUser()
TOP, BOTTOM = SortKey(float("inf"), 0), SortKey(float("-inf"), 0)


def like(posts: list[Post], members: list[User], times: int, rng: random.Random, at: datetime | None = None) -> None:
    """Random likes and unlikes in the ledger, as the services write them, and recounted."""
    at = at or timezone.now()
    turned: dict[tuple[int, int], None] = {}
    for _ in range(times):
        post, member = rng.choice(posts), rng.choice(members)
        if post.author_id != member.pk:
            turned[post.pk, member.pk] = None
    touched = Like.objects.filter(post__in={post for post, _member in turned})
    known = {(post, member): pk for pk, post, member in touched.values_list("pk", "post_id", "member_id")}
    Like.objects.filter(pk__in=[known[pair] for pair in turned if pair in known]).delete()
    new = [pair for pair in turned if pair not in known]
    Like.objects.bulk_create(Like(post_id=post, member_id=member, created_at=at) for post, member in new)
    RecountRequest.objects.bulk_create(RecountRequest(post_id=post) for post, _member in turned)
    process_recount_requests(at=at)


class Reader:
    """Reads a list page by page and keeps what it was shown."""

    def __init__(self, spec: FeedSpec, viewer: Viewer = VISITOR, size: int = 10) -> None:
        self.spec, self.viewer, self.size, self.cursor = spec, viewer, size, ""
        self.shown: list[int] = []
        self.pages = 0
        self.is_done = False
        self.before = self.frontier = TOP  # everything down to here was shown, a page ago and now

    def turn(self, at: datetime) -> list[Post]:
        if self.is_done:
            return []
        page = read_page(self.spec, self.viewer, at=at, cursor=self.cursor, size=self.size)
        self.shown += [post.pk for post in page.posts]
        self.pages += 1
        self.cursor, self.is_done = page.next or "", page.next is None
        self.before, self.frontier = self.frontier, self._reached()
        return page.posts

    def _reached(self) -> SortKey:
        if self.is_done:
            return BOTTOM
        cursor = decode(self.cursor, self.spec)
        ends = [part.end for part in cursor.read_ranges] + [cursor.block_end or TOP]
        return min(ends)
