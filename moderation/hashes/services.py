"""The blocklist of picture hashes."""

import re
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lib.errors import Refused
from moderation.models import BlockedHash, Decision

_BITS, _HEX = re.compile(r"[01]{256}"), re.compile(r"[0-9a-fA-F]{64}")


def block_hash(
    *,
    pdq: str,
    source: str = BlockedHash.Source.OPERATOR,
    note: str = "",
    decision: Decision | None = None,
) -> BlockedHash:
    """Puts a PDQ hash (256 characters of 0 and 1, or 64 hexadecimal digits) on the blocklist, once per decision."""
    row, _is_new = BlockedHash.objects.get_or_create(
        pdq=parse_pdq(pdq), source=source, decision=decision, lifted_at=None, defaults={"note": note}
    )
    return row


def lift_hash(*, row: BlockedHash, at: datetime | None = None) -> None:
    """Takes a hash off the blocklist; the row stays as a record."""
    BlockedHash.objects.filter(pk=row.pk, lifted_at=None).update(lifted_at=at or timezone.now())


def parse_pdq(text: str) -> str:
    """256 characters of 0 and 1; raises Refused for anything that is no PDQ hash."""
    if _BITS.fullmatch(text):
        return text
    if _HEX.fullmatch(text):
        return f"{int(text, 16):0256b}"
    message = _("A PDQ hash has 64 hexadecimal digits (256 bits).")
    raise Refused("bad_hash", message, fields={"pdq": [message]})
