"""Publishing, taking down, deleting, liking, tagging and hiding posts: the verbs of pages, API, admin and commands."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import emit, notify
from feed.members.models import HiddenPost
from feed.members.own_changes import remember_own_change
from feed.members.services import rename_muted_tag
from feed.posts.lineage import ancestors_of
from feed.posts.models import Like, Post, RecountRequest
from feed.posts.visibility import refresh_visibility
from feed.rates import check_member_rate
from feed.screened_text import clean_alt_text, clean_text
from feed.tags import services as tags_services
from feed.tags.models import PostTag, Tag
from feed.tags.normalisation import normalise_tag
from generation.models import Image, ImageQuerySet, ImageState
from lib.errors import NotFound, Refused
from lib.hooks import load_functions
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

MAX_PINNED = 6  # posts of a member at the top of their profile
MAX_HIDDEN = 5_000  # posts that a member is not interested in


def request_recount(post_ids: Iterable[int]) -> None:
    """Asks for likes, saves, remixes and comments to be counted again; a deleted post has nothing to count."""
    posts = Post.objects.filter(pk__in=list(post_ids), deleted_at=None).order_by("pk").values_list("pk", flat=True)
    RecountRequest.objects.bulk_create([RecountRequest(post_id=pk) for pk in posts])


def request_parent_recount(post_ids: Iterable[int]) -> None:
    """Asks for the remixes of posts that these were remixed from to be counted again."""
    sources = Post.objects.filter(pk__in=list(post_ids)).values("image__generation__parent")
    parents = Post.objects.filter(image__in=sources, deleted_at=None)
    RecountRequest.objects.bulk_create([RecountRequest(post_id=pk) for pk in parents.values_list("pk", flat=True)])


def publish_image(
    *,
    image: Image,
    author: User,
    title: str | None = None,
    hide_prompt: bool | None = None,
    tags: Sequence[str] | None = None,
    alt_text: str | None = None,
    before_commit: Callable[[Post], None] | None = None,
    at: datetime | None = None,
) -> Post:
    """Publishes a finished picture of the author's own, or changes how it is published.

    A picture has one post: publishing again keeps its age and likes. None leaves a value as it is.

    Args:
        hide_prompt: hides or shows the prompt on all pictures of the author that were made from these words.
        alt_text: shown in place of the picture; an empty one is the prompt again.
        before_commit: called with the post inside the transaction; what it raises undoes the publication.

    Raises:
        Refused: 404 not the author's; 409 not ready or deleted; 403 removed or restricted; 400 a text; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(author, "publish")
    require_unrestricted(user=author, doing="publish", at=at)
    if title is not None:  # screening is slow: before the transaction
        title = clean_text(title, kind=TextKind.TITLE, field="title", max_length=120, author=author, at=at)
    columns = {} if alt_text is None else clean_alt_text(alt_text, image=image, author=author, at=at)
    names = None if tags is None else tags_services.clean_tags(tags, author=author, at=at)
    with transaction.atomic():
        changed = Post.objects.filter(image__in=_hide_or_show_prompt(image, hide_prompt), deleted_at=None)
        post = _publish(_own_ready_image(image, author), title=title, columns=columns, at=at)
        refresh_visibility(changed.values_list("pk", flat=True), at)
        if names is not None:
            _set_tags(post, names, at)
        if before_commit is not None:
            before_commit(post)
    remember_own_change(author, at)
    return post


def hides_prompt(image: Image) -> bool:
    """Whether the prompt is hidden on this picture of the author's, or on a post of the same words."""
    return image.is_prompt_hidden or _hiding(image).exists()


def _hiding(image: Image) -> ImageQuerySet:
    """Other published pictures that hide the prompt of this one."""
    return Image.objects.with_prompt_of(image).exclude(pk=image.pk).filter(is_prompt_hidden=True, is_public=True)


def _hide_or_show_prompt(image: Image, hide: bool | None) -> list[int]:
    """Hides the prompt on every picture of the author that has it, or shows it on all of them; returns which changed.

    Else one picture would tell what another hides. Publishing a picture for the first time shows nothing that another
    post hides; None leaves things as they are. Call inside a transaction.
    """
    sharing = Image.objects.with_prompt_of(image).order_by("pk")
    # in one order, so that two publications of one generation wait for each other and no more
    hidden = dict(sharing.select_for_update(of=("self",), no_key=True).values_list("pk", "is_prompt_hidden"))
    if not hide:
        is_new = not Post.objects.published().filter(image=image).exists()
        is_kept = hide is None and hidden.get(image.pk, False)
        hide = is_kept or ((hide is None or is_new) and _hiding(image).exists())
    changed = [pk for pk, was_hidden in hidden.items() if was_hidden != hide]
    Image.objects.filter(pk__in=changed).update(is_prompt_hidden=hide)
    return changed


