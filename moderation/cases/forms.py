"""Reporting, and deciding a case."""

from typing import Any, cast

from django import forms
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lib.content_levels import ContentLevel
from lib.text.fields import LineField, TextField
from moderation.cases.models import Case, CaseQuerySet, Report, kind_label
from moderation.decisions.models import Decision
from moderation.policy import DECIDABLE
from moderation.restrictions.models import Duration, Restriction
from moderation.targets import adapters


class QueueForm(forms.Form):
    """Which cases the queue shows; what is not chosen is not asked."""

    class Only(models.TextChoices):
        DUE = "due", _("with a deadline")
        ESCALATED = "escalated", _("escalated")
        SECOND = "second", _("second opinion wanted")

    kind = forms.ChoiceField(label=_("Kind"), required=False)
    origin = forms.ChoiceField(label=_("Why"), required=False, choices=[("", _("any")), *Case.Origin.choices])
    reason = forms.ChoiceField(label=_("Reported as"), required=False, choices=[("", _("any")), *Report.Reason.choices])
    only = forms.ChoiceField(label=_("Only"), required=False, choices=[("", _("all")), *Only.choices])
    author = LineField(label=_("Author"), required=False, max_length=150)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [each.model._meta.label_lower for each in adapters()]
        field = cast(forms.ChoiceField, self.fields["kind"])
        field.choices = [("", _("any")), *((kind, kind_label(kind)) for kind in kinds)]

    def narrow(self, cases: CaseQuerySet) -> CaseQuerySet:
        """The cases that were asked for; nonsense in the address asks for nothing."""
        self.is_valid()
        asked = {name: value for name, value in self.cleaned_data.items() if value}
        if "kind" in asked:
            cases = cases.filter(target_type=asked["kind"])
        if "origin" in asked:
            cases = cases.filter(origin=asked["origin"])
        if "reason" in asked:
            cases = cases.filter(pk__in=Report.objects.filter(reason=asked["reason"]).values("case"))
        if "author" in asked:
            cases = cases.filter(author__username__iexact=asked["author"])
        only = {
            self.Only.DUE: Q(due_at__isnull=False),
            self.Only.ESCALATED: Q(is_escalated=True),
            self.Only.SECOND: Q(second_opinion_for__isnull=False),
        }
        return cases.filter(only[self.Only(asked["only"])]) if "only" in asked else cases


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
