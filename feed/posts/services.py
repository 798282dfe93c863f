"""Every write of the feed: pages, API, admin and commands all call these."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import emit, notify
from feed.challenges.models import Challenge
from feed.challenges.services import enter_locked
from feed.members.models import HiddenPost, Profile
from feed.posts.lineage import ancestors_of
from feed.posts.models import Like, Post, RecountRequest
from feed.posts.recounts import request_recount
from feed.posts.visibility import refresh_visibility
from feed.screened_text import clean_alt, clean_words
from feed.tags.models import PostTag
from feed.tags.services import clean_tags, set_tags
from generation.models import Image, ImageState
from lib.errors import NotFound, Refused
from lib.hooks import load_functions
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind


def publish_image(
    *,
    image: Image,
    author: User,
    title: str = "",
    hide_prompt: bool = False,
    challenge: Challenge | None = None,
    tags: Sequence[str] | None = None,
    alt_text: str | None = None,
    at: datetime | None = None,
) -> Post:
    """Hangs a finished picture of the author's own; the same call again changes nothing but its words and tags.

    A picture has one post for ever: publishing after unpublishing keeps its age and its likes.

    Args:
        alt_text: said in place of the picture; None leaves it as it is, an empty one is the prompt again.

    Raises:
        Refused: 404 not the author's; 409 not ready, or deleted before; 403 removed by moderators or the member
            is restricted; 400 words or a tag break a rule, or the challenge's rules are not met.
    """
    at = at or timezone.now()
    require_unrestricted(user=author, doing="publish", at=at)
    # Screening is slow: before the transaction.
    title = clean_words(title, kind=TextKind.TITLE, field="title", longest=120, author=author, at=at)
    words = {} if alt_text is None else clean_alt(alt_text, image=image, author=author, at=at)
    names = None if tags is None else clean_tags(tags, author=author, at=at)
    with transaction.atomic():
        picture = _own_ready_image(image, author)
        post = _publish(picture, title=title, columns={"is_prompt_hidden": hide_prompt, **words}, at=at)
        if names is not None:
            set_tags(post, names, at)
        if challenge is not None:
            enter_locked(challenge=challenge, post=post, at=at)
    return post


def _own_ready_image(image: Image, author: User) -> Image:
    locked = (
        Image.objects.select_for_update(of=("self",), no_key=True)
        .select_related("generation")
        .filter(pk=image.pk, author=author, deleted_at=None)
        .exclude(state=ImageState.REJECTED)
        .first()
    )
    if locked is None:
        raise NotFound(_("There is no such picture among yours."))
    if locked.state == ImageState.HELD:
        raise Refused("held", _("This picture is being checked; you can publish it once that is done."), status=409)
    if locked.state != ImageState.READY:
        raise Refused("not_ready", _("This picture is not finished; publish it when it is."), status=409)
    return locked


def _publish(image: Image, *, title: str, columns: dict[str, Any], at: datetime) -> Post:
    """Call while holding the lock on `image`, whose `columns` change."""
    for name, value in columns.items():
        setattr(image, name, value)
    image.save(update_fields=list(columns))
    post, is_new = Post.objects.get_or_create(
        image=image, defaults={"author": image.author, "title": title, "published_at": at}
    )
    if post.deleted_at:
        raise Refused("deleted", _("You deleted this post for good. Make a variation and publish that."), status=409)
    if post.removed_at:
        raise Refused("removed", _("Moderators removed this post; you can appeal their decision."), status=403)
    if not is_new:
        post.title, post.unpublished_at = title, None
        post.save(update_fields=["title", "unpublished_at"])
    refresh_visibility([post.pk], at)
    image.refresh_from_db(fields=["is_public"])
    if is_new:
        _notify_of_publication(post, at)
    return post


def _notify_of_publication(post: Post, at: datetime) -> None:
    """A published remix is credited up the tree, to the authors it came from; only the first time is told."""
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
    told = parent.author_id if parent else None
    for author in User.objects.filter(pk__in=further.values("author")).exclude(pk=told):
        notify(recipient=author, kind="post.descended", target=post, actor=post.author, at=at)


def unpublish_post(*, post: Post, author: User, at: datetime | None = None) -> None:
    """Takes the author's own post down; `publish_image` puts it back at its old age. Twice is once."""
    at = at or timezone.now()
    with transaction.atomic():
        own = Post.objects.filter(pk=post.pk, author=author, deleted_at=None)
        if own.filter(unpublished_at=None).update(unpublished_at=at):
            refresh_visibility([post.pk], at)
        elif not own.exists():
            raise NotFound(_("There is no such post among yours."))


