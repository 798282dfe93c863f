"""Arithmetic with meanings. Pure."""

from collections.abc import Sequence

import numpy as np

from feed.search.text_embeddings import Vector

PULL = 0.5  # how far a word moves a meaning: at 1 the word outweighs the picture it starts from


def shifted(start: Vector, towards: Sequence[Vector], away: Sequence[Vector]) -> Vector:
    """“This, plus blue, minus red”: the unit vector (384,) of `start` moved by unit vectors of words."""
    moved = start.astype(np.float32) + PULL * np.sum([*towards, *(-vector for vector in away)], axis=0)
    length = float(np.linalg.norm(moved))
    return np.asarray(moved / length if length else start, dtype=np.float32)
