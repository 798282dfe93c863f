"""The form that chooses which notifications come, and where."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from feed.notifications.models import NotificationChoice, NotificationSettings
from feed.notifications.queries import ALWAYS, KINDS


class NotificationSettingsForm(forms.Form):
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
