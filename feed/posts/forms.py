"""The form that publishes a picture."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feed.screened_text import MAX_ALT_LENGTH
from lib.text.fields import LineField


class PublishForm(forms.Form):
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
    hide_prompt = forms.BooleanField(
        label=_("Hide the prompt"),
        help_text=_(
            "Only you can read, copy and search it, and the picture is left out of datasets. "
            "This counts for all of your pictures that were made from the same words."
        ),
        required=False,
    )
    enter_challenge = forms.BooleanField(label=_("Enter today's challenge"), required=False)

    def __init__(self, *args: Any, theme: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if theme:
            self.fields["enter_challenge"].help_text = theme
        else:
            del self.fields["enter_challenge"]

    def arguments(self) -> dict[str, Any]:
        """The arguments of `publish_image` that the form set.

        A form of one button has none of these fields: what is not there stays as it is. An unticked box is not sent
        either, so it counts where the title came along.
        """
        data = self.cleaned_data
        arguments: dict[str, Any] = {name: data[name] for name in ("title", "alt_text") if name in self.data}
        if "tags" in self.data:
            arguments["tags"] = str(data["tags"]).split(",")
        if "title" in self.data or data["hide_prompt"]:
            arguments["hide_prompt"] = data["hide_prompt"]
        return arguments
