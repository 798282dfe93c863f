"""Reading a page of a list: a slice of a snapshot, one query, and a look at what may still be shown."""

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

from accounts.models import User, Viewer
from feed.lists.cursors import Cursor, decode, encode
from feed.lists.fast.prepared_query import fetch_listed
from feed.lists.snapshots import Segment, first_segment, next_segment, stored_segment
from feed.lists.spec import Listing
from feed.models import FeedEntry, Follow, Post, PostTag
from feed.ranking import impressions
from feed.tags.services import tag_named

PAGE_SIZE = 24
READ_AHEAD = 8  # ids fetched beyond a page, so that a few hidden ones cost no second query
MOST_ROUNDS = 5  # queries of a page where nearly everything was hidden; then it is short, never the last by mistake
SEEN_AHEAD = 200  # ids looked at for a reader who hides what they have seen
MOST_NEW = 99
OWN_NEWS_SECONDS = 120


@dataclass(frozen=True)
class Page:
    """Posts with `folded_count` (further visible ones of the author behind it), and the cursor of the next page."""

    posts: list[Post]
    listing: Listing
    place: Cursor
    next: str | None
    is_reordered: bool = False  # the snapshot expired: this is the same place in a new order
    is_cut: bool = False  # shorter than asked for, and there is more: hardly any of what was looked at may be shown

    @property
    def here(self) -> str:
        """A cursor to this page itself: for a link to the place."""
        return encode(self.place, self.listing)

    @property
    def began(self) -> datetime:
        return self.place.began


def read_page(
    listing: Listing,
    viewer: Viewer,
    *,
    at: datetime,
    cursor: str = "",
    size: int = PAGE_SIZE,
    newer_than: datetime | None = None,
    hide_seen: bool = False,
) -> Page:
    """One page for a viewer: from the top, or from where a cursor left off.

    Args:
        newer_than: at least as new a snapshot as this moment, where the list is read from the top.
        hide_seen: leave out what a member had on screen within the last days.

    Raises:
        Refused: 400 for a cursor that was tampered with or belongs to another list.
    """
    place, segment, is_reordered = _locate(listing, at, cursor, _own_news(viewer, newer_than))
    here, posts = place, list[Post]()
    seen_by = viewer if hide_seen and isinstance(viewer, User) else None
    for _round in range(MOST_ROUNDS):
        if place.position == len(segment.posts):
            if segment.is_last:
                break
            place = place.after_segment()
            segment = next_segment(listing, place, at)
            place = segment.at(place, 0)
        found, position = _fill(segment, place.position, viewer, at, size - len(posts), seen_by)
        posts += found
        place = segment.at(place, position)
        if len(posts) == size:
            break
    is_end = segment.is_last and place.position == len(segment.posts)
    following = None if is_end else encode(place, listing)
    return Page(posts, listing, here, following, is_reordered, is_cut=not is_end and len(posts) < size)


def _locate(listing: Listing, at: datetime, cursor: str, newer_than: datetime | None) -> tuple[Cursor, Segment, bool]:
    if not cursor:
        segment = first_segment(listing, at, newer_than)
        return segment.at(Cursor(began=segment.built_at), 0), segment, False
    place = decode(cursor, listing)
    stored = stored_segment(place)
    if stored is not None:
        return place, stored, False
    place = place.after_segment()
    segment = next_segment(listing, place, at)
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
        if post is None and slot in segment.folded:  # hidden since: one that was folded behind it stands in
            inside = fetch_listed(segment.folded[slot], viewer, at)
            post = next((inside[post_id] for post_id in segment.folded[slot] if post_id in inside), None)
        if post is not None:
            found[slot] = post
    _count_folded(found, segment, viewer, at)
    return list(found.values()), end


def _slots(segment: Segment, position: int, wanted: int, seen_by: User | None, at: datetime) -> tuple[list[int], int]:
    """Which positions to look at, and the position after them: a few more than wanted, for some may be hidden."""
    most = wanted + READ_AHEAD
    if seen_by is None:
        end = min(position + most, len(segment.posts))
        return list(range(position, end)), end
    slots = range(position, min(position + SEEN_AHEAD, len(segment.posts)))
    seen = impressions.seen_by(seen_by, [segment.posts[slot] for slot in slots], at)
    unseen = [slot for slot in slots if segment.posts[slot] not in seen]
    return unseen[:most], unseen[most] if len(unseen) > most else slots.stop


def _count_folded(found: dict[int, Post], segment: Segment, viewer: Viewer, at: datetime) -> None:
    """Sets `folded_count` to what the viewer may see of the posts folded behind each: a count never tells more."""
    wanted = [post_id for slot in found for post_id in segment.folded.get(slot, ())]
    if not wanted:
        return
    visible = set(Post.objects.listed_for(viewer, at).filter(pk__in=wanted).values_list("pk", flat=True))
    for slot, post in found.items():
        post.folded_count = len(visible.intersection(segment.folded.get(slot, ())) - {post.pk})


def count_new(listing: Listing, viewer: Viewer, *, since: datetime, at: datetime) -> int:
    """How many posts were published since a page was read, as far as the viewer may see them; at most 99."""
    newer = FeedEntry.objects.filter(is_visible=True, content_level__lte=listing.level, published_at__gt=since)
    if listing.member:
        newer = newer.filter(author_id__in=Follow.objects.filter(member=listing.member).values("followed"))
    if listing.tag:
        newer = newer.filter(post_id__in=PostTag.objects.filter(tag=tag_named(listing.tag)).values("post"))
    ids = list(newer.order_by("-published_at", "-pk").values_list("pk", flat=True)[:MOST_NEW])
    return Post.objects.filter(pk__in=ids).listed_for(viewer, at).count()


def remember_own_news(member: User, at: datetime) -> None:
    """Whoever changed what hangs sees it in the next list they open."""
    cache.set(f"feed:news:{member.pk}", at, OWN_NEWS_SECONDS)


def _own_news(viewer: Viewer, newer_than: datetime | None) -> datetime | None:
    own: datetime | None = cache.get(f"feed:news:{viewer.pk}") if isinstance(viewer, User) else None
    return max(filter(None, (own, newer_than)), default=None)
