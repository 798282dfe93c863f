"""Tokens in the API's documents."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from accounts.tokens.scopes import Scope


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.tokens.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        scopes = "\n".join(f"- `{scope.value}`: {scope.label}" for scope in Scope)
        words = (
            "`Token` and an API token, as in `Token 1a2b…`. Tokens are made in Settings, or by `POST /api/tokens/`. "
            "Each has scopes, and each operation names the one that it needs:\n\n"
        )
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": words + scopes}
