"""From where somebody asks: the one place that reads a client's address."""

import ipaddress

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, BaseThrottle, UserRateThrottle


def address_of(request: HttpRequest | Request) -> str:
    """The IP address of whoever asks; empty where the server does not know it (a Unix socket).

    Each proxy writes the address that called it at the right end of X-Forwarded-For, so the NUM_PROXIES-th from the
    right is what our outermost proxy saw; anybody can write what stands further left. Without proxies of ours, and
    where a request came past them, the header counts for nothing.
    """
    peer = str(request.META.get("REMOTE_ADDR") or "")
    told = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    if not 0 < settings.NUM_PROXIES <= len(told):
        return peer
    try:
        address = ipaddress.ip_address(told[-settings.NUM_PROXIES].strip())
    except ValueError:
        return peer
    return str(getattr(address, "ipv4_mapped", None) or address)


def counted_address_of(request: HttpRequest | Request) -> str:
    """The same for limits: of IPv6 the first 64 bits, since each household may choose the rest as it likes."""
    address = address_of(request)
    try:
        return str(ipaddress.IPv6Network(f"{address}/64", strict=False))
    except ValueError:  # no IPv6 address
        return address


class _ByAddress(BaseThrottle):
    def get_ident(self, request: Request) -> str:
        return counted_address_of(request)


class VisitorThrottle(_ByAddress, AnonRateThrottle):
    """Requests to the API without a token, by address."""


class MemberThrottle(_ByAddress, UserRateThrottle):
    """Requests to the API of one member."""


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """For allauth's own limits on signing in, and the addresses in a member's list of sessions."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """Raises PermissionDenied where there is none."""
        return address_of(request) or str(super().get_client_ip(request))
