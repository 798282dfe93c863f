"""What comes back from a question or a pair; the service decides, the form only reads."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.errors import Refused
from ratings.asking import answers
from ratings.models import Ask, AskOutcome, QualityAppeal
from ratings.quality import appeals as appeal_services

LONGEST_DWELL = 3_600_000  # ms
CANT_TELL = "cant_tell"


class _TokenForm(forms.Form):
    token = forms.CharField(max_length=300)
    dwell_ms = forms.IntegerField(required=False, min_value=0)

    def clean_dwell_ms(self) -> int | None:
        """Milliseconds in sight, an hour at most; 0 is what a page without scripts sends, and means unknown."""
        dwell: int | None = self.cleaned_data["dwell_ms"]
        return min(dwell, LONGEST_DWELL) if dwell else None

    def read(self) -> dict[str, Any]:
        """The cleaned values; raises Refused (400) for a form that is none of ours."""
        if self.is_valid():
            return self.cleaned_data
        raise Refused(
            "bad_form",
            _("Choose one of the answers."),
            fields={name: [str(line) for line in lines] for name, lines in self.errors.items()},
        )


class AnswerForm(_TokenForm):
    """A step of the scale or “can't tell”, or else how the question was closed."""

    value = forms.ChoiceField(required=False, choices=[*((str(n), n) for n in range(1, 6)), (CANT_TELL, CANT_TELL)])
    outcome = forms.ChoiceField(
        required=False, choices=[(o.value, o.label) for o in (AskOutcome.SKIPPED, AskOutcome.DISMISSED)]
    )

    def clean(self) -> dict[str, Any]:
        if bool(self.cleaned_data.get("value")) == bool(self.cleaned_data.get("outcome")):
            raise forms.ValidationError(_("Choose one of the answers."))
        return self.cleaned_data

    def submit(self, *, rater: User, about: Collection[str]) -> None:
        """Answers, skips or dismisses; raises Refused."""
        data = self.read()
        token = data["token"]
        if data["outcome"] == AskOutcome.SKIPPED:
            answers.skip_ask(token=token, rater=rater, about=about)
        elif data["outcome"] == AskOutcome.DISMISSED:
            answers.dismiss_ask(token=token, rater=rater, about=about)
        else:
            value = None if data["value"] == CANT_TELL else int(data["value"])
            answers.answer_ask(token=token, rater=rater, value=value, dwell_ms=data["dwell_ms"], about=about)


class AppealForm(forms.Form):
    text = forms.CharField(
        label=_("Why your answers should count"), max_length=2000, widget=forms.Textarea(attrs={"rows": 5})
    )


class AppealAnswerForm(forms.Form):
    answer = forms.CharField(label=_("Your answer"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))
    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[("granted", _("Grant: what was answered before it counts")), ("denied", _("Deny"))],
        widget=forms.RadioSelect,
    )

    def submit(self, *, appeal: QualityAppeal, member: User) -> list[int]:
        """Ids of the images whose ratings count differently now; raises Refused."""
        if not self.is_valid():
            raise Refused("bad_form", _("Write an answer and choose a decision."))
        is_granted = self.cleaned_data["decision"] == "granted"
        answer = self.cleaned_data["answer"]
        return appeal_services.answer_quality_appeal(appeal=appeal, member=member, is_granted=is_granted, answer=answer)


class ComparisonForm(_TokenForm):
    outcome = forms.CharField(max_length=12)

    def submit(self, *, rater: User, about: Collection[str]) -> Ask:
        data = self.read()
        return answers.answer_comparison(
            token=data["token"], rater=rater, outcome=data["outcome"], dwell_ms=data["dwell_ms"], about=about
        )
