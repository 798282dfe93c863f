"""What allauth asks us."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from lib.http import client_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """The address for allauth's own limits on signing in, and for a member's list of sessions."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """Raises PermissionDenied where there is none."""
        return client_address(request) or str(super().get_client_ip(request))
