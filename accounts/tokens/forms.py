"""The form that makes a token."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tokens.scopes import usual_scopes
from accounts.tokens.services import scopes_for
from lib.text.fields import LineField

DAYS = [("30", _("in 30 days")), ("90", _("in 90 days")), ("365", _("in a year")), ("", _("never"))]


class TokenForm(forms.Form):
    name = LineField(label=_("Name"), max_length=60, help_text=_("What it is for, so that you know it again."))
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        initial=usual_scopes,
        error_messages={"required": _("Choose at least one.")},
    )
    days = forms.TypedChoiceField(
        label=_("Expires"), choices=DAYS, coerce=int, empty_value=None, required=False, initial="365"
    )

    def __init__(self, *args: Any, member: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(scope.value, scope.label) for scope in scopes_for(member)]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]
