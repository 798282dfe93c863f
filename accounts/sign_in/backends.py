"""Signing in with the same work for every answer, so that its time tells nobody who is here."""

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from django.http import HttpRequest

from accounts.models import User


class AccountBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's backend, with one check of one password.

    allauth checks the password of every account that names an address, some twice: the time would tell how many
    there are. An address that nobody confirmed may stand in several accounts; the oldest of them has it.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: str) -> User | None:
        login = credentials.get("email") or credentials.get("username") or ""
        if "@" in login:
            users = filter_users_by_email(login, prefer_verified=True, for_login=True)
            user = min(users, key=lambda each: each.pk, default=None)
        else:
            user = get_user_by_username(login)
        found: User | None = self._check_password(user, credentials["password"])  # without a user, allauth hashes once
        return found
