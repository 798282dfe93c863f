"""Collections, and the posts in them, as one viewer sees them."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import User, Viewer
from feed.collections.models import Collection, CollectionItem, CollectionMember, CollectionQuerySet
from feed.posts.models import Post
from lib.pagination import Keyset, read_keyset

MAX_COLLECTIONS = 200  # of a member
Visibility = Collection.Visibility


def addable(member: User, at: datetime) -> CollectionQuerySet:
    """Collections a member may put posts into: their own, and those shared with them for that."""
    shared = CollectionMember.objects.filter(member=member, may_add=True).values("collection")
    reachable = Collection.objects.visible_to(member, at).exclude(visibility=Visibility.PRIVATE)
    return Collection.objects.filter(Q(owner=member) | Q(pk__in=reachable.filter(pk__in=shared).values("pk")))


def read_posts(
    collection: Collection, viewer: Viewer, *, at: datetime, cursor: str, size: int
) -> Keyset[CollectionItem]:
    """A page of what `viewer` may see in a collection they may open, what was added last first; posts with cards.

    Raises:
        Refused: 400 for a cursor of another list.
    """
    listed = Post.objects.listed_for(viewer, at)
    items = CollectionItem.objects.filter(collection=collection, post__in=listed.order_by().values("pk"))
    page = read_keyset(items, by="created_at", cursor=cursor, size=size)
    posts = listed.with_card(viewer, at).in_bulk([item.post_id for item in page.rows])
    rows = [item for item in page.rows if item.post_id in posts]
    for item in rows:
        item.post = posts[item.post_id]
    return Keyset(rows, page.next)


def with_covers(collections: QuerySet[Collection], viewer: Viewer, at: datetime) -> QuerySet[Collection]:
    """Adds `cover_id`: the newest post in each that the viewer may see."""
    listed = Post.objects.listed_for(viewer, at).filter(pk=OuterRef("post"))
    items = CollectionItem.objects.filter(Exists(listed), collection=OuterRef("pk"))
    return collections.annotate(cover_id=Subquery(items.order_by("-created_at", "-pk").values("post")[:1]))


def collections_with(post: Post, member: User, at: datetime) -> list[tuple[Collection, bool]]:
    """The collections the member may put a post into, the newest first, and whether it is there."""
    inside = CollectionItem.objects.filter(collection=OuterRef("pk"), post=post)
    rows = addable(member, at).annotate(has_post=Exists(inside)).order_by("-is_default", "-created_at", "-pk")
    return [(row, bool(row.__dict__["has_post"])) for row in rows[:MAX_COLLECTIONS]]
