"""Forms of challenges. They only parse; the services decide."""

from django import forms
from django.utils.translation import gettext_lazy as _

from feed.challenges.themes.ideas import LONGEST_HINT, LONGEST_THEME
from lib.text.fields import LineField


class IdeaForm(forms.Form):
    theme = LineField(label=_("Theme"), max_length=LONGEST_THEME)
    hint = LineField(label=_("Hint"), max_length=LONGEST_HINT, required=False)
