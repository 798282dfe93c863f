"""The form that adds a mute: one text field for whatever is muted."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from feed.members.models import Mute
from feed.members.queries import visible_members
from feed.members.services import LONGEST_WORDS
from generation.models import Checkpoint
from lib.errors import Refused

DAYS = [("", _("Until I take it back")), ("1", _("A day")), ("7", _("A week")), ("30", _("30 days"))]


class MuteForm(forms.Form):
    kind = forms.ChoiceField(label=_("What"), choices=Mute.Kind.choices)
    value = forms.CharField(
        label=_("Which"),
        max_length=150,
        help_text=_("A tag, words of title or prompt, the name of a checkpoint, or of a member."),
    )
    effect = forms.ChoiceField(label=_("How"), choices=Mute.Effect.choices, initial=Mute.Effect.HIDE)
    days = forms.ChoiceField(label=_("How long"), choices=DAYS, required=False)

    def muted(self, member: User, at: datetime) -> dict[str, Any]:
        """The arguments of `people.mute`.

        Raises:
            Refused: 400 with fields, where there is no such member or checkpoint.
        """
        data, days = self.cleaned_data, self.cleaned_data["days"]
        return {
            "kind": data["kind"],
            "value": named(data["kind"], data["value"], member, at),
            "effect": data["effect"],
            "expires_at": at + timedelta(days=int(days)) if days else None,
        }


def named(kind: str, words: str, member: User, at: datetime) -> str | User | Checkpoint:
    """The member or checkpoint that `words` name; for tags and words, the words.

    Raises:
        Refused: 400 with fields, where there is none of that name.
    """
    if kind == Mute.Kind.AUTHOR:
        found: User | Checkpoint | None = (
            visible_members(member, at).filter(username__iexact=words.strip().removeprefix("@")).first()
        )
    elif kind == Mute.Kind.CHECKPOINT:
        found = (Checkpoint.objects.filter(slug=words) | Checkpoint.objects.filter(name__iexact=words)).first()
    else:
        return words[: LONGEST_WORDS + 1]
    if found is None:
        message = _("There is none of that name.")
        raise Refused("unknown", message, fields={"value": [message]})
    return found
