"""The gate: every text and picture passes here. Settings list the checkers; an error in one of them holds.

verdict = screen_text(text=prompt, kind="prompt")
verdict = screen_image(image=pillow_image)
"""

from django.conf import settings
from PIL import Image

from moderation.policy import POLICY_VERSION, Reason
from moderation.screening import safe_mode
from moderation.screening.checkers import Picture
from moderation.screening.models import Screening
from moderation.screening.observations import Label, Observation, TextKind, Verdict
from moderation.screening.running import run_checkers
from moderation.screening.verdicts import decide_image, decide_text

__all__ = ["Label", "Observation", "Screening", "TextKind", "Verdict", "screen_image", "screen_text"]

MAX_TEXT = 100_000  # characters; longer ones are held unread


def screen_text(*, text: str, kind: TextKind | str) -> Verdict:
    """What may happen to `text`; never raises for what a checker does."""
    kind = TextKind(kind)
    if not text.strip():
        return decide_text([], kind, POLICY_VERSION)
    if len(text) > MAX_TEXT:
        return decide_text(
            [Observation("length", "TooLong", Label.FAILED, 1.0, Reason.UNCHECKED)], kind, POLICY_VERSION
        )
    deadline = settings.MODERATION_CHECKER_SECONDS
    seen = run_checkers(settings.MODERATION_TEXT_CHECKERS, lambda check: check(text, kind), deadline=deadline)
    return safe_mode.lock(decide_text(seen, kind, POLICY_VERSION), is_picture=False)


def screen_image(*, image: Image.Image) -> Verdict:
    """What may happen to a picture of any mode and size; never raises for what a checker does."""
    picture = Picture(image)
    deadline = settings.MODERATION_CHECKER_SECONDS
    seen = run_checkers(settings.MODERATION_IMAGE_CHECKERS, lambda check: check(picture), deadline=deadline)
    return safe_mode.lock(decide_image(seen, POLICY_VERSION), is_picture=True)
