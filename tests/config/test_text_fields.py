"""Every text field of a form and of a request's serializer brings strangers' text to one form."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

from lib.text import count_units
from lib.text.fields import ApiLine, ApiText, LineField, TextField

OURS = ("accounts", "moderation", "generation", "feed", "ratings", "config", "lib")
# A slug's own pattern lets nothing through that could have another form; passwords stay as they were typed.
OF_ONE_FORM = (forms.SlugField,)
PASSWORDS = {"password"}
OF_ALLAUTH = {"accounts.sign_in.forms.SignupForm.username", "accounts.sign_in.forms.SignupForm.email"}  # by validators
HOSTILE = "  a\u202eb\x00\x07\ud800\ufffe e\u0301\r\nc \u2066 "


def _below(kind: type) -> Iterator[type]:
    each: type
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _form_fields() -> Iterator[tuple[str, forms.Field]]:
    assert get_resolver().url_patterns  # imports every view, and so every form
    for form in _below(forms.BaseForm):
        if form.__module__.split(".")[0] in OURS:
            fields: dict[str, forms.Field] = form.base_fields  # type: ignore[attr-defined]
            for name, field in fields.items():
                inner = field.base_field if isinstance(field, SimpleArrayField) else field
                yield f"{form.__module__}.{form.__name__}.{name}", inner


def _request_fields() -> Iterator[tuple[str, serializers.Field[Any, Any, Any, Any]]]:
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    generator._initialise_endpoints()
    for path, _regex, method, view in generator._get_paths_and_endpoints():
        if method in ("POST", "PUT", "PATCH"):
            view.schema.method, view.schema.path = method, path
            found = view.schema.get_request_serializer()
            made = found() if isinstance(found, type) else found
            if isinstance(made, serializers.BaseSerializer):
                yield from _inside(f"{method} {path}", made)


def _inside(name: str, field: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        yield from _inside(name, field.child)
    elif isinstance(field, serializers.Serializer):
        for each, inner in field.fields.items():
            if not inner.read_only:
                yield from _inside(f"{name} {each}", inner)
    else:
        yield name, field


def test_every_text_field_of_a_form_is_one_of_ours() -> None:
    found = dict(_form_fields())
    text = {name for name, field in found.items() if isinstance(field, forms.CharField)}
    assert len(text) > 25
    ours = (LineField, TextField, *OF_ONE_FORM)
    assert {name for name in text if not isinstance(found[name], ours)} <= OF_ALLAUTH


def test_every_text_field_of_a_request_is_one_of_ours() -> None:
    found = dict(_request_fields())
    text = {name for name, field in found.items() if isinstance(field, serializers.CharField)}
    assert len(text) > 20
    strange = {name for name in text if not isinstance(found[name], ApiLine | ApiText)}
    assert {name for name in strange if name.rpartition(" ")[2] not in PASSWORDS} == set()


def test_no_number_of_a_request_may_be_infinite() -> None:
    loose = [name for name, field in _request_fields() if type(field) is serializers.FloatField]
    assert loose == []


@pytest.mark.parametrize(("field", "clean"), [(LineField, "ab é c"), (TextField, "ab é\nc")])
def test_forms_bring_text_to_one_form(field: type[forms.CharField], clean: str) -> None:
    assert field().clean(HOSTILE) == clean
    with pytest.raises(forms.ValidationError, match="required"):
        field().clean("\u202e\u200b ")


@pytest.mark.parametrize(("field", "clean"), [(ApiLine, "ab é c"), (ApiText, "ab é\nc")])
def test_the_api_brings_text_to_the_same_form(field: type[serializers.CharField], clean: str) -> None:
    assert field().run_validation(HOSTILE) == clean
    with pytest.raises(serializers.ValidationError):
        field().run_validation("\u202e\u200b ")
    wrongs: list[Any] = [[], {}, None, True]
    for wrong in wrongs:
        with pytest.raises(serializers.ValidationError):
            field().run_validation(wrong)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * 20, True),
        ("a" * 21, False),
        ("🦊" * 10, True),
        ("🦊" * 11, False),
        ("a\r\n" * 9 + "b", True),
        ("e\u0301" * 20, True),
    ],
)
def test_limits_count_as_the_browser_counts(text: str, fits: bool) -> None:
    """UTF-16 code units, a line break as one, in forms and in the API."""
    assert (count_units(TextField(max_length=20, required=False).to_python(text)) <= 20) is fits
    for clean in (TextField(max_length=20).clean, ApiText(max_length=20).run_validation):
        if fits:
            clean(text)
        else:
            with pytest.raises((forms.ValidationError, serializers.ValidationError)):
                clean(text)
