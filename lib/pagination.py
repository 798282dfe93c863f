"""Lists that are read by one key, newest first: profiles, entries, notifications."""

from datetime import date, datetime
from typing import Generic, NamedTuple, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from lib.errors import Refused

M = TypeVar("M", bound=Model)


class Keyset(NamedTuple, Generic[M]):
    rows: list[M]
    next: str | None


def read_keyset(rows: QuerySet[M], *, by: str, cursor: str, size: int) -> Keyset[M]:
    """One page of `rows` by a column of times or days, the newest first, ties by primary key.

    Raises:
        Refused: 400 for a cursor that is not one of this list.
    """
    salt = f"feed.keyset.{rows.model._meta.label_lower}.{by}"
    if cursor:
        time, pk = _parse(cursor, salt)
        rows = rows.filter(Q(**{f"{by}__lt": time}) | Q(**{by: time, "pk__lt": pk}), **{f"{by}__lte": time})
    found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    if len(found) <= size:
        return Keyset(found, None)
    last = found[size - 1]
    return Keyset(found[:size], signing.dumps([getattr(last, by).isoformat(), last.pk], salt=salt))


def _parse(cursor: str, salt: str) -> tuple[datetime | date, int]:
    try:
        text, pk = signing.loads(cursor, salt=salt)
    except (signing.BadSignature, ValueError, TypeError):
        raise Refused(
            "bad_cursor", _("This link to a place in the list is damaged. Start again from the top.")
        ) from None
    return (datetime if "T" in text else date).fromisoformat(text), pk
