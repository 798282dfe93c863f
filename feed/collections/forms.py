"""Forms that make, edit, share and fill collections."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from feed.collections.models import Collection
from lib.text.fields import LineField


class CollectionForm(forms.Form):
    name = LineField(label=_("Name"), max_length=80)
    visibility = forms.ChoiceField(
        label=_("Who can see it"),
        choices=Collection.Visibility.choices,
        widget=forms.RadioSelect,
        initial=Collection.Visibility.PRIVATE,
    )


class ShareForm(forms.Form):
    username = LineField(label=_("Member"), max_length=150)
    may_add = forms.BooleanField(label=_("They may add pictures"), required=False)


class CollectForm(forms.Form):
    collections = forms.MultipleChoiceField(label=_("Collections"), required=False, widget=forms.CheckboxSelectMultiple)
    name = LineField(label=_("A new collection"), max_length=80, required=False)

    def __init__(self, *args: Any, rows: list[tuple[Collection, bool]], **kwargs: Any) -> None:
        chosen = [row.public_id for row, has_post in rows if has_post]
        super().__init__(*args, **{"initial": {"collections": chosen}, **kwargs})
        field = cast(forms.MultipleChoiceField, self.fields["collections"])
        field.choices = [(row.public_id, row.name) for row, _has in rows]
