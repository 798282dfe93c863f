"""Forms of the settings pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts.models import EXPLAINED, User, WebhookEvent
from lib.content_levels import ContentLevel
from lib.text.fields import LineField, LineUrlField

THEMES = [("", _("As on my device")), ("light", _("Light")), ("dark", _("Dark"))]


class ViewingForm(forms.Form):
    max_level = forms.TypedChoiceField(
        label=_("Show me pictures up to"), choices=ContentLevel.choices, coerce=int, widget=forms.RadioSelect
    )
    is_adult = forms.BooleanField(
        label=_("I am 18 or older"),
        required=False,
        help_text=_("Needed for mature pictures. We take your word for it."),
    )

    def __init__(self, *args: Any, member: User, **kwargs: Any) -> None:
        kwargs["initial"] = {"max_level": member.max_level, "is_adult": member.is_adult}
        super().__init__(*args, **kwargs)
        if settings.SAFE_MODE:
            self.fields["max_level"].disabled = True
            self.fields["max_level"].help_text = _("This site shows general pictures only.")


class AppearanceForm(forms.Form):
    """Kept by the browser, not by the account."""

    theme = forms.ChoiceField(label=_("Colours"), choices=THEMES, required=False, widget=forms.RadioSelect)
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(settings.LANGUAGES) < 2:
            del self.fields["language"]
        else:
            names = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
            self.fields["language"].choices = [("", _("As in my browser")), *names]  # type: ignore[attr-defined]


class ConsentForm(forms.Form):
    """One box a purpose, in the words of `EXPLAINED`."""

    def __init__(self, *args: Any, granted: set[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for purpose, words in EXPLAINED.items():
            self.fields[purpose.value] = forms.BooleanField(
                label=str(purpose.label), required=False, initial=purpose.value in granted, help_text=str(words)
            )


class WebhookForm(forms.Form):
    url = LineUrlField(label=_("Address"), max_length=500, assume_scheme="https")
    events = forms.MultipleChoiceField(
        label=_("Send events for"), choices=WebhookEvent.choices, widget=forms.CheckboxSelectMultiple
    )


class DeletionForm(forms.Form):
    username = LineField(label=_("Your user name"), help_text=_("Type it to say that you mean it."))

    def __init__(self, *args: Any, member: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member = member

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        if name.casefold() != self.member.username.casefold():
            raise forms.ValidationError(_("That is not your user name."))
        return name
