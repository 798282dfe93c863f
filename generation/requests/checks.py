"""What every request of a member is checked for: its rate, whose it is, and whether it was made before."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _

from accounts.models import User
from generation.models import Generation, Image, Upload
from generation.requests.pictures import Picture, Pictures
from lib.errors import NotFound, Refused
from lib.limits import check_rate

REQUESTS_A_MINUTE = 600  # of one member, of every kind; budgets bound what is drawn
MAX_KEY = 64


def check_member_rate(author: User) -> None:
    check_rate(key=f"generation:{author.pk}", limit=REQUESTS_A_MINUTE, seconds=60)


def require_own(author_id: int, author: User) -> None:
    if author_id != author.pk:
        raise NotFound(_("You have no such picture."))


def checked_key(key: str) -> str:
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        message = _("The idempotency key must have 1 to 64 characters.")
        raise Refused("invalid", message, fields={"idempotency_key": [message]})
    return key


def earlier_request(author: User, key: str, digest: str) -> Generation | None:
    """The generation that a key made before.

    Raises:
        Refused: 409, it was used for another request.
    """
    earlier = Generation.objects.filter(author=author, idempotency_key=key).first()
    if earlier is not None and earlier.request_hash not in ("", digest):
        message = _("This idempotency key was used for another request. Use a new one.")
        raise Refused("key_reused", message, status=409, fields={"idempotency_key": [message]})
    return earlier


def request_hash(wanted: Mapping[str, Any], *, parent: Image | None, pictures: Pictures) -> str:
    """SHA-256 of what is asked, so that a repeated request is known from another one with the same key.

    What was left out and what is empty are the same; so are a number and its digits.
    """
    asked = {name: _plain(value) for name, value in wanted.items() if value not in (None, "", [], (), {}, False)}
    if parent is not None:
        asked["parent"] = parent.public_id
    asked |= {role: _named(picture) for role, picture in pictures.single.items()}
    if pictures.references:
        asked["references"] = [_named(picture) for picture in pictures.references]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _named(picture: Picture) -> str:
    return picture.public_id if isinstance(picture, Image | Upload) else _digest(picture)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return f"{value:g}" if isinstance(value, float) and value == round(value, 4) else str(value)


def _digest(file: "File[bytes]") -> str:
    """Of its content; of one that is too large and will be refused, its size."""
    if file.size > settings.MAX_UPLOAD_BYTES:
        return str(file.size)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
