"""Publishing with everything the sheet offers, and acting on many of one's own pictures at a time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from feed.challenges.models import Challenge
from feed.challenges.services import publish_into_challenge
from feed.collections.models import Collection
from feed.collections.services import save_post, unsave_post
from feed.posts.models import Post
from feed.posts.services import unpublish_post
from feed.rates import check_member_rate, unlimited
from generation.models import Image
from generation.services import delete_image, mark_favourite
from lib.errors import NotFound, Refused

MAX_AT_ONCE = 60


def publish_picture(
    *,
    image: Image,
    author: User,
    challenge: Challenge | None = None,
    collection: Collection | None = None,
    at: datetime | None = None,
    **fields: Any,
) -> Post:
    """`publish_image` with its `fields`; in the same transaction the post enters a challenge and a collection.

    Raises:
        Refused: as `publish_image`, `enter_locked` and `save_post`; then nothing is published.
    """
    at = at or timezone.now()

    def collect(post: Post) -> None:
        if collection is not None:
            save_post(post=post, member=author, collection=collection, at=at)

    return publish_into_challenge(
        image=image, author=author, challenge=challenge, at=at, before_commit=collect, **fields
    )


@dataclass(frozen=True)
class Outcome:
    """What became of one picture, in a sentence."""

    image: Image
    is_done: bool
    message: str


def act_on_pictures(
    *,
    author: User,
    public_ids: Iterable[str],
    action: str,
    at: datetime | None = None,
    **more: Any,
) -> list[Outcome]:
    """Does one thing to each of the author's own pictures, 60 at most; one that refuses keeps no other back.

    Args:
        action: a key of `ACTIONS`.
        more: for "publish" the arguments of `publish_picture`, for "collect" and "uncollect" a `collection`.

    Raises:
        Refused: 400 for no picture, too many, or an unknown action; 429 too often.
    """
    at = at or timezone.now()
    wanted = list(dict.fromkeys(public_ids))
    if action not in ACTIONS:
        raise Refused("unknown_action", _("Choose what to do with the pictures."))
    if not wanted:
        raise Refused("no_pictures", _("Select some pictures first."))
    if len(wanted) > MAX_AT_ONCE:
        raise Refused("too_many", _("Select at most %(n)s pictures at a time.") % {"n": MAX_AT_ONCE})
    check_member_rate(author, "publish")
    own = Image.objects.kept().filter(author=author, public_id__in=wanted).select_related("generation")
    found = {image.public_id: image for image in own}
    if not found:
        raise NotFound(_("You have no such pictures."))
    with unlimited():  # the press of one button was counted above
        return [_act(found[each], author, ACTIONS[action], at, more) for each in wanted if each in found]


Action = Callable[[Image, User, datetime, dict[str, Any]], str]


def _act(image: Image, author: User, action: Action, at: datetime, more: dict[str, Any]) -> Outcome:
    try:
        return Outcome(image, is_done=True, message=action(image, author, at, more))
    except Refused as refused:
        return Outcome(image, is_done=False, message=refused.message)


def _publish(image: Image, author: User, at: datetime, more: dict[str, Any]) -> str:
    was_public = image.is_public
    publish_picture(image=image, author=author, at=at, **more)
    return _("Was published already.") if was_public else _("Published.")


def _unpublish(image: Image, author: User, at: datetime, more: dict[str, Any]) -> str:
    unpublish_post(post=_post_of(image), author=author, at=at)
    return _("No longer published.")


def _delete(image: Image, author: User, at: datetime, more: dict[str, Any]) -> str:
    delete_image(image=image, author=author, at=at)
    return _("Deleted.")


def _favourite(image: Image, author: User, at: datetime, more: dict[str, Any]) -> str:
    mark_favourite(image=image, author=author, is_favourite=True)
    return _("A favourite now.")


def _unfavourite(image: Image, author: User, at: datetime, more: dict[str, Any]) -> str:
    mark_favourite(image=image, author=author, is_favourite=False)
    return _("No longer a favourite.")


def _collect(image: Image, author: User, at: datetime, more: dict[str, Any]) -> str:
    is_new = save_post(post=_post_of(image), member=author, at=at, **more)
    return _("Collected.") if is_new else _("Was in this collection already.")


def _uncollect(image: Image, author: User, at: datetime, more: dict[str, Any]) -> str:
    unsave_post(post=_post_of(image), member=author, **more)
    return _("Taken out of the collection.")


def _post_of(image: Image) -> Post:
    post = Post.objects.published().filter(image=image).first()
    if post is None:
        raise NotFound(_("Not published: publish it first."))
    return post


ACTIONS: dict[str, Action] = {
    "publish": _publish,
    "unpublish": _unpublish,
    "delete": _delete,
    "favourite": _favourite,
    "unfavourite": _unfavourite,
    "collect": _collect,
    "uncollect": _uncollect,
}
UNDO = {"publish": "unpublish", "favourite": "unfavourite", "unfavourite": "favourite", "collect": "uncollect"}
"""What takes an action back; deleting cannot be taken back, and is asked about first."""
