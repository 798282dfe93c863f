"""The API as a whole: one schema, one form of error, every list in pages, tokens."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts.models import User
from tests.conftest import ApiAs

# Bounded by what they are: the purposes one can consent to, the questions in force, the fifty leaders.
SMALL_LISTS = {"/api/consent/", "/api/questions/", "/api/mutes/", "/api/challenges/leaders/"}


def _schema() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-any-return, no-untyped-call]


def test_the_schema_is_made_without_a_warning() -> None:
    GENERATOR_STATS.reset()
    schema = _schema()
    assert list(GENERATOR_STATS._warn_cache) + list(GENERATOR_STATS._error_cache) == []
    assert "/api/tokens/" in schema["paths"]


def test_every_list_is_cut_into_pages_that_name_the_next() -> None:
    """The schema says what comes back: a page with its results and the address of the next, or a bare list."""
    schema = _schema()
    lists, unbounded = 0, set()
    for route, operations in schema["paths"].items():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        form = content.get("application/json", {}).get("schema", {})
        lists += "results" in _properties(schema, form)
        if form.get("type") == "array" or ("results" in _properties(schema, form)) > (
            "next" in _properties(schema, form)
        ):
            unbounded.add(route)
    assert lists >= 5
    assert unbounded <= SMALL_LISTS


def _properties(schema: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    name = form.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = schema["components"]["schemas"].get(name, form).get("properties", {})
    return found


@pytest.mark.django_db
def test_the_docs_run_no_inline_script_and_nothing_from_elsewhere(client: Client) -> None:
    response = client.get(reverse("api:docs"))
    page = response.content.decode()
    assert response.status_code == 200
    assert "<script>" not in page
    assert "https://" not in page
    assert "'unsafe-inline'" not in response["Content-Security-Policy"].replace("style-src 'self' 'unsafe-inline'", "")


@pytest.mark.django_db
def test_errors_have_one_form(alice: User, api_as: ApiAs) -> None:
    wrong = api_as(alice).post(reverse("api:ask-list"), {})
    assert wrong.status_code == 400
    assert set(wrong.json()) == {"code", "detail", "fields"}
    assert wrong.json()["fields"]
    assert set(APIClient().get(reverse("api:token-list")).json()) == {"code", "detail", "fields"}
    assert set(APIClient().get("/api/nothing/").json()) == {"code", "detail", "fields"}
