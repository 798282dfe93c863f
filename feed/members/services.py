"""Whom and what members want to see, and do not: every write of it."""

import re
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from feed.members.models import Block, Follow, HiddenPost, Mute
from feed.members.queries import visible_members
from feed.posts.models import Post
from feed.tags.models import Tag
from feed.tags.normalisation import normal_tag
from generation.models import Checkpoint
from lib.errors import NotFound, Refused
from moderation.restrictions.services import require_unrestricted

MOST_FOLLOWS, MOST_BLOCKS, MOST_MUTES, MOST_HIDDEN = 10_000, 2_000, 200, 5_000
LONGEST_WORDS = 60


def follow_member(*, member: User, followed: User, at: datetime | None = None) -> bool:
    """`member` finds what `followed` publishes under Following; False when it was so already.

    Raises:
        Refused: 404 there is no such member for them; 400 themselves; 403 restricted; 409 too many.
    """
    at = at or timezone.now()
    require_unrestricted(user=member, doing="vote", at=at)
    _require_another(member, followed, at)
    _require_room(Follow.objects.filter(member=member).count(), MOST_FOLLOWS)
    _row, is_new = Follow.objects.get_or_create(member=member, followed=followed, defaults={"created_at": at})
    return is_new


def unfollow_member(*, member: User, followed: User) -> bool:
    """False when they were not followed. Always allowed."""
    return bool(Follow.objects.filter(member=member, followed=followed).delete()[0])


def block_member(*, member: User, blocked: User, at: datetime | None = None) -> bool:
    """From now on neither sees anything of the other; whoever followed stops. False when it was so already.

    Raises:
        Refused: 404 there is no such member; 400 themselves; 409 too many.
    """
    at = at or timezone.now()
    if blocked.deleted_at:
        raise NotFound(_("There is no such member."))
    if member.pk == blocked.pk:
        raise Refused("own", _("That is you. Choose somebody else."))
    _require_room(Block.objects.filter(member=member).count(), MOST_BLOCKS)
    with transaction.atomic():
        _row, is_new = Block.objects.get_or_create(member=member, blocked=blocked, defaults={"created_at": at})
        Follow.objects.filter(member=member, followed=blocked).delete()
        Follow.objects.filter(member=blocked, followed=member).delete()
    return is_new


def unblock_member(*, member: User, blocked: User) -> bool:
    """False when they were not blocked."""
    return bool(Block.objects.filter(member=member, blocked=blocked).delete()[0])


def mute(
    *,
    member: User,
    kind: str,
    value: str | User | Checkpoint,
    effect: str = Mute.Effect.HIDE,
    expires_at: datetime | None = None,
    at: datetime | None = None,
) -> Mute:
    """Hides or blurs what matches in every list of the member's; the same thing again changes effect and end.

    Args:
        value: a tag or words for those kinds; a `User` or `Checkpoint` for the others.

    Raises:
        Refused: 400 with fields, for words without a letter or digit, an end in the past, themselves; 409 too many.
    """
    at = at or timezone.now()
    if expires_at is not None and expires_at <= at:
        message = _("Choose an end that lies ahead, or none.")
        raise Refused("past", message, fields={"expires_at": [message]})
    named = _named(member, Mute.Kind(kind), value)
    _require_room(Mute.objects.active(at).filter(member=member).count(), MOST_MUTES)
    row, _is_new = Mute.objects.update_or_create(
        member=member,
        kind=kind,
        **named,
        defaults={"effect": Mute.Effect(effect), "expires_at": expires_at},
        create_defaults={"effect": Mute.Effect(effect), "expires_at": expires_at, "created_at": at},
    )
    return row


def unmute(*, mute: Mute) -> None:
    """Twice is once."""
    Mute.objects.filter(pk=mute.pk).delete()


def hide_post(*, member: User, post: Post, at: datetime | None = None) -> bool:
    """“Not interested”: the post is in none of the member's lists from now on. The oldest beyond the bound goes."""
    at = at or timezone.now()
    if not Post.objects.visible_to(member, at).filter(pk=post.pk).exists():
        raise NotFound(_("There is no such post."))
    if post.author_id == member.pk:
        raise Refused("own_post", _("This is your own picture. Take it down if you do not want it shown."))
    _row, is_new = HiddenPost.objects.get_or_create(member=member, post=post, defaults={"created_at": at})
    old = HiddenPost.objects.filter(member=member).order_by("-created_at", "-pk").values("pk")[MOST_HIDDEN:]
    HiddenPost.objects.filter(pk__in=list(old)).delete() if is_new else None
    return is_new


def unhide_post(*, member: User, post: Post) -> bool:
    return bool(HiddenPost.objects.filter(member=member, post=post).delete()[0])


def normalised_words(text: str) -> str:
    """As `feed.posts.filters.Normalised` writes text, without the spaces at its ends."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def _named(member: User, kind: Mute.Kind, value: str | User | Checkpoint) -> dict[str, object]:
    """The columns that say what is muted."""
    nothing: dict[str, object] = {"value": "", "author": None, "checkpoint": None}
    if isinstance(value, User):
        if value.pk == member.pk:
            raise Refused("own", _("That is you. Choose somebody else."), fields={"value": [_("That is you.")]})
        return nothing | {"author": value}
    if isinstance(value, Checkpoint):
        return nothing | {"checkpoint": value}
    words = normal_tag(value) if kind == Mute.Kind.TAG else normalised_words(value)
    if not words or len(words) > LONGEST_WORDS:
        message = _("Write a word or a few, of at most %(longest)s characters.") % {"longest": LONGEST_WORDS}
        raise Refused("words", message, fields={"value": [message]})
    if kind == Mute.Kind.TAG:
        alias = Tag.objects.filter(name=words).exclude(alias_of=None).values_list("alias_of__name", flat=True).first()
        words = alias or words
    return nothing | {"value": words}


def _require_another(member: User, other: User, at: datetime) -> None:
    if member.pk == other.pk:
        raise Refused("own", _("That is you. Choose somebody else."))
    if not visible_members(member, at).filter(pk=other.pk).exists():
        raise NotFound(_("There is no such member."))


def _require_room(count: int, most: int) -> None:
    if count >= most:
        raise Refused("full", _("That is as many as there can be. Remove one first."), status=409)
