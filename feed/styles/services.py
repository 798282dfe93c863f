"""Names for emergent styles: members suggest and like them, and the name with the most likes is shown."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from feed.rates import check_member_rate
from feed.screened_text import clean_text
from feed.styles.models import EmergentStyle, StyledPost, StyleName, StyleNameLike
from lib.errors import NotFound, Refused
from lib.text import words_of
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

LONGEST, MOST_NAMES, MOST_NAMES_OF_MEMBER = 40, 50, 3


def suggest_name(*, style: EmergentStyle, member: User, name: str, at: datetime | None = None) -> StyleName:
    """Suggests a name and likes it; a name that exists already is only liked.

    Raises:
        Refused: 400 with `fields["name"]` for a name that is empty, too long, breaks a rule or was removed;
            403 for a restricted member; 409 for too many names; 429 for a member who is too fast.
    """
    at = at or timezone.now()
    check_member_rate(member, "people")
    require_unrestricted(user=member, doing="vote", at=at)
    name = clean_text(name, kind=TextKind.TITLE, field="name", max_length=LONGEST, author=member, at=at)
    if not words_of(name):
        message = _("Enter a name.")
        raise Refused("empty", message, fields={"name": [message]})
    with transaction.atomic():
        EmergentStyle.objects.select_for_update(no_key=True).get(pk=style.pk)  # so that the counts below hold
        found = _find_or_create_name(style, member, name, at)
        StyleNameLike.objects.get_or_create(name=found, member=member, defaults={"created_at": at})
    return found


def _find_or_create_name(style: EmergentStyle, member: User, name: str, at: datetime) -> StyleName:
    known = StyleName.objects.filter(style=style)
    found = known.filter(name__iexact=name).first()
    if found is None:
        is_full = known.filter(removed_at=None).count() >= MOST_NAMES
        if is_full or known.filter(suggested_by=member).count() >= MOST_NAMES_OF_MEMBER:
            raise Refused("too_many", _("There are enough names. Like one of them instead."), status=409)
        return StyleName.objects.create(style=style, name=name, suggested_by=member, created_at=at)
    if found.removed_at is not None:
        message = _("Moderators removed this name. Choose another.")
        raise Refused("removed", message, fields={"name": [message]})
    return found


def like_name(*, style: EmergentStyle, name_id: str, member: User, at: datetime | None = None) -> bool:
    """Likes the name with this public id; False if the member liked it already.

    Raises:
        Refused: 403 for a restricted member; 404 for an unknown or removed name; 429 for a member who is too fast.
    """
    at = at or timezone.now()
    check_member_rate(member, "like")
    name = _find_name(name_id, style, at)
    require_unrestricted(user=member, doing="vote", at=at)
    return StyleNameLike.objects.get_or_create(name=name, member=member, defaults={"created_at": at})[1]


def unlike_name(*, style: EmergentStyle, name_id: str, member: User, at: datetime | None = None) -> bool:
    """Withdraws a like, which restricted members may do too; False if there was none.

    Raises:
        Refused: 404 for an unknown or removed name; 429 for a member who is too fast.
    """
    check_member_rate(member, "like")
    name = _find_name(name_id, style, at or timezone.now())
    return bool(StyleNameLike.objects.filter(name=name, member=member).delete()[0])


def forget_hidden_prompts(post_ids: Collection[int], _at: datetime) -> None:
    """Takes posts with a hidden prompt out of their style, which the prompt decides (POST_VISIBILITY_HOOKS)."""
    StyledPost.objects.filter(pk__in=post_ids, post__image__is_prompt_hidden=True).delete()


def _find_name(public_id: str, style: EmergentStyle, at: datetime) -> StyleName:
    name = StyleName.objects.shown(at).filter(style=style, public_id=public_id).first()
    if name is None:
        raise NotFound(_("There is no such name."))
    return name
