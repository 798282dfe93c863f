"""Which two entries of a challenge a judge sees next, with the probability of that choice. Pure.

Entries with too few votes come first. Then those whose place is least certain near the top, beside an opponent of
about their strength: such a vote says most about who wins. A share of every draw is uniform, so that no pair that may
be shown has a probability of 0.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratings.research.statistics.likelihood import Floats, sigmoid

Places = NDArray[np.int64]

UNIFORM_SHARE = 0.1
LEAST_APPEARANCES = 10  # votes that each entry takes part in before the uncertain come first
TOP = 3  # places that should become clear


@dataclass(frozen=True, slots=True)
class Field:
    """The entries that a judge may be shown, arrays of shape (K,).

    `ids` are the pictures', `alike` groups those that show the same (never paired with each other); `theta`,
    `variance` and `appearances` are of the standing so far.
    """

    ids: NDArray[np.int64]
    alike: NDArray[np.int64]
    theta: Floats
    variance: Floats
    appearances: Floats


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, the lower id first, and the probability that this pair was drawn."""

    low: int
    high: int
    p_pair: float


def draw_pair(field: Field, *, seen: Collection[tuple[int, int]], rng: random.Random) -> Pair | None:
    """Draws the next pair for one judge, or None where they have seen every pair.

    Args:
        field: without the judge's own entries.
        seen: pairs of ids, the lower first and each once, that this judge was shown before.
    """
    shown = _seen_places(field, seen)
    first = _first_chances(field, shown)
    if first is None:
        return None
    one = rng.choices(range(len(first)), first.tolist())[0]
    second = _second_chances(field, one, shown)
    two = rng.choices(range(len(second)), second.tolist())[0]
    back = _second_chances(field, two, shown)
    chance = float(first[one] * second[two] + first[two] * back[one])
    low, high = sorted((int(field.ids[one]), int(field.ids[two])))
    return Pair(low, high, min(chance, 1.0))


def _seen_places(field: Field, seen: Collection[tuple[int, int]]) -> Places:
    """Pairs that were shown, by places in the field, each both ways round: shape (2, N). Others are left out."""
    if not seen or not len(field.ids):
        return np.empty((2, 0), np.int64)
    pairs = np.array(list(seen), np.int64).T
    order = np.argsort(field.ids)
    at = np.minimum(np.searchsorted(field.ids, pairs, sorter=order), len(order) - 1)
    places = order[at]
    known = places[:, (field.ids[places] == pairs).all(0)]
    return np.concatenate([known, known[::-1]], axis=1)


def _allowed(field: Field, place: int, shown: Places) -> NDArray[np.bool_]:
    allowed = field.alike != field.alike[place]
    allowed[shown[1, shown[0] == place]] = False
    return np.asarray(allowed)


def _first_chances(field: Field, shown: Places) -> Floats | None:
    """Probabilities of the first entry; None if nobody has an opponent left."""
    if not len(field.ids):
        return None
    sizes = np.bincount(field.alike)
    others = shown[0, field.alike[shown[0]] != field.alike[shown[1]]]
    has_opponent = len(field.ids) - sizes[field.alike] > np.bincount(others, minlength=len(field.ids))
    if not has_opponent.any():
        return None
    missing = np.maximum(LEAST_APPEARANCES - field.appearances, 0.0) * has_opponent
    weight = missing**2 if missing.any() else _uncertainty(field) * has_opponent
    return _mixed(weight, has_opponent)


def _uncertainty(field: Field) -> Floats:
    """How uncertain it is whether an entry is among the `TOP`: 1 for one that may as well be as not."""
    place = min(TOP, len(field.theta)) - 1
    bar = np.sort(field.theta)[::-1][place]
    away = np.abs(field.theta - bar) / np.sqrt(field.variance + 1e-9)
    return np.asarray(np.sqrt(field.variance) * np.exp(-(away**2) / 2))


def _second_chances(field: Field, one: int, shown: Places) -> Floats:
    """Probabilities of the opponent of `one`: what the vote tells, by its information times what is not known."""
    allowed = _allowed(field, one, shown)
    chance = sigmoid(field.theta - field.theta[one])
    weight = chance * (1 - chance) * (field.variance + field.variance[one])
    missing = np.maximum(LEAST_APPEARANCES - field.appearances, 0.0)
    return _mixed(weight * (1 + missing) * allowed, allowed)


def _mixed(weight: Floats, allowed: NDArray[np.bool_]) -> Floats:
    total = weight.sum()
    even = allowed / allowed.sum()
    return np.asarray(even if total <= 0 else (1 - UNIFORM_SHARE) * weight / total + UNIFORM_SHARE * even)
