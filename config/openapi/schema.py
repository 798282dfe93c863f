"""What the API's document says of every operation alike: scopes, errors, one type of body."""

import threading
from collections.abc import Iterator
from typing import Any, ClassVar

from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from accounts.permissions import HasRole
from accounts.tokens.scopes import SAFE_METHODS, needed_scope

JSON = "application/json"
ALWAYS = {
    401: "Not signed in, or no valid token.",
    403: "Not allowed: the token lacks the scope, or the account may not do this.",
    406: "The request accepts no type that this operation answers with.",
    429: "Too often; `detail` says how long to wait.",
    503: "Part of the site is unavailable; `Retry-After` says when to try again.",
}
INVALID = {400: "Not valid: `fields` has the reasons by field."}
ABSENT = {404: "Not there, or not for you."}
CONFLICT = {409: "It does not fit the state that things are in now."}
BODY = {413: "The body is too large.", 415: "The body has a type that this operation does not take."}


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error of the API."""

    code = serializers.CharField(help_text="For programs; stays the same")
    detail = serializers.CharField(help_text="For people, in the language of the request")
    # `fields` is an attribute of serializers; DRF's metaclass keeps declared fields apart.
    fields = serializers.DictField(help_text="Messages by field of the request")  # type: ignore[assignment]


class OnceGenerator(SchemaGenerator):
    """Makes the document once for each language and process: it takes seconds, and threads cannot make it together."""

    _made: ClassVar[dict[tuple[str | None, bool], Any]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        """The document; `public` leaves nothing out, whoever asks."""
        key = (get_language(), public)
        with self._lock:
            if key not in self._made:
                self._made[key] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
            return self._made[key]


class ApiSchema(AutoSchema):
    """Adds to each operation the scope that its tokens need and the errors that it may answer with."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        scope = needed_scope(self.view, self.method)
        if scope is not None:
            operation["x-token-scope"] = scope.value
            words = operation.get("description", "")
            operation["description"] = f"{words}\n\nScope of a token: `{scope.value}`.".strip()
        content = {JSON: {"schema": self.resolve_serializer(ErrorSerializer, "response").ref}}
        for status, description in self._errors(operation):
            operation["responses"].setdefault(str(status), {"description": description, "content": content})
        operation["responses"] = dict(sorted(operation["responses"].items()))
        return operation

    def _errors(self, operation: dict[str, Any]) -> Iterator[tuple[int, str]]:
        has_body, is_safe = "requestBody" in operation, self.method in SAFE_METHODS
        places = {parameter["in"] for parameter in operation.get("parameters", [])}
        is_for_a_role = any(isinstance(each, HasRole) for each in self.view.get_permissions())
        yield from ALWAYS.items()
        if not is_safe or "query" in places:
            yield from INVALID.items()
        if "path" in places or has_body or is_for_a_role or places - {"header"}:
            yield from ABSENT.items()
        if not is_safe:
            yield from CONFLICT.items()
        if has_body:
            yield from BODY.items()

    def map_parsers(self) -> list[str]:
        """JSON wherever a view reads it. Forms are read there too, for old programs, but not promised."""
        types: list[str] = super().map_parsers()
        return [JSON] if JSON in types else types