def delete_post(*, post: Post, author: User, at: datetime | None = None) -> None:
    """Blanks the author's own post for good, with its likes and entries; the picture stays theirs. Twice is once."""
    at = at or timezone.now()
    with transaction.atomic():
        own = Post.objects.filter(pk=post.pk, author=author)
        if own.filter(deleted_at=None).update(deleted_at=at, title=""):
            clear_deleted_posts([post.pk], at)
        elif not own.exists():
            raise NotFound(_("There is no such post among yours."))


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
        Refused: 404 the post is not shown to the member; 403 it is their own, or they may not vote.
    """
    at = at or timezone.now()
    require_unrestricted(user=member, doing="vote", at=at)
    if not Post.objects.shown_to(member, at).filter(pk=post.pk).exists():
        raise NotFound(_("There is no such post."))
    if post.author_id == member.pk:
        raise Refused("own_post", _("Your own picture needs no like from you."), status=403)
    with transaction.atomic():
        _like, is_new = Like.objects.get_or_create(post=post, member=member, defaults={"created_at": at})
        if is_new:
            request_recount([post.pk])
            notify(recipient=post.author, kind="post.liked", target=post, actor=member, at=at)
            emit(user=post.author, event="post.liked", target=post, at=at)
    return is_new


def unlike_post(*, post: Post, member: User, at: datetime | None = None) -> bool:
    """Withdraws the member's like; False when there was none. Always allowed, whatever happened to the post."""
    with transaction.atomic():
        deleted, _rows = Like.objects.filter(post=post, member=member).delete()
        if deleted:
            request_recount([post.pk])
    return bool(deleted)


def enter_challenge(*, challenge: Challenge, post: Post, member: User, at: datetime | None = None) -> None:
    """Enters the member's own post; entering it again changes nothing. The rules: `enter_locked`.

    Raises:
        Refused: 404 not the member's; 400 made or entered on another day, too many entries; 403 restricted.
    """
    at = at or timezone.now()
    require_unrestricted(user=member, doing="publish", at=at)
    own = Post.objects.published().filter(pk=post.pk, author=member, image__is_public=True)
    if (found := own.select_related("image__generation").first()) is None:
        raise NotFound(_("There is no such published post among yours."))
    with transaction.atomic():
        enter_locked(challenge=challenge, post=found, at=at)


def edit_profile(
    *, member: User, display_name: str, bio: str, avatar: Image | None = None, at: datetime | None = None
) -> Profile:
    """Sets a member's public words and picture; the picture must be one they published.

    Raises:
        Refused: 400 with fields, when words break a rule or the picture is not a published one of theirs.
    """
    at = at or timezone.now()
    require_unrestricted(user=member, doing="publish", at=at)
    display_name = clean_words(
        display_name, kind=TextKind.PROFILE, field="display_name", longest=60, author=member, at=at
    )
    bio = clean_words(bio, kind=TextKind.PROFILE, field="bio", longest=500, author=member, at=at)
    published = Post.objects.published().filter(author=member, image__is_public=True)
    if avatar is not None and not published.filter(image=avatar).exists():
        message = _("Choose one of your published pictures.")
        raise Refused("avatar", message, fields={"avatar": [message]})
    profile, _is_new = Profile.objects.update_or_create(
        user=member, defaults={"display_name": display_name, "bio": bio, "avatar": avatar}
    )
    return profile
