"""The blocklist of picture hashes."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lib.errors import Refused
from lib.images import parse_pdq
from moderation.decisions.models import Decision
from moderation.hashes.models import BlockedHash


def block_hash(
    *,
    pdq: str,
    source: str = BlockedHash.Source.OPERATOR,
    note: str = "",
    decision: Decision | None = None,
) -> BlockedHash:
    """Puts a PDQ hash (256 characters of 0 and 1, or 64 hexadecimal digits) on the blocklist, once per decision."""
    row, _is_new = BlockedHash.objects.get_or_create(
        pdq=_bits(pdq), source=source, decision=decision, lifted_at=None, defaults={"note": note}
    )
    return row


def lift_hash(*, row: BlockedHash, at: datetime | None = None) -> None:
    """Takes a hash off the blocklist; the row stays as a record."""
    BlockedHash.objects.filter(pk=row.pk, lifted_at=None).update(lifted_at=at or timezone.now())


def lift_hashes_of(*, decision: Decision, at: datetime) -> None:
    """Takes the hashes off the list that a decision put there."""
    BlockedHash.objects.filter(decision=decision, lifted_at=None).update(lifted_at=at)


def _bits(text: str) -> str:
    """256 characters of 0 and 1; raises Refused for anything that is no PDQ hash."""
    try:
        return parse_pdq(text)
    except ValueError:
        message = _("A PDQ hash has 64 hexadecimal digits (256 bits).")
        raise Refused("bad_hash", message, fields={"pdq": [message]}) from None
