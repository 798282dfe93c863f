"""Fields for strangers' text, in forms and in the API: `lib.text` brings it to one form before anything looks at it.

`LineField` and `ApiLine` take one line, `TextField` and `ApiText` several. Every text field of a form or of a request's
serializer is one of these (tests/config/test_text_fields.py). `max_length` counts as the browser does: UTF-16 code
units of the text as it is stored.
"""

import math
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import empty

from lib.text import count_units, normalise_line, normalise_text


class MaxUnitsValidator(MaxLengthValidator):
    """The length that a browser counts."""

    def clean(self, x: object) -> int:
        return count_units(str(x))


def _count_units(validators: list[Any]) -> list[Any]:
    """The same validators, of which those of length count units."""
    return [
        MaxUnitsValidator(each.limit_value, each.message) if type(each) is MaxLengthValidator else each
        for each in validators
    ]


class _FormText(forms.CharField):
    """Not to be used: its subclasses say how many lines there are."""

    normalise: Callable[[str], str]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = _count_units(self.validators)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return (type(self).normalise(text) or self.empty_value) if isinstance(text, str) else text


class LineField(_FormText):
    """One line of text."""

    normalise = staticmethod(normalise_line)


class TextField(_FormText):
    """Text of several lines."""

    normalise = staticmethod(normalise_text)
    widget = forms.Textarea


class LineUrlField(LineField, forms.URLField):
    """An address."""


class _ApiText(serializers.CharField):
    """Not to be used: its subclasses say how many lines there are."""

    normalise: Callable[[str], str]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = _count_units(self.validators)

    def run_validation(self, data: Any = empty) -> Any:
        """Empty means empty after it was brought to one form."""
        return super().run_validation(type(self).normalise(data) if isinstance(data, str) else data)


class ApiLine(_ApiText):
    """One line of text."""

    normalise = staticmethod(normalise_line)


class ApiText(_ApiText):
    """Text of several lines."""

    normalise = staticmethod(normalise_text)


class ApiSlug(ApiLine, serializers.SlugField):
    """Letters, digits, hyphens and underscores."""


class ApiUrl(ApiLine, serializers.URLField):
    """An address."""


class ApiNumber(serializers.FloatField):
    """A finite number: JSON and PostgreSQL's JSON have no other."""

    def to_internal_value(self, data: Any) -> float:
        try:
            value = super().to_internal_value(data)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise serializers.ValidationError(_("A valid number is required."), code="invalid")
        return value
