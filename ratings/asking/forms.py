"""The forms of a question and of a pair. They only parse; the services decide."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.errors import Refused
from lib.text.fields import LineField
from ratings.asking import services
from ratings.asking.models import Ask, AskOutcome, Surface

LONGEST_DWELL = 3_600_000  # ms
CANT_TELL = "cant_tell"


class TokenForm(forms.Form):
    """The token of an ask, and how long it was seen."""

    token = LineField(max_length=300)
    dwell_ms = forms.IntegerField(required=False, min_value=0)

    def clean_dwell_ms(self) -> int | None:
        """Milliseconds visible, an hour at most. A page without scripts sends 0, which means unknown."""
        dwell: int | None = self.cleaned_data["dwell_ms"]
        return min(dwell, LONGEST_DWELL) if dwell else None

    def read(self) -> dict[str, Any]:
        """The cleaned values. Raises Refused (400) for an invalid form."""
        if self.is_valid():
            return self.cleaned_data
        raise Refused(
            "bad_form",
            _("Choose one of the answers."),
            fields={name: [str(line) for line in lines] for name, lines in self.errors.items()},
        )


class AnswerForm(TokenForm):
    """A step of the scale or “can't tell”, or else skipped or dismissed."""

    value = forms.ChoiceField(required=False, choices=[*((str(n), n) for n in range(1, 6)), (CANT_TELL, CANT_TELL)])
    outcome = forms.ChoiceField(
        required=False, choices=[(o.value, o.label) for o in (AskOutcome.SKIPPED, AskOutcome.DISMISSED)]
    )

    def clean(self) -> dict[str, Any]:
        if bool(self.cleaned_data.get("value")) == bool(self.cleaned_data.get("outcome")):
            raise forms.ValidationError(_("Choose one of the answers."))
        return self.cleaned_data

    def submit(self, *, rater: User, about: Collection[str]) -> None:
        """Answers, skips or dismisses the ask. Raises Refused."""
        data = self.read()
        token = data["token"]
        if data["outcome"] == AskOutcome.SKIPPED:
            services.skip_ask(token=token, rater=rater, about=about)
        elif data["outcome"] == AskOutcome.DISMISSED:
            services.dismiss_ask(token=token, rater=rater, about=about)
        else:
            value = None if data["value"] == CANT_TELL else int(data["value"])
            services.answer_ask(token=token, rater=rater, value=value, dwell_ms=data["dwell_ms"], about=about)


class ComparisonForm(TokenForm):
    """A side, a tie, both bad or skip."""

    outcome = LineField(max_length=12)

    def submit(self, *, rater: User, about: Collection[str], surface: Surface = Surface.COMPARE) -> Ask:
        data = self.read()
        answer = {name: data[name] for name in ("token", "outcome", "dwell_ms")}
        return services.answer_comparison(**answer, rater=rater, surface=surface, about=about)
