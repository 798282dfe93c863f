"""Forms of the feed; rules that need the database are the services'."""

from typing import Any, cast

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from feed.collections.models import Collection
from feed.members.models import Profile
from feed.notifications.models import NotificationChoice, NotificationSettings
from feed.notifications.queries import ALWAYS, KINDS
from feed.posts.models import Post
from feed.screened_text import LONGEST_ALT
from generation.models import Image
from lib.errors import Refused

MOST_AVATARS = 50  # pictures to choose from


def show_refusal(form: forms.BaseForm, refused: Refused) -> None:
    """Puts what a service refused beside the fields it is about."""
    if not refused.fields:
        form.add_error(None, refused.message)
    for name, lines in refused.fields.items():
        for line in lines:
            form.add_error(name if name in form.fields else None, line)


class PublishForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=120, required=False)
    tags = forms.CharField(
        label=_("Tags"),
        max_length=600,
        required=False,
        help_text=_("Up to 12, with commas between: night sky, watercolour."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-tags": ""}),
    )
    alt_text = forms.CharField(
        label=_("Alternative text"),
        max_length=LONGEST_ALT,
        required=False,
        help_text=_(
            "What the picture shows, for people who cannot see it. Left empty, it is the prompt, unless you hide that."
        ),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    hide_prompt = forms.BooleanField(
        label=_("Hide the prompt"),
        help_text=_("Nobody but you can read, copy or search it, and the picture enters no dataset."),
        required=False,
    )
    enter_challenge = forms.BooleanField(label=_("Enter today's challenge"), required=False)

    def __init__(self, *args: Any, theme: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if theme:
            self.fields["enter_challenge"].help_text = theme
        else:
            del self.fields["enter_challenge"]

    def clean_alt_text(self) -> str | None:
        """None where the field was not there, as beside a new picture: then the words stay as they are."""
        return self.cleaned_data["alt_text"] if "alt_text" in self.data else None

    def clean_tags(self) -> list[str]:
        return str(self.cleaned_data["tags"]).split(",")


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_("Comment"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "data-submit-on-enter": ""}),
    )


class CollectionForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    visibility = forms.ChoiceField(
        label=_("Who can see it"),
        choices=Collection.Visibility.choices,
        widget=forms.RadioSelect,
        initial=Collection.Visibility.PRIVATE,
    )


class ShareForm(forms.Form):
    username = forms.CharField(label=_("Member"), max_length=150)
    may_add = forms.BooleanField(label=_("They may add pictures"), required=False)


class CollectForm(forms.Form):
    collections = forms.MultipleChoiceField(label=_("Collections"), required=False, widget=forms.CheckboxSelectMultiple)
    name = forms.CharField(label=_("A new collection"), max_length=80, required=False)

    def __init__(self, *args: Any, rows: list[tuple[Collection, bool]], **kwargs: Any) -> None:
        chosen = [row.public_id for row, has_post in rows if has_post]
        super().__init__(*args, **{"initial": {"collections": chosen}, **kwargs})
        field = cast(forms.MultipleChoiceField, self.fields["collections"])
        field.choices = [(row.public_id, row.name) for row, _has in rows]


class ProfileForm(forms.ModelForm[Profile]):
    class Meta:
        model = Profile
        fields = ["display_name", "bio", "avatar"]
        labels = {"display_name": _("Name"), "bio": _("About you"), "avatar": _("Picture")}
        widgets = {"bio": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, member: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        published = Post.objects.published().filter(author=member, image__is_public=True)
        newest = published.order_by("-published_at", "-pk").values("pk")[:MOST_AVATARS]
        offered = published.filter(Q(pk__in=newest) | Q(image=self.instance.avatar_id))
        avatar = forms.ModelChoiceField(
            label=_("Picture"),
            queryset=Image.objects.filter(post__in=offered).select_related("post").order_by("-post__published_at"),
            required=False,
            empty_label=_("None"),
            to_field_name="public_id",
            help_text=_("One of your %(n)s newest published pictures, or the present one.") % {"n": MOST_AVATARS},
        )
        avatar.label_from_instance = _title_of  # type: ignore[method-assign, assignment]
        self.fields["avatar"] = avatar
        self.initial["avatar"] = self.instance.avatar  # the row: a bare key would match no public id


def _title_of(image: Image) -> str:
    return image.post.title or image.alt_text or image.public_id


class NoticeForm(forms.Form):
    """A row of two boxes for each kind of notification, and how often mail comes."""

    digest = forms.ChoiceField(
        label=_("A summary by mail"), choices=NotificationSettings.Digest.choices, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, member: User, **kwargs: Any) -> None:
        chosen = {row.kind: row for row in NotificationChoice.objects.filter(member=member)}
        digest = NotificationSettings.objects.filter(member=member).values_list("digest", flat=True).first()
        super().__init__(*args, **{"initial": {"digest": digest or NotificationSettings.Digest.NEVER}, **kwargs})
        for kind in KINDS:
            row = chosen.get(kind)
            is_fixed = kind in ALWAYS
            shown = is_fixed or row is None or row.on_site
            self.fields[f"site:{kind}"] = forms.BooleanField(required=False, initial=shown, disabled=is_fixed)
            self.fields[f"mail:{kind}"] = forms.BooleanField(required=False, initial=row is None or row.by_mail)

    def rows(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """What the kind is called, its box for the site, its box for mail."""
        return [(str(label), self[f"site:{kind}"], self[f"mail:{kind}"]) for kind, label in KINDS.items()]

    def choices(self) -> dict[str, tuple[bool, bool]]:
        """By kind: on the site, by mail."""
        values = self.cleaned_data
        return {kind: (values[f"site:{kind}"], values[f"mail:{kind}"]) for kind in KINDS}
