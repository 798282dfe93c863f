"""The gate: every text and picture passes here. Settings list the checkers; an error in one of them holds.

verdict = screen_text(text=prompt, kind="prompt")
verdict = screen_image(image=pillow_image)
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from PIL import Image

from moderation.policy import POLICY_VERSION, Reason
from moderation.screening import safe_mode
from moderation.screening.checkers import Picture
from moderation.screening.models import Screening
from moderation.screening.observations import Label, Observation, TextKind, Verdict
from moderation.screening.verdicts import decide_image, decide_text

__all__ = ["Label", "Observation", "Screening", "TextKind", "Verdict", "screen_image", "screen_text"]

T = TypeVar("T")
log = structlog.get_logger(__name__)


def screen_text(*, text: str, kind: TextKind | str) -> Verdict:
    """What may happen to `text`; never raises for what a checker does."""
    kind = TextKind(kind)
    if not text.strip():
        return decide_text([], kind, POLICY_VERSION)
    seen = _observe(settings.MODERATION_TEXT_CHECKERS, lambda check: check(text, kind))
    return safe_mode.lock(decide_text(seen, kind, POLICY_VERSION), is_picture=False)


def screen_image(*, image: Image.Image) -> Verdict:
    """What may happen to a picture of any mode and size; never raises for what a checker does."""
    picture = Picture(image)
    seen = _observe(settings.MODERATION_IMAGE_CHECKERS, lambda check: check(picture))
    return safe_mode.lock(decide_image(seen, POLICY_VERSION), is_picture=True)


def _observe(
    names: Iterable[str], ask: Callable[[Callable[..., list[Observation]]], list[Observation]]
) -> list[Observation]:
    seen: list[Observation] = []
    for name in names:
        try:
            seen += ask(import_string(name))
        except Exception as error:
            log.exception("checker_failed", checker=name)
            short = name.removesuffix(".check").rpartition(".")[2]
            seen.append(Observation(short, type(error).__name__, Label.FAILED, 1.0, Reason.UNCHECKED))
    return seen
