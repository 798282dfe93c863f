"""The API's document: valid, with one type of body, defaults that are accepted, scopes and every error."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema_rs
import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens.scopes import Scope
from config.openapi.schema import OnceGenerator
from tests.conftest import ApiAs

UNSAFE = {"post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    plain: dict[str, Any] = json.loads(json.dumps(made, default=str))
    return plain


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_valid_and_made_without_a_warning(document: dict[str, Any]) -> None:
    assert list(GENERATOR_STATS._warn_cache) + list(GENERATOR_STATS._error_cache) == []
    validate(document)
    assert len(list(operations(document))) > 100


def test_each_operation_takes_one_type_of_body_and_a_form_only_for_a_file(document: dict[str, Any]) -> None:
    for path, _method, operation in operations(document):
        types = list(operation.get("requestBody", {}).get("content", {}))
        has_file = path.endswith(("/picture/", "/from-picture/", "/recall/"))
        assert types in ([], ["multipart/form-data"] if has_file else ["application/json"]), path


def test_each_operation_names_the_scope_of_its_tokens_and_its_errors(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        scope, statuses = operation["x-token-scope"], set(operation["responses"])
        assert scope in Scope
        assert f"`{scope}`" in operation["description"]
        assert {"401", "403", "406", "429", "503"} <= statuses
        assert ("404" in statuses) >= ("{" in path)
        assert ({"400", "409"} <= statuses) >= (method in UNSAFE)
        assert ({"413", "415"} <= statuses) == ("requestBody" in operation)
        for status, response in operation["responses"].items():
            if status >= "400":
                assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    described = document["components"]["securitySchemes"]["token"]["description"]
    assert all(f"`{scope.value}`" in described for scope in Scope)


@pytest.mark.django_db
def test_it_is_made_once_however_many_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OnceGenerator, "_made", {})
    made: list[int] = []
    original = SchemaGenerator.get_schema

    def counted(*args: Any, **kwargs: Any) -> Any:
        made.append(1)
        return original(*args, **kwargs)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(SchemaGenerator, "get_schema", counted)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _version(), range(8)))
    assert (set(answers), len(made)) == ({"3.0.3"}, 1)


def _version() -> str:
    return str(OnceGenerator().get_schema(public=True)["openapi"])  # type: ignore[no-untyped-call]


def _inlined(document: dict[str, Any], part: Any) -> Any:
    """A schema without references, with `nullable` as JSON Schema says it."""
    if isinstance(part, list):
        return [_inlined(document, each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(document, document["components"]["schemas"][part["$ref"].rpartition("/")[2]])
    plain = {name: _inlined(document, value) for name, value in part.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if part.get("nullable") else plain


def test_every_default_is_allowed_by_its_own_schema(document: dict[str, Any]) -> None:
    found = 0
    for name, schema in document["components"]["schemas"].items():
        for field, part in schema.get("properties", {}).items():
            if "default" in part:
                found += 1
                allowed = jsonschema_rs.validator_for(_inlined(document, part))
                assert allowed.is_valid(part["default"]), f"{name}.{field}: {part['default']!r}"
    assert found > 20


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/releases/preview/", "/api/collections/", "/api/tokens/", "/api/reports/"])
def test_a_body_of_defaults_is_accepted_as_one_without_them(
    path: str, document: dict[str, Any], alice: User, rita: User, api_as: ApiAs
) -> None:
    reference = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    given = {
        "username": "alice", "password": "correct horse battery staple", "target_type": "accounts.user",
        "target": alice.public_id, "reason": "spam",
    }  # fmt: skip
    needed = {name: given.get(name, "") for name in schema.get("required", [])}
    client = APIClient() if path == "/api/tokens/" else api_as(rita)
    if path == "/api/tokens/":
        needed = {name: given[name] for name in ("username", "password")}
    defaults = {name: part["default"] for name, part in schema["properties"].items() if "default" in part}
    has_name = "name" in needed  # a collection's is unique
    short = client.post(path, {**needed, **({"name": "Foxes"} if has_name else {})})
    long = client.post(path, {**defaults, **needed, **({"name": "Badgers"} if has_name else {})})
    assert short.status_code in (200, 201, 202), short.content
    assert long.status_code == short.status_code, long.content