def _own_ready_image(image: Image, author: User) -> Image:
    locked = (
        Image.objects.select_for_update(of=("self",), no_key=True)
        .select_related("generation")
        .filter(pk=image.pk, author=author, deleted_at=None)
        .exclude(state=ImageState.REJECTED)
        .first()
    )
    if locked is None:
        raise NotFound(_("You have no such picture."))
    if locked.state == ImageState.HELD:
        raise Refused(
            "held", _("This picture is still being checked. You can publish it once that is done."), status=409
        )
    if locked.state != ImageState.READY:
        raise Refused("not_ready", _("This picture is not finished yet."), status=409)
    return locked


def _publish(image: Image, *, title: str | None, columns: dict[str, Any], at: datetime) -> Post:
    """Call while holding the lock on `image`, whose `columns` change."""
    for name, value in columns.items():
        setattr(image, name, value)
    if columns:
        image.save(update_fields=list(columns))
    post, is_new = Post.objects.get_or_create(
        image=image, defaults={"author": image.author, "title": title or "", "published_at": at}
    )
    if post.deleted_at:
        raise Refused("deleted", _("You deleted this post. Make a variation and publish that."), status=409)
    if post.removed_at:
        raise Refused("removed", _("Moderators removed this post. You can appeal their decision."), status=403)
    if not is_new:
        post.title, post.unpublished_at = post.title if title is None else title, None
        post.save(update_fields=["title", "unpublished_at"])
    refresh_visibility([post.pk], at)
    image.refresh_from_db(fields=["is_public"])
    if is_new:
        _notify_of_publication(post, at)
    return post


def _notify_of_publication(post: Post, at: datetime) -> None:
    """Notifies the authors that a new remix came from, all the way up the tree."""
    emit(user=post.author, event="post.published", target=post, at=at)
    parent = post.image.generation.parent
    if (
        parent is not None
        and parent.author_id != post.author_id
        and Post.objects.published().filter(image=parent).exists()
    ):
        notify(recipient=parent.author, kind="post.remixed", target=post, actor=post.author, at=at)
        emit(user=parent.author, event="post.remixed", target=post, at=at)
    further = Post.objects.published().filter(image__in=ancestors_of(post.image_id)).exclude(image=parent)
    notified = parent.author_id if parent else None
    for author in User.objects.filter(pk__in=further.values("author")).exclude(pk=notified):
        notify(recipient=author, kind="post.descended", target=post, actor=post.author, at=at)


def unpublish_post(*, post: Post, author: User, at: datetime | None = None) -> None:
    """Takes the author's own post down; `publish_image` puts it back at its old age. Idempotent."""
    at = at or timezone.now()
    with transaction.atomic():
        own = Post.objects.filter(pk=post.pk, author=author, deleted_at=None)
        if own.filter(unpublished_at=None).update(unpublished_at=at):
            refresh_visibility([post.pk], at)
        elif not own.exists():
            raise NotFound(_("You have no such post."))
    remember_own_change(author, at)


def delete_post(*, post: Post, author: User, at: datetime | None = None) -> None:
    """Blanks the author's own post for good, with its likes and entries; the picture stays theirs. Idempotent."""
    at = at or timezone.now()
    with transaction.atomic():
        own = Post.objects.filter(pk=post.pk, author=author)
        if own.filter(deleted_at=None).update(deleted_at=at, title=""):
            clear_deleted_posts([post.pk], at)
        elif not own.exists():
            raise NotFound(_("You have no such post."))
    remember_own_change(author, at)


def clear_deleted_posts(post_ids: list[int], at: datetime) -> None:
    """Deletes what belongs to posts that were just deleted. Call inside the transaction that marked them."""
    refresh_visibility(post_ids, at)
    for model in (Like, RecountRequest, HiddenPost, PostTag):
        model._default_manager.filter(post__in=post_ids).delete()
    for hook in load_functions(settings.POST_DELETION_HOOKS):
        hook(post_ids)


