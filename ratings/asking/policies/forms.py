"""The numbers of a sampling policy as a form; `sampling.Parameters` decides what makes sense."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lib.text.fields import LineField
from ratings.asking.models import Surface
from ratings.asking.pairing import Strategy
from ratings.asking.sampling import ABOUT_ONE, BESIDE_COMPARE, Parameters

LABELS = {
    "asks_per_day": _("Most questions per member in 24 hours"),
    "minutes_between": _("Minutes between two questions"),
    "dismissals_in_row": _("Dismissals in a row that pause asking"),
    "pause_hours": _("Hours of the first pause; each further dismissal doubles it"),
    "longest_pause_hours": _("Hours of the longest pause"),
    "p_overall": _("Share of “overall” among the questions"),
    "p_repeat": _("Share of pairs that are repeats"),
    "p_gold": _("Share of pairs with one damaged side (checks)"),
    "uniform_share": _("Share of pairs drawn uniformly"),
    "overlap_share": _("Share of pairs that several members compare"),
    "overlap_raters": _("… until this many have answered"),
    "overlap_weight": _("Their weight against a new pair"),
    "pool_size": _("Candidate pairs per strategy"),
    "expires_minutes": _("Minutes until a question closes"),
}


class PolicyForm(forms.Form):
    """Probabilities are 0…1. A strategy without a value, or with 0, is never drawn."""

    def __init__(self, *args: Any, parameters: Parameters, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for surface in (*ABOUT_ONE, *BESIDE_COMPARE):
            label = _("Chance of a question: %(surface)s") % {"surface": Surface(surface).label}
            self._add(f"p_ask_{surface}", label, parameters.p_ask.get(surface, 0.0), is_share=True)
        for strategy in Strategy:
            label = _("Pairs: %(strategy)s") % {"strategy": strategy.value}
            self._add(
                f"strategy_{strategy.value}", label, parameters.strategies.get(strategy.value, 0.0), is_share=True
            )
        for each in fields(Parameters):
            if each.name in LABELS:
                value = getattr(parameters, each.name)
                is_share = each.name.endswith("_share") or each.name.startswith("p_")
                self._add(
                    each.name, str(LABELS[each.name]), value, is_share=is_share, is_whole=each.type in (int, "int")
                )
        self.fields["note"] = LineField(label=_("Note"), max_length=200, required=False)

    def _add(self, name: str, label: str, value: float, *, is_share: bool, is_whole: bool = False) -> None:
        kind = forms.IntegerField if is_whole else forms.FloatField
        field = kind(label=label, initial=value, min_value=0, max_value=1 if is_share else None)
        if not is_whole:
            field.widget.attrs["step"] = "any"
        self.fields[name] = field

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                Parameters.from_json(self.parameters())
            except ValueError as error:
                raise forms.ValidationError(str(error)) from None
        return self.cleaned_data

    def parameters(self) -> dict[str, Any]:
        """As `Policy.parameters` holds them; call on a form whose fields are valid."""
        data = self.cleaned_data
        return {
            "p_ask": {surface: data[f"p_ask_{surface}"] for surface in ABOUT_ONE}
            | _above_0({surface: data[f"p_ask_{surface}"] for surface in BESIDE_COMPARE}),
            "strategies": _above_0({each.value: data[f"strategy_{each.value}"] for each in Strategy}),
            **{name: data[name] for name in LABELS},
        }


def _above_0(weights: Mapping[str, float]) -> dict[str, float]:
    return {name: share for name, share in weights.items() if share}
