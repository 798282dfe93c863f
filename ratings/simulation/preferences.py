"""What simulated people think of a picture: a quality that all see, a taste of their own, and noise. Pure.

Qualities are standard normal and tastes have a standard deviation of 0.6, so that reports have something to find:
pictures differ, people differ less, and nobody is consistent.
"""

import math
import random
from dataclasses import dataclass

TASTE = 0.6
TIE_BAND = 0.3
BAD_BELOW = -1.2
LEFT_BIAS = 0.1
CUTS = (-1.4, -0.5, 0.4, 1.3)  # between the five steps of a scale
CANT_TELL = 0.04


@dataclass(frozen=True, slots=True)
class Sight:
    """A picture as the simulation knows it: a name that is the same in every run, and its prompt."""

    name: str
    prompt: str


def quality(seed: int, sight: Sight, question: str = "") -> float:
    """What everybody sees; each question has a quality of its own that half follows the overall one."""
    overall = random.Random(f"{seed}:quality:{sight.name}").gauss(0, 1)
    if not question:
        return overall
    own = random.Random(f"{seed}:quality:{sight.name}:{question}").gauss(0, 1)
    return (overall + own) / math.sqrt(2)


def taste(seed: int, persona: str, sight: Sight) -> float:
    """How much one person cares for the words of a prompt."""
    words = [word for word in sight.prompt.replace(",", "").split() if len(word) > 2]
    liking = [random.Random(f"{seed}:taste:{persona}:{word}").gauss(0, 1) for word in words]
    return TASTE * sum(liking) / math.sqrt(len(liking) or 1)


def _felt(seed: int, persona: str, sight: Sight, rng: random.Random, question: str = "") -> float:
    return quality(seed, sight, question) + taste(seed, persona, sight) + rng.gauss(0, 0.7)


def likes(seed: int, persona: str, sight: Sight, rng: random.Random) -> bool:
    return _felt(seed, persona, sight, rng) > 0.4


def rates(seed: int, persona: str, sight: Sight, question: str, rng: random.Random) -> int | None:
    """1 to 5, or None for “can't tell”."""
    if rng.random() < CANT_TELL:
        return None
    felt = _felt(seed, persona, sight, rng, question)
    return 1 + sum(felt > cut for cut in CUTS)


def compares(seed: int, persona: str, left: Sight, right: Sight, rng: random.Random) -> str:
    """An outcome of a comparison, as it stood on the screen."""
    on_left, on_right = (_felt(seed, persona, sight, rng) for sight in (left, right))
    if max(on_left, on_right) < BAD_BELOW:
        return "both_bad"
    lead = on_left + LEFT_BIAS - on_right
    if abs(lead) < TIE_BAND:
        return "tie"
    return "left" if lead > 0 else "right"
