"""Adding a text rule."""

from django import forms

from lib.fields import LineField
from moderation.screening.models import Rule


class RuleForm(forms.ModelForm[Rule]):
    class Meta:
        model = Rule
        fields = ["slug", "pattern", "effect", "level", "category", "reason"]
        field_classes = {"pattern": LineField, "reason": LineField}
        widgets = {"pattern": forms.Textarea({"rows": 3, "class": "mono"})}
