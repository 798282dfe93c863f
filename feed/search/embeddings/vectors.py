"""Vector types and the arithmetic of embeddings. Pure functions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

TEXT_DIMENSIONS = 384
PULL = 0.5  # how far a word moves an embedding; at 1 the word outweighs the post it starts from


def shift(start: Vector, towards: Sequence[Vector], away: Sequence[Vector]) -> Vector:
    """“This, plus blue, minus red”: the unit vector (384,) of `start` moved by the unit vectors of words."""
    moved = start.astype(np.float32) + PULL * np.sum([*towards, *(-vector for vector in away)], axis=0)
    length = float(np.linalg.norm(moved))
    return np.asarray(moved / length if length else start, dtype=np.float32)
