"""What allauth asks of us: the address that its limits count by."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from lib.http import client_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """The address that allauth's own limits on signing in count by, and that a member's list of sessions shows."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """Raises PermissionDenied where there is none."""
        return client_address(request) or str(super().get_client_ip(request))
