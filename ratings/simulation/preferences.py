"""How simulated members rate a picture: a quality common to all, a preference of their own, and noise. Pure.

Qualities are standard normal and preferences have a standard deviation of 0.6, so that reports find something:
pictures differ, members differ less, and nobody is consistent.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

PREFERENCE_WEIGHT = 0.6
TIE_BAND = 0.3
BAD_BELOW = -1.2
LEFT_BIAS = 0.1
CUTS = (-1.4, -0.5, 0.4, 1.3)  # between the five steps of a scale
CANT_TELL = 0.04
FAULTS = ("hand", "eyes", "edge", "blur", "colour", "shape")
WORDS = 0.5  # how often a mark has a word


@dataclass(frozen=True, slots=True)
class SimulatedPicture:
    """A picture in the simulation: a name that is the same in every run, and its prompt."""

    name: str
    prompt: str


def quality(seed: int, picture: SimulatedPicture, question: str = "") -> float:
    """The quality common to all members; each question has its own, correlated with the overall one."""
    overall = random.Random(f"{seed}:quality:{picture.name}").gauss(0, 1)
    if not question:
        return overall
    own = random.Random(f"{seed}:quality:{picture.name}:{question}").gauss(0, 1)
    return (overall + own) / math.sqrt(2)


def preference(seed: int, persona: str, picture: SimulatedPicture) -> float:
    """How much one member likes the words of a prompt."""
    words = [word for word in picture.prompt.replace(",", "").split() if len(word) > 2]
    liking = [random.Random(f"{seed}:preference:{persona}:{word}").gauss(0, 1) for word in words]
    return PREFERENCE_WEIGHT * sum(liking) / math.sqrt(len(liking) or 1)


def _liking(seed: int, persona: str, picture: SimulatedPicture, rng: random.Random, question: str = "") -> float:
    return quality(seed, picture, question) + preference(seed, persona, picture) + rng.gauss(0, 0.7)


def likes(seed: int, persona: str, picture: SimulatedPicture, rng: random.Random) -> bool:
    return _liking(seed, persona, picture, rng) > 0.4


def rates(seed: int, persona: str, picture: SimulatedPicture, question: str, rng: random.Random) -> int | None:
    """1 to 5, or None for “can't tell”."""
    if rng.random() < CANT_TELL:
        return None
    liking = _liking(seed, persona, picture, rng, question)
    return 1 + sum(liking > cut for cut in CUTS)


def marks(
    seed: int, persona: str, picture: SimulatedPicture, aspect: str, rng: random.Random
) -> list[tuple[float, float, str]]:
    """Up to three places (x, y, word) that a member marks; a picture has three of them, and the better it is for the
    member the fewer are seen."""
    liking = _liking(seed, persona, picture, rng, aspect)
    faults = random.Random(f"{seed}:faults:{picture.name}:{aspect}")
    places = [(faults.random(), faults.random(), faults.choice(FAULTS)) for _ in CUTS[:3]]
    seen = places[: sum(liking < cut for cut in CUTS[:3])]
    return [(_near(x, rng), _near(y, rng), word if rng.random() < WORDS else "") for x, y, word in seen]


def ranks(seed: int, persona: str, pictures: Sequence[SimulatedPicture], rng: random.Random) -> list[int]:
    """The rank of each picture; 1 is the best."""
    likings = [_liking(seed, persona, picture, rng) for picture in pictures]
    best_first = sorted(range(len(pictures)), key=lambda index: -likings[index])
    return [best_first.index(index) + 1 for index in range(len(pictures))]


def _near(value: float, rng: random.Random) -> float:
    return min(1.0, max(0.0, rng.gauss(value, 0.03)))


def compares(
    seed: int, persona: str, left: SimulatedPicture, right: SimulatedPicture, rng: random.Random, aspect: str = ""
) -> str:
    """The outcome of a comparison as shown, overall or by one aspect: left, right, tie or both_bad."""
    on_left, on_right = (_liking(seed, persona, picture, rng, aspect) for picture in (left, right))
    if max(on_left, on_right) < BAD_BELOW:
        return "both_bad"
    lead = on_left + LEFT_BIAS - on_right
    if abs(lead) < TIE_BAND:
        return "tie"
    return "left" if lead > 0 else "right"
