"""Reads a page of a list: a slice of a snapshot, one query, and a check of what the viewer may still see."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User, Viewer
from feed.lists.cursors import Cursor, decode, encode
from feed.lists.fast.prepared_query import fetch_listed
from feed.lists.snapshots import Segment, find_segment, first_segment, next_segment
from feed.lists.spec import FeedSpec
from feed.members.models import Follow
from feed.members.own_changes import last_own_change
from feed.posts.models import Post
from feed.ranking import impressions
from feed.ranking.models import FeedEntry
from feed.tags.models import PostTag
from feed.tags.services import find_tag

PAGE_SIZE = 24
READ_AHEAD = 8  # ids fetched beyond a page, so that a few hidden posts cost no second query
MOST_ROUNDS = 5  # queries of a page where nearly all posts are hidden; then the page is short, but leads on
SEEN_AHEAD = 200  # ids looked at for a reader who hides what they have seen
MOST_NEW = 99


@dataclass(frozen=True)
class Page:
    """Posts with `collapsed_count` and `stack_count` (visible posts of the author, and variations, behind it)."""

    posts: list[Post]
    spec: FeedSpec
    start: Cursor
    next: str | None
    is_reordered: bool = False  # the snapshot had expired: this is the same place in a new order
    is_cut: bool = False  # shorter than asked for though the list goes on: nearly all posts looked at are hidden

    @property
    def cursor(self) -> str:
        """The cursor of this page itself, for a link to it."""
        return encode(self.start, self.spec)

    @property
    def began(self) -> datetime:
        return self.start.began


def read_page(
    spec: FeedSpec,
    viewer: Viewer,
    *,
    at: datetime,
    cursor: str = "",
    size: int = PAGE_SIZE,
    newer_than: datetime | None = None,
    hide_seen: bool = False,
) -> Page:
    """Reads one page for a viewer: from the top, or from where a cursor left off.

    Args:
        newer_than: the snapshot must be at least this new, where the list is read from the top.
        hide_seen: leave out what a member had on screen within the last days.

    Raises:
        Refused: 400 for a cursor that was tampered with or belongs to another list.
    """
    newer_than = max(filter(None, (last_own_change(viewer), newer_than)), default=None)
    place, segment, is_reordered = _locate(spec, at, cursor, newer_than)
    start, posts = place, list[Post]()
    seen_by = viewer if hide_seen and isinstance(viewer, User) else None
    for _round in range(MOST_ROUNDS):
        if place.position == len(segment.posts):
            if segment.is_last:
                break
            place = place.after_segment()
            segment = next_segment(spec, place, at)
            place = segment.at(place, 0)
        found, position = _fill(segment, place.position, viewer, at, size - len(posts), seen_by)
        posts += found
        place = segment.at(place, position)
        if len(posts) == size:
            break
    is_end = segment.is_last and place.position == len(segment.posts)
    following = None if is_end else encode(place, spec)
    return Page(posts, spec, start, following, is_reordered, is_cut=not is_end and len(posts) < size)


def _locate(spec: FeedSpec, at: datetime, cursor: str, newer_than: datetime | None) -> tuple[Cursor, Segment, bool]:
    """Where the page starts, the segment there, and whether the snapshot of the cursor had expired."""
    if not cursor:
        segment = first_segment(spec, at, newer_than)
        return segment.at(Cursor(began=segment.built_at), 0), segment, False
    place = decode(cursor, spec)
    stored = find_segment(place)
    if stored is not None:
        return place, stored, False
    place = place.after_segment()
    segment = next_segment(spec, place, at)
    return segment.at(place, 0), segment, True


def _fill(
    segment: Segment, position: int, viewer: Viewer, at: datetime, wanted: int, seen_by: User | None
) -> tuple[list[Post], int]:
    """Up to `wanted` posts from `position` on that the viewer may see now, and the position after them."""
    slots, end = _slots(segment, position, wanted, seen_by, at)
    shown = fetch_listed([segment.posts[slot] for slot in slots], viewer, at)
    found: dict[int, Post] = {}
    for slot in slots:
        if len(found) == wanted:
            end = slot
            break
        post = shown.get(segment.posts[slot])
        if post is None and (behind := segment.behind(slot)):  # hidden since: a post behind it takes its place
            inside = fetch_listed(behind, viewer, at)
            post = next((inside[post_id] for post_id in behind if post_id in inside), None)
        if post is not None:
            found[slot] = post
    _count_collapsed(found, segment, viewer, at)
    return list(found.values()), end


def _slots(segment: Segment, position: int, wanted: int, seen_by: User | None, at: datetime) -> tuple[list[int], int]:
    """Which positions to look at, and the position after them: a few more than wanted, as some may be hidden."""
    most = wanted + READ_AHEAD
    if seen_by is None:
        end = min(position + most, len(segment.posts))
        return list(range(position, end)), end
    slots = range(position, min(position + SEEN_AHEAD, len(segment.posts)))
    seen = impressions.seen_by(seen_by, [segment.posts[slot] for slot in slots], at)
    unseen = [slot for slot in slots if segment.posts[slot] not in seen]
    return unseen[:most], unseen[most] if len(unseen) > most else slots.stop


def _count_collapsed(found: dict[int, Post], segment: Segment, viewer: Viewer, at: datetime) -> None:
    """Counts the posts behind each that the viewer may see, so that a count reveals nothing."""
    wanted = [post_id for slot in found for post_id in segment.behind(slot)]
    if not wanted:
        return
    visible = set(Post.objects.listed_for(viewer, at).filter(pk__in=wanted).values_list("pk", flat=True))
    for slot, post in found.items():
        post.collapsed_count = len(visible.intersection(segment.collapsed.get(slot, ())) - {post.pk})
        post.stack_count = len(visible.intersection(segment.stacked.get(slot, ())) - {post.pk})


def count_new_posts(spec: FeedSpec, viewer: Viewer, *, since: datetime, at: datetime) -> int:
    """Counts the posts published since a page was read that the viewer may see; at most 99."""
    newer = FeedEntry.objects.filter(is_visible=True, content_level__lte=spec.level, published_at__gt=since)
    if spec.member:
        newer = newer.filter(author_id__in=Follow.objects.filter(member=spec.member).values("followed"))
    if spec.tag:
        newer = newer.filter(post_id__in=PostTag.objects.filter(tag=find_tag(spec.tag)).values("post"))
    ids = list(newer.order_by("-published_at", "-pk").values_list("pk", flat=True)[:MOST_NEW])
    return Post.objects.filter(pk__in=ids).listed_for(viewer, at).count()
