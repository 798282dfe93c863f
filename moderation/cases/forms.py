"""Reporting, and deciding a case."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lib.content_levels import ContentLevel
from lib.fields import TextField
from moderation.cases.models import Report
from moderation.decisions.models import Decision
from moderation.policy import DECIDABLE
from moderation.restrictions.models import Duration, Restriction


class ReportForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("What is wrong with it?"), choices=Report.Reason.choices, widget=forms.RadioSelect
    )
    note = TextField(
        label=_("Anything that helps us to see it"),
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 3}),
    )


class DecisionForm(forms.Form):
    """`action` is the button that was pressed."""

    action = forms.ChoiceField(choices=Decision.Action.choices, widget=forms.HiddenInput)
    reason = forms.ChoiceField(
        label=_("Reason"),
        required=False,
        choices=[("", _("Choose the reason")), *((each.value, each.label) for each in DECIDABLE)],
    )
    level = forms.TypedChoiceField(
        label=_("Content level"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("Choose a level")), *ContentLevel.choices],
    )
    restriction = forms.ChoiceField(
        label=_("Restriction"),
        required=False,
        choices=Restriction.Kind.choices,
        initial=Restriction.Kind.NO_GENERATING,
    )
    duration = forms.ChoiceField(
        label=_("For how long"), required=False, choices=Duration.choices, initial=Duration.THREE_DAYS
    )
    note = TextField(
        label=_("A sentence for the author"),
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 2}),
    )

    def choices_made(self) -> dict[str, Any]:
        """The arguments for `decide_case`; what was not chosen of a restriction is left to its default."""
        made = dict(self.cleaned_data)
        return {name: value for name, value in made.items() if value or name not in ("restriction", "duration")}


class NoteForm(forms.Form):
    text = TextField(label=_("A note for other moderators"), max_length=2000, widget=forms.Textarea({"rows": 2}))