def like_post(*, post: Post, member: User, at: datetime | None = None) -> bool:
    """Adds the member's like to the ledger; False when it was there already.

    Raises:
        Refused: 404 the post is not shown to the member; 403 it is their own, or they may not vote; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "like")
    require_unrestricted(user=member, doing="vote", at=at)
    if not Post.objects.shown_to(member, at).filter(pk=post.pk).exists():
        raise NotFound(_("This post does not exist."))
    if post.author_id == member.pk:
        raise Refused("own_post", _("You can't like your own picture."), status=403)
    with transaction.atomic():
        _like, is_new = Like.objects.get_or_create(post=post, member=member, defaults={"created_at": at})
        if is_new:
            request_recount([post.pk])
            notify(recipient=post.author, kind="post.liked", target=post, actor=member, at=at)
            emit(user=post.author, event="post.liked", target=post, at=at)
    return is_new


def unlike_post(*, post: Post, member: User, at: datetime | None = None) -> bool:
    """Withdraws the member's like, whatever happened to the post; False when there was none.

    Raises:
        Refused: 429 too often.
    """
    check_member_rate(member, "like")
    with transaction.atomic():
        deleted, _rows = Like.objects.filter(post=post, member=member).delete()
        if deleted:
            request_recount([post.pk])
    return bool(deleted)


def hide_post(*, post: Post, member: User, at: datetime | None = None) -> bool:
    """“Not interested”: keeps the post out of the member's lists; False when it was hidden already.

    Of more than 5,000 hidden posts the oldest are shown again.

    Raises:
        Refused: 404 the post is not shown to the member; 400 it is their own; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "people")
    if not Post.objects.visible_to(member, at).filter(pk=post.pk).exists():
        raise NotFound(_("This post does not exist."))
    if post.author_id == member.pk:
        raise Refused("own_post", _("This is your own picture. Take it down if you do not want it shown."))
    _row, is_new = HiddenPost.objects.get_or_create(member=member, post=post, defaults={"created_at": at})
    if is_new:
        old = HiddenPost.objects.filter(member=member).order_by("-created_at", "-pk").values("pk")[MAX_HIDDEN:]
        HiddenPost.objects.filter(pk__in=list(old)).delete()
    remember_own_change(member, at)
    return is_new


def unhide_post(*, post: Post, member: User, at: datetime | None = None) -> bool:
    """Shows a hidden post in the member's lists again; False when it was not hidden. Raises Refused (429)."""
    check_member_rate(member, "people")
    deleted, _rows = HiddenPost.objects.filter(member=member, post=post).delete()
    remember_own_change(member, at or timezone.now())
    return bool(deleted)


def tag_post(*, post: Post, author: User, tags: Iterable[str], at: datetime | None = None) -> None:
    """Sets the tags of the author's own post. Idempotent.

    Raises:
        Refused: 404 not theirs; 403 restricted; 400 with fields["tags"] for tags that are too many, too long or break
            a rule; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(author, "publish")
    require_unrestricted(user=author, doing="publish", at=at)
    names = tags_services.clean_tags(tags, author=author, at=at)
    with transaction.atomic():
        own = Post.objects.select_for_update(no_key=True).filter(pk=post.pk, author=author, deleted_at=None).first()
        if own is None:
            raise NotFound(_("You have no such post."))
        _set_tags(own, names, at)


def _set_tags(post: Post, names: Sequence[str], at: datetime) -> None:
    tags_services.set_tags(post.pk, names)
    refresh_visibility([post.pk], at)  # search reads tags


def alias_tag(*, alias: Tag, tag: Tag | None, at: datetime | None = None) -> None:
    """From now on `tag` is meant where `alias` is written, also on posts that have it already; None ends that.

    Raises:
        Refused: 400 when it would lead back to itself.
    """
    with transaction.atomic():
        posts = tags_services.replace_tag(alias=alias, tag=tag)
        refresh_visibility(posts, at or timezone.now())


def respell_tags(at: datetime) -> int:
    """Brings tags that an earlier version spelled otherwise to today's spelling; returns how many. Idempotent.

    One whose spelling another tag has becomes an alias of that.
    """
    changed = 0
    for tag in Tag.objects.order_by("pk").iterator():
        name = normalise_tag(tag.name)
        if name in ("", tag.name):
            continue
        other = Tag.objects.filter(name=name).first()
        if other and tag.alias_of_id:
            continue
        changed += 1
        rename_muted_tag(tag.name, name)
        if other:
            alias_tag(alias=tag, tag=other, at=at)
            continue
        with transaction.atomic():
            Tag.objects.filter(pk=tag.pk).update(name=name)
            refresh_visibility(list(PostTag.objects.filter(tag=tag).values_list("post_id", flat=True)), at)
    return changed


def pin_post(*, post: Post, author: User, at: datetime | None = None) -> bool:
    """Pins a post to the top of its author's profile; returns whether it was not. Idempotent.

    Raises:
        Refused: 409 for one more than `MAX_PINNED`, or for a post that is not published.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).only("pk").get(pk=author.pk)
        own = Post.objects.published().filter(author=author)
        if not own.filter(pk=post.pk).exists():
            raise Refused("not_published", _("Publish the picture first."), status=409)
        if own.exclude(pinned_at=None).exclude(pk=post.pk).count() >= MAX_PINNED:
            words = _("You can pin %(n)s pictures. Unpin one first.") % {"n": MAX_PINNED}
            raise Refused("too_many", words, status=409)
        return bool(own.filter(pk=post.pk, pinned_at=None).update(pinned_at=at or timezone.now()))


def unpin_post(*, post: Post, author: User) -> bool:
    """Returns whether it was pinned. Idempotent."""
    return bool(Post.objects.filter(pk=post.pk, author=author).exclude(pinned_at=None).update(pinned_at=None))
