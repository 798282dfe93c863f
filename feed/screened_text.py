"""Titles, comments, tags, alternative texts and profiles are screened as prompts are."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from generation.models import Image
from lib.errors import Refused
from lib.text import count_units, normalise_line, normalise_text
from moderation.cases.services import record_screening
from moderation.screening.services import TextKind, screen_text


def clean_text(
    text: str, *, kind: TextKind, field: str, max_length: int, author: User, at: datetime, has_lines: bool = False
) -> str:
    """`text` in the one form of strangers' text (`lib.text`), screened and short enough.

    Args:
        max_length: in UTF-16 code units, as browsers count.
        has_lines: whether it may have several lines.

    Raises:
        Refused: 400 with `fields[field]`; what was refused is kept as evidence.
    """
    text = normalise_text(text) if has_lines else normalise_line(text)
    if count_units(text) > max_length:
        message = _("Use at most %(longest)s characters.") % {"longest": max_length}
        raise Refused("too_long", message, fields={field: [message]})
    if not text:
        return text
    verdict = screen_text(text=text, kind=kind)
    if verdict.is_allowed:
        return text
    record_screening(verdict=verdict, target=None, author=author, at=at)
    message = verdict.message or _("This text can't be shown here. Please choose other words.")
    raise Refused("words", message, fields={field: [message]})


MAX_ALT_LENGTH = 500


def clean_alt_text(text: str, *, image: Image, author: User, at: datetime) -> dict[str, Any]:
    """The columns of `image` for an alternative text; an empty one, or the prompt itself, is generated again.

    So a prompt that is hidden later stays hidden, and a text of the author's own is shown.

    Raises:
        Refused: 400 with `fields["alt_text"]`.
    """
    generated = image.generation.prompt[:MAX_ALT_LENGTH]
    text = normalise_line(text)
    if text in {"", normalise_line(generated)}:
        return {"alt_text": generated, "is_alt_written": False}
    clean_text(text, kind=TextKind.TITLE, field="alt_text", max_length=MAX_ALT_LENGTH, author=author, at=at)
    return {"alt_text": text, "is_alt_written": True}
