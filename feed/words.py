"""Titles and profile texts pass the same gate as prompts."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import User
from moderation.screening import TextKind, screen_text
from moderation.services import record_screening


def clean_words(text: str, *, kind: TextKind, field: str, longest: int, author: User, at: datetime) -> str:
    """`text` trimmed, screened and short enough.

    Raises:
        Refused: 400 with `fields[field]`; what was refused is kept as evidence.
    """
    text = text.strip()
    if len(text) > longest:
        message = _("Use at most %(longest)s characters.") % {"longest": longest}
        raise Refused("too_long", message, fields={field: [message]})
    if not text:
        return text
    verdict = screen_text(text=text, kind=kind)
    if verdict.is_allowed:
        return text
    record_screening(verdict=verdict, target=None, author=author, at=at)
    message = verdict.message or _("These words cannot be shown here; please choose others.")
    raise Refused("words", message, fields={field: [message]})
