"""Forms for appealing against quality flags and for answering appeals."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.errors import Refused
from lib.text.fields import TextField
from ratings.quality.appeals import answer_quality_appeal
from ratings.quality.models import QualityAppeal


class AppealForm(forms.Form):
    text = TextField(
        label=_("Why should these answers count?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 5})
    )


class AppealAnswerForm(forms.Form):
    answer = TextField(label=_("Your answer"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))
    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[("granted", _("Grant: answers given before the appeal count")), ("denied", _("Deny"))],
        widget=forms.RadioSelect,
    )

    def submit(self, *, appeal: QualityAppeal, member: User) -> None:
        """Answers the appeal. Raises Refused."""
        if not self.is_valid():
            raise Refused("bad_form", _("Write an answer and choose a decision."))
        is_granted = self.cleaned_data["decision"] == "granted"
        answer = self.cleaned_data["answer"]
        answer_quality_appeal(appeal=appeal, member=member, is_granted=is_granted, answer=answer)
