"""Saving posts and putting them together: every write of it, and what a viewer finds in a collection."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Viewer
from accounts.services import notify
from feed.collections.models import Collection, CollectionItem, CollectionMember, CollectionQuerySet, new_link_key
from feed.members.queries import visible_members
from feed.posts.models import Post
from feed.posts.recounts import request_recount
from feed.screened_text import clean_words
from lib.errors import NotFound, Refused
from lib.pagination import Keyset, read_keyset
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

MOST_COLLECTIONS, MOST_ITEMS, MOST_MEMBERS = 200, 5_000, 50
LONGEST_NAME = 80
Visibility = Collection.Visibility


def default_collection(*, member: User, at: datetime | None = None) -> Collection:
    """Where a post goes that is saved without a word; made when it is first needed."""
    fields = {"name": _("Saved"), "created_at": at or timezone.now()}
    return Collection.objects.get_or_create(owner=member, is_default=True, defaults=fields)[0]


def create_collection(
    *, owner: User, name: str, visibility: str = Visibility.PRIVATE, at: datetime | None = None
) -> Collection:
    """A new, empty collection.

    Raises:
        Refused: 400 with fields for a name that is empty, taken or breaks a rule; 403 restricted; 409 too many.
    """
    at = at or timezone.now()
    name = _clean_name(name, owner, at)
    default_collection(member=owner, at=at)  # its name is taken before anybody takes it
    if Collection.objects.filter(owner=owner).count() >= MOST_COLLECTIONS:
        raise Refused("full", _("That is as many collections as there can be. Delete one first."), status=409)
    try:
        with transaction.atomic():
            return Collection.objects.create(owner=owner, name=name, visibility=Visibility(visibility), created_at=at)
    except IntegrityError:
        raise _taken() from None


def edit_collection(
    *, collection: Collection, owner: User, name: str, visibility: str, at: datetime | None = None
) -> Collection:
    """Renames one's own collection or shows it to others. Raises as `create_collection`, 404 when not theirs."""
    at = at or timezone.now()
    name = _clean_name(name, owner, at)
    try:
        with transaction.atomic():
            own = Collection.objects.filter(pk=collection.pk, owner=owner)
            if not own.update(name=name, visibility=Visibility(visibility)):
                raise _no_collection()
    except IntegrityError:
        raise _taken() from None
    collection.refresh_from_db()
    return collection


def delete_collection(*, collection: Collection, owner: User) -> None:
    """What was saved in it is saved there no more. The default one stays. Twice is once."""
    if collection.is_default:
        raise Refused("default", _("This is where pictures go when you press Save; it cannot be deleted."), status=409)
    with transaction.atomic():
        own = Collection.objects.filter(pk=collection.pk, owner=owner)
        request_recount(CollectionItem.objects.filter(collection__in=own).values_list("post_id", flat=True))
        own.delete()


def save_post(*, post: Post, member: User, collection: Collection | None = None, at: datetime | None = None) -> bool:
    """Puts a post into a collection the member may add to, their default one without it; False if it was there.

    Raises:
        Refused: 404 the post or the collection is not shown to them; 403 restricted; 409 the collection is full.
    """
    at = at or timezone.now()
    require_unrestricted(user=member, doing="vote", at=at)
    if not Post.objects.shown_to(member, at).filter(pk=post.pk).exists():
        raise NotFound(_("There is no such post."))
    into = collection or default_collection(member=member, at=at)
    if not addable(member, at).filter(pk=into.pk).exists():
        raise _no_collection()
    if CollectionItem.objects.filter(collection=into).count() >= MOST_ITEMS:
        raise Refused("full", _("This collection is full. Begin another one."), status=409)
    with transaction.atomic():
        _item, is_new = CollectionItem.objects.get_or_create(
            collection=into, post=post, defaults={"added_by": member, "created_at": at}
        )
        if is_new:
            request_recount([post.pk])
    return is_new


def unsave_post(*, post: Post, member: User, collection: Collection | None = None) -> bool:
    """Takes a post out of a collection (the default one without it): owners anything, others what they added.

    Always allowed, whatever happened to the post; False when there was nothing to take out.
    """
    where = Q(collection=collection) if collection else Q(collection__owner=member, collection__is_default=True)
    may = Q(added_by=member) | Q(collection__owner=member)
    with transaction.atomic():
        removed, _rows = CollectionItem.objects.filter(where, may, post=post).delete()
        if removed:
            request_recount([post.pk])
    return bool(removed)


def share_collection(
    *, collection: Collection, owner: User, username: str, may_add: bool = False, at: datetime | None = None
) -> CollectionMember:
    """Lets a member look at one's own collection by name; again changes whether they may add.

    Raises:
        Refused: 404 not theirs; 400 with fields["username"]; 409 too many members, or it is shown to nobody.
    """
    at = at or timezone.now()
    require_unrestricted(user=owner, doing="publish", at=at)
    if not Collection.objects.filter(pk=collection.pk, owner=owner).exists():
        raise _no_collection()
    if collection.visibility == Visibility.PRIVATE:
        raise Refused("private", _("Only you can see this collection. Let others see it first."), status=409)
    member = visible_members(owner, at).exclude(pk=owner.pk).filter(username__iexact=username.strip()).first()
    if member is None:
        message = _("There is no other member of that name.")
        raise Refused("no_member", message, fields={"username": [message]})
    if collection.members.exclude(member=member).count() >= MOST_MEMBERS:
        raise Refused("full", _("That is as many members as there can be. Share the link instead."), status=409)
    with transaction.atomic():
        row, is_new = CollectionMember.objects.update_or_create(
            collection=collection,
            member=member,
            defaults={"may_add": may_add},
            create_defaults={"may_add": may_add, "created_at": at},
        )
        if is_new:
            notify(recipient=member, kind="collection.shared", target=collection, actor=owner, at=at)
    return row


def unshare_collection(*, collection: Collection, member: User, by: User) -> None:
    """The owner ends somebody's share, or the member their own. Twice is once."""
    shares = CollectionMember.objects.filter(collection=collection, member=member)
    shares.filter(Q(collection__owner=by) | Q(member=by)).delete()


def forget_posts(post_ids: Iterable[int]) -> None:
    """Takes deleted posts out of every collection (POST_DELETION_HOOKS)."""
    CollectionItem.objects.filter(post__in=list(post_ids)).delete()


def renew_link(*, collection: Collection, owner: User) -> Collection:
    """The link that was handed out leads nowhere from now on."""
    if not Collection.objects.filter(pk=collection.pk, owner=owner).update(link_key=new_link_key()):
        raise _no_collection()
    collection.refresh_from_db()
    return collection


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
    return [(row, bool(row.__dict__["has_post"])) for row in rows[:MOST_COLLECTIONS]]


def _clean_name(name: str, owner: User, at: datetime) -> str:
    require_unrestricted(user=owner, doing="publish", at=at)
    name = clean_words(name, kind=TextKind.TITLE, field="name", longest=LONGEST_NAME, author=owner, at=at)
    if not name:
        message = _("Give the collection a name.")
        raise Refused("empty", message, fields={"name": [message]})
    return name


def _taken() -> Refused:
    message = _("You have a collection of that name already.")
    return Refused("taken", message, fields={"name": [message]})


def _no_collection() -> NotFound:
    return NotFound(_("There is no such collection of yours."))
