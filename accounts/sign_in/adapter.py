"""What allauth asks of us: the address that its limits count by, and what a closed account is answered."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from lib.hooks import call_hooks
from lib.http import client_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """The address that allauth's own limits on signing in count by, and that a member's list of sessions shows."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """Raises PermissionDenied where there is none."""
        return client_address(request) or str(super().get_client_ip(request))

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """What a banned member reads who knows their password: what CLOSED_ACCOUNTS say about the account."""
        sentences = [line for lines in call_hooks(settings.CLOSED_ACCOUNTS, user) for line in lines]
        return render(request, "account/account_inactive.html", {"sentences": sentences}, status=403)

    def is_safe_url(self, url: str) -> bool:
        """Whether to go there after signing in; what is no address is not (allauth raises ValueError for ``http://[``)."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False
