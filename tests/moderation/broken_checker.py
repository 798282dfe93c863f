"""A checker that fails, and two that say what a test wants to hear."""

from moderation.policy import Reason
from moderation.screening.checkers import Picture
from moderation.screening.observations import Label, Observation, TextKind


def check(*arguments: object) -> list[Observation]:
    raise ValueError("out of order")


def finds_nudity(picture: Picture) -> list[Observation]:
    """The score is the red of the upper left pixel, of 255."""
    red = picture.image.convert("RGB").getpixel((0, 0))
    assert isinstance(red, tuple)
    return [Observation("nudity", "1", Label.EXPLICIT, red[0] / 255, Reason.SEXUAL)]


def doubts(text: str, kind: TextKind) -> list[Observation]:
    return [Observation("doubts", "1", Label.DOUBTFUL, 0.7, Reason.HATE, matched=text)]
