"""Signed webhooks: where they may go, and one delivery.

An address is resolved once, every answer must be a public address, and the connection goes to the
address that was checked, so that a name cannot point inwards between the check and the call.
"""

import hashlib
import hmac
import json
import socket
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

import urllib3
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import WebhookDelivery
from accounts.webhooks.addresses import is_public
from lib.errors import Refused

TIMEOUT = urllib3.Timeout(connect=5, read=10)
SIGNATURE_HEADER = "Salon-Signature"


def check_address(url: str) -> None:
    """Raises Refused unless `url` is an https address whose every IP address is public."""
    resolve(url)


def resolve(url: str) -> tuple[SplitResult, str]:
    """The parts of `url` and the one IP address to connect to; raises Refused for what we do not call."""
    parts = urlsplit(url)
    allowed = {"https", "http"} if settings.WEBHOOK_ALLOW_PRIVATE else {"https"}
    if parts.scheme not in allowed or not parts.hostname or parts.username is not None:
        raise _refused(_("Webhooks go to an https:// address without a user name."))
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(_ascii_name(parts), port, type=socket.SOCK_STREAM)
    except (OSError, ValueError, UnicodeError):
        raise _refused(_("That address could not be found. Check its spelling.")) from None
    addresses = [str(item[4][0]) for item in found]
    if not settings.WEBHOOK_ALLOW_PRIVATE and not all(map(is_public, addresses)):
        raise _refused(_("That address leads into a private network, where webhooks do not go."))
    return parts, addresses[0]


def _ascii_name(parts: SplitResult) -> str:
    """The host as it goes over the wire; raises UnicodeError for what is no name."""
    name = parts.hostname or ""
    return name if ":" in name else name.encode("idna").decode()


def _refused(message: object) -> Refused:
    return Refused("webhook_address", str(message), fields={"url": [str(message)]})


def payload(delivery: WebhookDelivery) -> bytes:
    """Ids only: whoever wants the words asks the API, which looks at what they may see."""
    body = {
        "id": delivery.pk,
        "event": delivery.event,
        "target": {"type": delivery.target_type, "id": delivery.target_public_id},
        "created_at": delivery.created_at.isoformat(),
    }
    return json.dumps(body, separators=(",", ":")).encode()


def sign(secret: str, body: bytes, at: datetime) -> str:
    """``t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">``."""
    moment = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def post(delivery: WebhookDelivery, at: datetime) -> int | None:
    """Sends one delivery; returns the HTTP status, or None when nobody answered. Redirects are not followed."""
    try:
        parts, address = resolve(delivery.webhook.url)
    except Refused:
        return None
    body = payload(delivery)
    headers = {
        "Host": _host_header(parts),
        "Content-Type": "application/json",
        "User-Agent": "Salon-Webhook/1",
        SIGNATURE_HEADER: sign(delivery.webhook.secret, body, at),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _pool(parts, address) as pool:
            response = pool.request(
                "POST", path, body=body, headers=headers, redirect=False, retries=False, preload_content=False
            )
            status = response.status
            response.close()  # the answer's words do not matter, however long they are
    except (urllib3.exceptions.HTTPError, OSError):
        return None
    return status


def _host_header(parts: SplitResult) -> str:
    name = _ascii_name(parts)
    name = f"[{name}]" if ":" in name else name
    return name if parts.port is None else f"{name}:{parts.port}"


def _pool(parts: SplitResult, address: str) -> urllib3.HTTPConnectionPool:
    if parts.scheme == "https":
        name = _ascii_name(parts)
        return urllib3.HTTPSConnectionPool(
            address, parts.port or 443, timeout=TIMEOUT, server_hostname=name, assert_hostname=name
        )
    return urllib3.HTTPConnectionPool(address, parts.port or 80, timeout=TIMEOUT)
