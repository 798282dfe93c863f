"""Saving posts, and making, editing and sharing collections."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import notify
from feed.collections.models import Collection, CollectionItem, CollectionMember, new_link_key
from feed.collections.queries import MAX_COLLECTIONS, addable, collections_with
from feed.members.queries import visible_members
from feed.posts.models import Post
from feed.posts.services import request_recount
from feed.rates import check_member_rate, unlimited
from feed.screened_text import clean_text
from lib.errors import NotFound, Refused
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

MAX_ITEMS, MAX_MEMBERS = 5_000, 50
MAX_NAME_LENGTH = 80
Visibility = Collection.Visibility


def default_collection(*, member: User, at: datetime | None = None) -> Collection:
    """Where the save button puts posts; created when it is first needed."""
    fields = {"name": _("Saved"), "created_at": at or timezone.now()}
    return Collection.objects.get_or_create(owner=member, is_default=True, defaults=fields)[0]


def create_collection(
    *, owner: User, name: str, visibility: str = Visibility.PRIVATE, at: datetime | None = None
) -> Collection:
    """A new, empty collection.

    Raises:
        Refused: 400 with fields for a name that is empty, taken or breaks a rule; 403 restricted; 409 too many; 429 too
            often.
    """
    at = at or timezone.now()
    check_member_rate(owner, "collection")
    name = _clean_name(name, owner, at)
    default_collection(member=owner, at=at)  # its name is taken before anybody takes it
    if Collection.objects.filter(owner=owner).count() >= MAX_COLLECTIONS:
        raise Refused("full", _("You have as many collections as you can. Delete one first."), status=409)
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
    check_member_rate(owner, "collection")
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
    """Deletes a collection, not the posts in it; the default one can't be deleted. Idempotent.

    Raises:
        Refused: 409 the default one; 429 too often.
    """
    check_member_rate(owner, "collection")
    if collection.is_default:
        raise Refused("default", _("Saved pictures go here, so this collection can't be deleted."), status=409)
    with transaction.atomic():
        own = Collection.objects.filter(pk=collection.pk, owner=owner)
        request_recount(CollectionItem.objects.filter(collection__in=own).values_list("post_id", flat=True))
        own.delete()


def save_post(*, post: Post, member: User, collection: Collection | None = None, at: datetime | None = None) -> bool:
    """Puts a post into a collection the member may add to, their default one without it; False if it was there.

    Raises:
        Refused: 404 the post or the collection is not shown to them; 403 restricted; 409 the collection is full;
            429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "save")
    require_unrestricted(user=member, doing="vote", at=at)
    if not Post.objects.shown_to(member, at).filter(pk=post.pk).exists():
        raise NotFound(_("This post does not exist."))
    into = collection or default_collection(member=member, at=at)
    if not addable(member, at).filter(pk=into.pk).exists():
        raise _no_collection()
    if CollectionItem.objects.filter(collection=into).count() >= MAX_ITEMS:
        raise Refused("full", _("This collection is full. Start another one."), status=409)
    with transaction.atomic():
        _item, is_new = CollectionItem.objects.get_or_create(
            collection=into, post=post, defaults={"added_by": member, "created_at": at}
        )
        if is_new:
            request_recount([post.pk])
    return is_new


def unsave_post(*, post: Post, member: User, collection: Collection | None = None) -> bool:
    """Takes a post out of a collection (the default one without it): owners anything, others what they added.

    Allowed whatever happened to the post; False when there was nothing to take out. Raises Refused (429).
    """
    check_member_rate(member, "save")
    where = Q(collection=collection) if collection else Q(collection__owner=member, collection__is_default=True)
    may = Q(added_by=member) | Q(collection__owner=member)
    with transaction.atomic():
        removed, _rows = CollectionItem.objects.filter(where, may, post=post).delete()
        if removed:
            request_recount([post.pk])
    return bool(removed)


def choose_collections(
    *, post: Post, member: User, public_ids: Iterable[str], new_name: str = "", at: datetime | None = None
) -> None:
    """Puts a post into exactly these of the collections the member may add to, and into a new one of that name.

    Counts as one use. Raises as `create_collection` and `save_post`.
    """
    at = at or timezone.now()
    check_member_rate(member, "collection")
    rows = collections_with(post, member, at)
    chosen = set(public_ids)
    wanted = {row for row, _has in rows if row.public_id in chosen}
    present = {row for row, has_post in rows if has_post}
    with unlimited():
        if new_name:
            wanted.add(create_collection(owner=member, name=new_name, at=at))
        for row in present - wanted:
            unsave_post(post=post, member=member, collection=row)
        for row in wanted - present:
            save_post(post=post, member=member, collection=row, at=at)


def share_collection(
    *, collection: Collection, owner: User, username: str, may_add: bool = False, at: datetime | None = None
) -> CollectionMember:
    """Gives a member access to one's own collection; again changes whether they may add to it.

    Raises:
        Refused: 404 not theirs; 400 with fields["username"]; 409 too many members, or it is private; 429 too
            often.
    """
    at = at or timezone.now()
    check_member_rate(owner, "collection")
    require_unrestricted(user=owner, doing="publish", at=at)
    if not Collection.objects.filter(pk=collection.pk, owner=owner).exists():
        raise _no_collection()
    if collection.visibility == Visibility.PRIVATE:
        raise Refused("private", _("Only you can see this collection. Change who can see it first."), status=409)
    member = visible_members(owner, at).exclude(pk=owner.pk).filter(username__iexact=username.strip()).first()
    if member is None:
        message = _("No other member has that name.")
        raise Refused("no_member", message, fields={"username": [message]})
    if collection.members.exclude(member=member).count() >= MAX_MEMBERS:
        raise Refused(
            "full",
            _("This collection is full: you can't share it with more members. Share the link instead."),
            status=409,
        )
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
    """Stops sharing with a member: by the owner, or by the member who leaves. Idempotent. Raises Refused (429)."""
    check_member_rate(by, "collection")
    rows = CollectionMember.objects.filter(collection=collection, member=member)
    rows.filter(Q(collection__owner=by) | Q(member=by)).delete()


def forget_posts(post_ids: Iterable[int]) -> None:
    """Takes deleted posts out of every collection (POST_DELETION_HOOKS)."""
    CollectionItem.objects.filter(post__in=list(post_ids)).delete()


def renew_link(*, collection: Collection, owner: User) -> Collection:
    """Replaces the link that was shared; the old one stops working. Raises Refused: 404 not theirs; 429 too often."""
    check_member_rate(owner, "collection")
    if not Collection.objects.filter(pk=collection.pk, owner=owner).update(link_key=new_link_key()):
        raise _no_collection()
    collection.refresh_from_db()
    return collection


def _clean_name(name: str, owner: User, at: datetime) -> str:
    require_unrestricted(user=owner, doing="publish", at=at)
    name = clean_text(name, kind=TextKind.TITLE, field="name", max_length=MAX_NAME_LENGTH, author=owner, at=at)
    if not name:
        message = _("Give the collection a name.")
        raise Refused("empty", message, fields={"name": [message]})
    return name


def _taken() -> Refused:
    message = _("You already have a collection with that name.")
    return Refused("taken", message, fields={"name": [message]})


def _no_collection() -> NotFound:
    return NotFound(_("You have no such collection."))
