"""Titles, alternative texts and profile texts pass the same gate as prompts."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from generation.models import Image
from lib.errors import Refused
from moderation.cases.services import record_screening
from moderation.screening.services import TextKind, screen_text


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


LONGEST_ALT = 500


def clean_alt(text: str, *, image: Image, author: User, at: datetime) -> dict[str, Any]:
    """The columns of `image` for an alternative text; with none, or the prompt's own words, it is generated again.

    So a prompt that is hidden later stays hidden, and words of the author's own are shown.

    Raises:
        Refused: 400 with `fields["alt_text"]`.
    """
    generated = image.generation.prompt[:LONGEST_ALT]
    words = " ".join(text.split())
    if words in {"", " ".join(generated.split())}:
        return {"alt_text": generated, "is_alt_written": False}
    clean_words(words, kind=TextKind.TITLE, field="alt_text", longest=LONGEST_ALT, author=author, at=at)
    return {"alt_text": words, "is_alt_written": True}
