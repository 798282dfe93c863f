"""What the community calls a style: names are suggested, screened, liked; the most liked one is shown."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from feed.screened_text import clean_words
from feed.styles.models import EmergentStyle, StyledPost, StyleName, StyleNameLike, StyleWeek
from lib.errors import NotFound, Refused
from moderation.models import Restriction
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

LONGEST, MOST_NAMES, MOST_OF_A_MEMBER = 40, 50, 3
MOST_CALLED_SO, MOST_RISING = 100, 12
_APART = "[^[:alnum:]]"


def suggest_name(*, style: EmergentStyle, member: User, name: str, at: datetime | None = None) -> StyleName:
    """Suggests a name and likes it; a name that is there already is only liked.

    Raises:
        Refused: 400 with `fields["name"]` for words that are empty, too long, break a rule or were taken down;
            403 restricted; 409 too many.
    """
    at = at or timezone.now()
    require_unrestricted(user=member, doing="vote", at=at)
    name = clean_words(" ".join(name.split()), kind=TextKind.TITLE, field="name", longest=LONGEST, author=member, at=at)
    if not any(letter.isalnum() for letter in name):
        message = _("Write a name.")
        raise Refused("empty", message, fields={"name": [message]})
    with transaction.atomic():
        EmergentStyle.objects.select_for_update(no_key=True).get(pk=style.pk)  # the counts below must hold
        known = StyleName.objects.filter(style=style)
        found = known.filter(name__iexact=name).first()
        if found is not None and found.removed_at is not None:
            message = _("Moderators took this name down. Choose another.")
            raise Refused("removed", message, fields={"name": [message]})
        if found is None:
            if (
                known.filter(removed_at=None).count() >= MOST_NAMES
                or known.filter(suggested_by=member).count() >= MOST_OF_A_MEMBER
            ):
                raise Refused("too_many", _("That is enough names; like one that is there."), status=409)
            found = StyleName.objects.create(style=style, name=name, suggested_by=member, created_at=at)
        like_name(name=found, member=member, at=at)
    return found


def like_name(*, name: StyleName, member: User, at: datetime | None = None) -> bool:
    """False when it was liked already. Raises Refused (403) for a restricted member."""
    at = at or timezone.now()
    require_unrestricted(user=member, doing="vote", at=at)
    return StyleNameLike.objects.get_or_create(name=name, member=member, defaults={"created_at": at})[1]


def unlike_name(*, name: StyleName, member: User) -> bool:
    """False when it was not liked. Always allowed."""
    return bool(StyleNameLike.objects.filter(name=name, member=member).delete()[0])


def names_of(styles: Iterable[EmergentStyle], at: datetime) -> dict[int, list[StyleName]]:
    """Names by style id, the most liked first (`score`); likes and suggestions of the banned count for nothing."""
    banned = Restriction.objects.active(at).filter(kind=Restriction.Kind.BANNED).values("user_id")
    counted = Count("likes", filter=~Q(likes__member__in=banned))
    names = StyleName.objects.shown(at).filter(style__in=styles)
    found: dict[int, list[StyleName]] = {}
    for name in names.annotate(score=counted).order_by("-score", "created_at", "pk"):
        found.setdefault(name.style_id, []).append(name)
    return found


def named(values: Iterable[str], at: datetime) -> dict[str, list[StyleName]]:
    """Names that are shown, with their styles, by the value that says them in whatever case and punctuation.

    Values that nobody calls a style are left out.
    """
    asked = {value: _spoken(value) for value in values}
    wanted = Q(pk__in=[])
    for words in filter(None, asked.values()):  # letters and digits alone: nothing in them is a pattern
        wanted |= Q(name__iregex=f"^{_APART}*{f'{_APART}+'.join(words)}{_APART}*$")
    names = StyleName.objects.shown(at).filter(wanted).select_related("style").order_by("-pk")[:MOST_CALLED_SO]
    found: dict[str, list[StyleName]] = {}
    for name in names:
        for value, words in asked.items():
            if words == _spoken(name.name):
                found.setdefault(value, []).append(name)
    return found


def named_lately(at: datetime) -> list[str]:
    """What members call the fastest rising styles of the latest week."""
    week = StyleWeek.objects.order_by("-week").values("week")[:1]
    rows = StyleWeek.objects.filter(week=Subquery(week)).order_by("-rise", "-posts", "pk")
    styles = [row.style for row in rows.select_related("style")[:MOST_RISING]]
    names = names_of(styles, at)
    return [names[style.pk][0].name for style in styles if style.pk in names]


def _spoken(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def forget_hidden_prompts(post_ids: Collection[int], _at: datetime) -> None:
    """Takes posts with a hidden prompt out of their style, which the prompt decides (POST_VISIBILITY_HOOKS)."""
    StyledPost.objects.filter(pk__in=post_ids, post__image__is_prompt_hidden=True).delete()


def find_name(public_id: str, style: EmergentStyle, at: datetime | None = None) -> StyleName:
    """Raises NotFound, also for one that was taken down."""
    name = StyleName.objects.shown(at or timezone.now()).filter(style=style, public_id=public_id).first()
    if name is None:
        raise NotFound(_("There is no such name."))
    return name
