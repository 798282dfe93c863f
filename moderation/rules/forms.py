"""Adding or changing a text rule, and taking one away."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lib.text.fields import LineField, TextField
from moderation.screening.models import Rule

_MONO = {"rows": 3, "class": "mono"}


class RuleForm(forms.ModelForm[Rule]):
    must_match = TextField(label=_("Must match"), help_text=_("Phrases that the rule has to find, one a line"))
    must_not_match = TextField(label=_("Must not match"), help_text=_("Phrases that the rule has to pass, one a line"))
    why = LineField(label=_("Why"), max_length=300, help_text=_("Recorded with your change"))

    class Meta:
        model = Rule
        fields = ["slug", "pattern", "second_pattern", "clears", "eased_by", "must_match", "must_not_match", "effect",
                  "level", "category", "reason"]  # fmt: skip
        field_classes = dict.fromkeys(["pattern", "second_pattern", "clears", "eased_by", "reason"], LineField)
        widgets = {name: forms.Textarea(_MONO) for name in ("pattern", "second_pattern", "clears", "eased_by")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("must_match", "must_not_match"):
            self.initial[name] = "\n".join(self.initial.get(name) or [])

    def clean_must_match(self) -> list[str]:
        return _lines(self.cleaned_data["must_match"])

    def clean_must_not_match(self) -> list[str]:
        return _lines(self.cleaned_data["must_not_match"])


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class RetireForm(forms.Form):
    why = LineField(label=_("Why"), max_length=300)
