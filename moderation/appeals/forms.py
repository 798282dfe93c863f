"""An appeal and its answer."""

from django import forms
from django.utils.translation import gettext_lazy as _

from lib.text.fields import TextField


class AppealForm(forms.Form):
    text = TextField(label=_("Why is the decision wrong?"), max_length=4000, widget=forms.Textarea({"rows": 5}))


class AnswerForm(forms.Form):
    answer = TextField(label=_("Your answer"), max_length=4000, widget=forms.Textarea({"rows": 4}))
