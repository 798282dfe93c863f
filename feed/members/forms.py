"""The forms that add a mute and edit a profile."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from feed.members.models import Mute, Profile
from feed.members.queries import visible_members
from feed.members.services import MAX_WORDS_LENGTH
from generation.models import Checkpoint, Image
from lib.errors import Refused
from lib.text.fields import LineField, TextField

DAYS = [("", _("Until I unmute it")), ("1", _("A day")), ("7", _("A week")), ("30", _("30 days"))]


MAX_AVATARS = 50  # pictures to choose from


class MuteForm(forms.Form):
    kind = forms.ChoiceField(label=_("What"), choices=Mute.Kind.choices)
    value = LineField(
        label=_("Which"),
        max_length=150,
        help_text=_("A tag, words of title or prompt, the name of a checkpoint, or of a member."),
    )
    effect = forms.ChoiceField(label=_("How"), choices=Mute.Effect.choices, initial=Mute.Effect.HIDE)
    days = forms.ChoiceField(label=_("How long"), choices=DAYS, required=False)

    def arguments(self, member: User, at: datetime) -> dict[str, Any]:
        """The arguments of `mute`.

        Raises:
            Refused: 400 with fields, where there is no such member or checkpoint.
        """
        data, days = self.cleaned_data, self.cleaned_data["days"]
        return {
            "kind": data["kind"],
            "value": find_muted(data["kind"], data["value"], member, at),
            "effect": data["effect"],
            "expires_at": at + timedelta(days=int(days)) if days else None,
        }


def find_muted(kind: str, words: str, member: User, at: datetime) -> str | User | Checkpoint:
    """The member or checkpoint that `words` name; for tags and words, the text itself.

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
        return words[: MAX_WORDS_LENGTH + 1]
    if found is None:
        message = _("Nothing has that name.")
        raise Refused("unknown", message, fields={"value": [message]})
    return found


class ProfileForm(forms.ModelForm[Profile]):
    class Meta:
        model = Profile
        fields = ["display_name", "bio", "avatar"]
        field_classes = {"display_name": LineField, "bio": TextField}
        labels = {"display_name": _("Name"), "bio": _("About you"), "avatar": _("Picture")}
        widgets = {"bio": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, member: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        published = Image.objects.filter(author=member, is_public=True)
        newest = published.order_by("-post__published_at", "-post").values("pk")[:MAX_AVATARS]
        offered = published.filter(Q(pk__in=newest) | Q(pk=self.instance.avatar_id))
        avatar = forms.ModelChoiceField(
            label=_("Picture"),
            queryset=offered.select_related("post").order_by("-post__published_at"),
            required=False,
            empty_label=_("None"),
            to_field_name="public_id",
            help_text=_("One of your %(n)s newest published pictures, or the one you have now.") % {"n": MAX_AVATARS},
        )
        avatar.label_from_instance = _title_of  # type: ignore[method-assign, assignment]
        self.fields["avatar"] = avatar
        self.initial["avatar"] = self.instance.avatar  # the row: a bare key would match no public id


def _title_of(image: Image) -> str:
    return image.post.title or image.alt_text or image.public_id
