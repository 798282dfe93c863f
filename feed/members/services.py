"""Following, blocking, muting and the profile: every write about whom and what a member wants to see."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from feed.members.models import Block, Follow, Mute, Profile
from feed.members.own_changes import remember_own_change
from feed.members.queries import visible_members
from feed.rates import check_member_rate
from feed.screened_text import clean_text
from feed.tags.models import Tag
from generation.models import Checkpoint, Image
from lib.errors import NotFound, Refused
from lib.text import count_units, spell_words, words_of
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

MAX_FOLLOWS, MAX_BLOCKS, MAX_MUTES = 10_000, 2_000, 200
MAX_WORDS_LENGTH = 60  # UTF-16 code units, as browsers count
LONGEST_MUTE = timedelta(days=36_500)


def follow_member(*, member: User, followed: User, at: datetime | None = None) -> bool:
    """`member` sees what `followed` publishes under Following; False when it was so already.

    Raises:
        Refused: 404 there is no such member for them; 400 themselves; 403 restricted; 409 too many; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "people")
    require_unrestricted(user=member, doing="vote", at=at)
    _require_another(member, followed, at)
    _require_below(Follow.objects.filter(member=member).count(), MAX_FOLLOWS)
    _row, is_new = Follow.objects.get_or_create(member=member, followed=followed, defaults={"created_at": at})
    remember_own_change(member, at)
    return is_new


def unfollow_member(*, member: User, followed: User, at: datetime | None = None) -> bool:
    """False when they were not followed. Restricted members may too. Raises Refused (429)."""
    check_member_rate(member, "people")
    deleted, _rows = Follow.objects.filter(member=member, followed=followed).delete()
    remember_own_change(member, at or timezone.now())
    return bool(deleted)


def block_member(*, member: User, blocked: User, at: datetime | None = None) -> bool:
    """From now on neither sees anything of the other; whoever followed stops. False when it was so already.

    Raises:
        Refused: 404 there is no such member; 400 themselves; 409 too many; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "people")
    if blocked.deleted_at:
        raise NotFound(_("This member does not exist."))
    if member.pk == blocked.pk:
        raise Refused("own", _("That's you. Choose somebody else."))
    _require_below(Block.objects.filter(member=member).count(), MAX_BLOCKS)
    with transaction.atomic():
        _row, is_new = Block.objects.get_or_create(member=member, blocked=blocked, defaults={"created_at": at})
        Follow.objects.filter(member=member, followed=blocked).delete()
        Follow.objects.filter(member=blocked, followed=member).delete()
    remember_own_change(member, at)
    return is_new


def unblock_member(*, member: User, blocked: User, at: datetime | None = None) -> bool:
    """False when they were not blocked. Raises Refused (429)."""
    check_member_rate(member, "people")
    deleted, _rows = Block.objects.filter(member=member, blocked=blocked).delete()
    remember_own_change(member, at or timezone.now())
    return bool(deleted)


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
        Refused: 400 with fields, for words without a letter or digit, an end in the past, themselves; 409 too
            many; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "people")
    if expires_at is not None and not at < expires_at < at + LONGEST_MUTE:
        message = _("Choose a time in the next hundred years, or none.")
        raise Refused("past", message, fields={"expires_at": [message]})
    named = _named(member, Mute.Kind(kind), value)
    _require_below(Mute.objects.active(at).filter(member=member).count(), MAX_MUTES)
    words = " ".join(words_of(value)) if kind == Mute.Kind.WORD and isinstance(value, str) else ""
    chosen: dict[str, Any] = {"effect": Mute.Effect(effect), "expires_at": expires_at, "words": words}
    row, _is_new = Mute.objects.update_or_create(
        member=member,
        kind=kind,
        **named,
        defaults=chosen,
        create_defaults=chosen | {"created_at": at},
    )
    remember_own_change(member, at)
    return row


def unmute(*, mute: Mute, at: datetime | None = None) -> None:
    """Idempotent. Raises Refused (429)."""
    check_member_rate(mute.member, "people")
    Mute.objects.filter(pk=mute.pk).delete()
    remember_own_change(mute.member, at or timezone.now())


def edit_profile(
    *, member: User, display_name: str, bio: str, avatar: Image | None = None, at: datetime | None = None
) -> Profile:
    """Sets a member's public name, bio and avatar; the avatar must be a picture they published.

    Raises:
        Refused: 400 with fields, when a text breaks a rule or the picture is not a published one of theirs; 403
            restricted; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "profile")
    require_unrestricted(user=member, doing="publish", at=at)
    kind = TextKind.PROFILE
    display_name = clean_text(display_name, kind=kind, field="display_name", max_length=60, author=member, at=at)
    bio = clean_text(bio, kind=kind, field="bio", max_length=500, author=member, at=at, has_lines=True)
    if avatar is not None and not Image.objects.filter(pk=avatar.pk, author=member, is_public=True).exists():
        message = _("Choose one of your published pictures.")
        raise Refused("avatar", message, fields={"avatar": [message]})
    profile, _is_new = Profile.objects.update_or_create(
        user=member, defaults={"display_name": display_name, "bio": bio, "avatar": avatar}
    )
    return profile


def _named(member: User, kind: Mute.Kind, value: str | User | Checkpoint) -> dict[str, object]:
    """The columns that say what is muted."""
    nothing: dict[str, object] = {"value": "", "author": None, "checkpoint": None}
    if isinstance(value, User):
        if value.pk == member.pk:
            raise Refused("own", _("That's you. Choose somebody else."), fields={"value": [_("That's you.")]})
        return nothing | {"author": value}
    if isinstance(value, Checkpoint):
        return nothing | {"checkpoint": value}
    words = spell_words(value)
    if not words or count_units(words) > MAX_WORDS_LENGTH:
        message = _("Write one or more words, with at most %(longest)s characters.") % {"longest": MAX_WORDS_LENGTH}
        raise Refused("words", message, fields={"value": [message]})
    if kind == Mute.Kind.TAG:
        alias = Tag.objects.filter(name=words).exclude(alias_of=None).values_list("alias_of__name", flat=True).first()
        words = alias or words
    return nothing | {"value": words}


def rename_muted_tag(old: str, new: str) -> None:
    """Mutes of a tag follow it to its new spelling."""
    muted = Mute.objects.filter(kind=Mute.Kind.TAG)
    muted.filter(value=old, member__in=muted.filter(value=new).values("member")).delete()
    muted.filter(value=old).update(value=new)


def recut_mutes() -> int:
    """Brings muted words to the cut of today's tokeniser; returns how many changed. Idempotent."""
    changed = 0
    for mute in Mute.objects.filter(kind=Mute.Kind.WORD).order_by("pk").iterator():
        words = " ".join(words_of(mute.value))
        if words != mute.words:
            changed += Mute.objects.filter(pk=mute.pk, value=mute.value).update(words=words)
    return changed


def _require_another(member: User, other: User, at: datetime) -> None:
    if member.pk == other.pk:
        raise Refused("own", _("That's you. Choose somebody else."))
    if not visible_members(member, at).filter(pk=other.pk).exists():
        raise NotFound(_("This member does not exist."))


def _require_below(count: int, most: int) -> None:
    if count >= most:
        raise Refused("full", _("Your list is full. Remove something first."), status=409)
