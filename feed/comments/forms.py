"""The form below a post."""

from django import forms
from django.utils.translation import gettext_lazy as _

from lib.text.fields import TextField


class CommentForm(forms.Form):
    text = TextField(
        label=_("Comment"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "data-submit-on-enter": ""}),
    )
