"""What a researcher chooses for a release."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from generation.models import Checkpoint
from lib.content_levels import ContentLevel
from lib.errors import Refused
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.formats.registry import FORMATS, USUAL


class ReleaseForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("Some public trainers look for “pickapic” in it.")
    )
    kinds = forms.MultipleChoiceField(
        label=_("Tables"),
        choices=[(form.kind, f"{form.kind}: {form.title}") for form in FORMATS.values()],
        initial=list(USUAL),
        widget=forms.CheckboxSelectMultiple,
    )
    level = forms.TypedChoiceField(
        label=_("Highest content level"), choices=ContentLevel.choices, initial=ContentLevel.GENERAL, coerce=int
    )
    since = forms.DateField(
        label=_("Answers since"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    checkpoint = forms.ModelChoiceField(
        label=_("Pictures of"),
        queryset=Checkpoint.objects.filter(outputs_may_train=True).order_by("name"),
        to_field_name="slug",
        required=False,
        empty_label=_("every checkpoint whose licence allows it"),
    )
    min_margin = forms.FloatField(
        label=_("Least margin of a pair"),
        min_value=0,
        max_value=1,
        initial=0,
        required=False,
        help_text=_("|votes left − votes right| / votes: 0 takes every preference, 1 only unanimous ones."),
    )
    with_simulated = forms.BooleanField(label=_("Include simulated members"), required=False, initial=True)

    def chosen(self) -> tuple[ReleaseFilter, list[str]]:
        """The filter and the kinds; call on a valid form."""
        data: dict[str, Any] = self.cleaned_data
        checkpoint = data["checkpoint"].slug if data["checkpoint"] else ""
        margin = data["min_margin"] or 0.0
        chosen = ReleaseFilter(data["level"], data["since"], checkpoint, data["with_simulated"], margin)
        return chosen, data["kinds"]

    def refuse(self, refusal: Refused) -> None:
        """Shows a service's refusal beside the fields it is about."""
        for name, lines in refusal.fields.items():
            self.add_error(name if name in self.fields else None, lines)
        if not refusal.fields:
            self.add_error(None, refusal.message)
