"""The form of a new release."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from generation.models import Checkpoint
from lib.content_levels import ContentLevel
from lib.text.fields import LineField
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.formats.registry import FORMATS, USUAL


class ReleaseForm(forms.Form):
    name = LineField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Keep “pickapic” in the name: some public trainers look for it."),
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
        label=_("Pictures made by"),
        queryset=Checkpoint.objects.filter(outputs_may_train=True).order_by("name"),
        to_field_name="slug",
        required=False,
        empty_label=_("every checkpoint whose licence allows training"),
    )
    min_margin = forms.FloatField(
        label=_("Smallest margin of a pair"),
        min_value=0,
        max_value=1,
        initial=0,
        required=False,
        help_text=_("|votes left − votes right| ÷ votes. 0 includes every preference, 1 only unanimous ones."),
    )
    campaign = forms.ChoiceField(
        label=_("Answers of"),
        required=False,
        help_text=_("A campaign's answers are in releases of that campaign alone."),
    )
    with_simulated = forms.BooleanField(label=_("Include simulated members"), required=False, initial=True)

    def __init__(self, *args: Any, campaigns: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        """`campaigns` are slugs and titles to choose from."""
        super().__init__(*args, **kwargs)
        field = self.fields["campaign"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("everything but campaigns")), *campaigns]

    def get_choice(self) -> tuple[ReleaseFilter, list[str]]:
        """The filter and the formats; call on a valid form."""
        data: dict[str, Any] = self.cleaned_data
        checkpoint = data["checkpoint"].slug if data["checkpoint"] else ""
        margin = data["min_margin"] or 0.0
        campaign = data["campaign"]
        filter = ReleaseFilter(data["level"], data["since"], checkpoint, data["with_simulated"], margin, campaign)
        return filter, data["kinds"]
