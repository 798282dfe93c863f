"""A notice from outside."""

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from lib.text.fields import LineField, TextField
from moderation.notices.models import Notice


class NoticeForm(forms.Form):
    kind = forms.ChoiceField(label=_("What is it?"), choices=Notice.Kind.choices, widget=forms.RadioSelect)
    url = LineField(
        label=_("Address of the page on this site"),
        max_length=500,
        help_text=_("Open the picture, and copy what your browser shows in the address bar."),
    )
    explanation = TextField(
        label=_("What should we know?"),
        max_length=4000,
        widget=forms.Textarea({"rows": 5}),
        help_text=_("For your own work: what it is, and where the original can be seen."),
    )
    name = LineField(
        label=_("Your name"), max_length=120, required=False, help_text=_("Needed for your own work only.")
    )
    email = LineField(
        max_length=254,
        validators=[validate_email],
        widget=forms.EmailInput(),
        label=_("Your e-mail address"),
        required=False,
        help_text=_("So that we can answer. The author does not see it."),
    )
    is_true = forms.BooleanField(label=_("What I say here is true, as far as I know"))

    def clean(self) -> None:
        made = self.cleaned_data
        if made.get("kind") == Notice.Kind.COPYRIGHT:
            for field in ("name", "email"):
                if not made.get(field) and field not in self.errors:
                    self.add_error(field, _("A notice about your own work needs this."))
