"""Flat borders around a picture: frames and black bars, which would hide it from its hash."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_OFF = 24  # of 255, that a pixel may be brighter or darker than its border: what JPEG and scaling do
_SPECKS = 0.02  # of a line, that may stand out
_STEP = 4  # every fourth pixel of a line is looked at
_LEAST_SIDE, _LEAST_SHARE = 64, 0.1  # of the picture inside: pixels, and of the whole area
_LEAST_BORDER = 0.01  # of a side, both ends together; less does not change a hash


def inside_borders(pixels: Pixels, most: int = 2) -> list[Pixels]:
    """A picture (height, width, 3) without its border, and without the next one inside that: the outermost first.

    The colour of each side may be another. Empty where there is no border, or hardly anything inside.
    """
    found: list[Pixels] = []
    while len(found) < most and (inner := _without_border(pixels)) is not None:
        found.append(inner)
        pixels = inner
    return found


def _without_border(pixels: Pixels) -> Pixels | None:
    height, width = pixels.shape[:2]
    lines, columns = _brightness(pixels[:, ::_STEP]), _brightness(pixels[::_STEP]).T
    top, bottom, left, right = (_flat_lines(each) for each in (lines, lines[::-1], columns, columns[::-1]))
    rows, across = height - top - bottom, width - left - right
    if min(rows, across) < _LEAST_SIDE or rows * across < _LEAST_SHARE * height * width:
        return None
    if top + bottom < _LEAST_BORDER * height and left + right < _LEAST_BORDER * width:
        return None
    return pixels[top : height - bottom, left : width - right]


def _brightness(pixels: Pixels) -> NDArray[np.float32]:
    """JPEG keeps it sharp at a border, unlike colour; and hashes see nothing else."""
    return np.tensordot(pixels.astype(np.float32), np.array([0.299, 0.587, 0.114], np.float32), 1)


def _flat_lines(lines: NDArray[np.float32]) -> int:
    """How many lines (n, length) from the first on are as bright as the first one."""
    stands_out = (np.abs(lines - np.median(lines[0])) > _OFF).mean(1) > _SPECKS
    return int(stands_out.argmax()) if stands_out.any() else len(lines)
