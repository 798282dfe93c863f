"""The one way in for programs: every request with a token passes here, and here its scope is checked."""

import binascii
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.sign_in.access import bind_token
from accounts.tokens.scopes import needed_scope

USE_NOTED_EVERY = timedelta(minutes=1)  # not at every request: it is a write


class TokenAuthentication(KnoxAuthentication):
    """``Authorization: Token …``: who sends it, and whether its scopes allow this request.

    Views choose their permission classes, but never how a member is recognised: so a scope cannot be forgotten.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The member and the token; None without one.

        Raises:
            AuthenticationFailed: 401 for a token that does not exist, ran out, or whose member is banned.
            PermissionDenied: 403 for a token that lacks the scope.
        """
        found: tuple[User, ApiToken] | None = super().authenticate(request)  # type: ignore[no-untyped-call]
        if found is None:
            return None
        _check_scope(found[1], request)
        _note_use(found[1], timezone.now())
        bind_token(found[0])
        return found

    def authenticate_header(self, request: Request) -> str:
        """``Token``; clients of the OpenAI API say ``Bearer`` instead."""
        is_bearer = get_authorization_header(request)[:7].lower() == b"bearer "
        return "Bearer" if is_bearer else str(super().authenticate_header(request))  # type: ignore[no-untyped-call]

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        try:
            digest = hash_token(token.decode())
        except (UnicodeError, binascii.Error):
            raise AuthenticationFailed(_("Invalid token.")) from None
        row = ApiToken.objects.filter(digest=digest).select_related("user").first()
        if row is None or not row.is_valid(timezone.now()):
            raise AuthenticationFailed(_("Invalid token."))
        found: tuple[User, ApiToken] = self.validate_user(row)  # type: ignore[no-untyped-call]
        return found


def _check_scope(token: ApiToken, request: Request) -> None:
    view: Any = request.parser_context.get("view")
    scope = needed_scope(view, request.method or "")
    if scope is None:
        raise PermissionDenied(_("API tokens cannot do this. Sign in to the site instead."), "not_by_token")
    if scope not in token.scopes:
        words = _("This token lacks the scope “%(scope)s”. Create one that has it in your settings.")
        raise PermissionDenied(words % {"scope": scope.value}, "insufficient_scope")


def _note_use(token: ApiToken, at: datetime) -> None:
    stale = Q(last_used_at=None) | Q(last_used_at__lt=at - USE_NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=at)
