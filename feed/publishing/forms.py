"""The sheet that is filled in before a picture, or several, are published; and the choice of a collection."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from feed.collections.models import Collection
from feed.screened_text import MAX_ALT_LENGTH
from lib.text.fields import LineField


class CollectionField(forms.ChoiceField):
    """One of the collections that the member may add to, as `cleaned_data` holds it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Collection"), **kwargs)

    def offer(self, collections: Iterable[Collection], *, empty: str = "") -> None:
        self.rows = {row.public_id: row for row in collections}
        self.choices = [*([("", empty)] if empty else []), *((key, row.name) for key, row in self.rows.items())]

    def clean(self, value: Any) -> Collection | None:
        return self.rows.get(cast(str, super().clean(value)))


class PublishForm(forms.Form):
    """`several` pictures share what is filled in: no title and no alternative text."""

    title = LineField(label=_("Title"), max_length=120, required=False)
    tags = LineField(
        label=_("Tags"),
        max_length=600,
        required=False,
        help_text=_("Up to 12, separated by commas: night sky, watercolour."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-tags": ""}),
    )
    alt_text = LineField(
        label=_("Alternative text"),
        max_length=MAX_ALT_LENGTH,
        required=False,
        help_text=_(
            "What the picture shows, for people who cannot see it. Left empty, your prompt is used unless it is hidden."
        ),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    collection = CollectionField(required=False)
    hide_prompt = forms.BooleanField(
        label=_("Hide the prompt"),
        help_text=_(
            "Only you can read, copy and search it, and the picture is left out of datasets. "
            "This counts for all of your pictures that were made from the same words."
        ),
        required=False,
    )
    enter_challenge = forms.BooleanField(label=_("Enter today's challenge"), required=False)

    field_order = ("title", "tags", "enter_challenge", "hide_prompt", "collection", "alt_text")

    def __init__(
        self,
        *args: Any,
        collections: Iterable[Collection] = (),
        theme: str = "",
        several: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        offered = list(collections)
        cast(CollectionField, self.fields["collection"]).offer(offered, empty=str(_("None")))
        absent = [*(["title", "alt_text"] if several else []), *([] if offered else ["collection"])]
        if theme:
            self.fields["enter_challenge"].help_text = theme
        else:
            absent.append("enter_challenge")
        for name in absent:
            del self.fields[name]
        self.several = several

    def arguments(self) -> dict[str, Any]:
        """The arguments of `publish_picture` that the form set.

        A form of one button has none of these fields: what is not there stays as it is. An unticked box is not sent
        either, so it counts where the title came along. For several pictures, what is left empty stays as it is.
        """
        data = self.cleaned_data
        arguments: dict[str, Any] = {
            name: data[name] for name in ("title", "alt_text") if name in self.data and name in self.fields
        }
        if data["tags"] or ("tags" in self.data and not self.several):
            arguments["tags"] = str(data["tags"]).split(",")
        if "title" in arguments or data["hide_prompt"]:
            arguments["hide_prompt"] = data["hide_prompt"]
        if data.get("collection") is not None:
            arguments["collection"] = data["collection"]
        return arguments


class CollectForm(forms.Form):
    collection = CollectionField()

    def __init__(self, *args: Any, collections: Iterable[Collection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(CollectionField, self.fields["collection"]).offer(collections)

    def arguments(self) -> dict[str, Any]:
        return {"collection": self.cleaned_data["collection"]}
