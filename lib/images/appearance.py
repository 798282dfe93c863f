"""How a picture looks, as three numbers: what a comparison of models can hold equal."""

from typing import NamedTuple

import numpy as np
import PIL.Image

SIDE = 256  # pixels of the longer side at which pictures of all sizes are measured


class Appearance(NamedTuple):
    """Each is 0 to 1."""

    sharpness: float
    """Mean step of brightness between neighbouring pixels, across and down"""
    saturation: float
    """Mean of the colours' chroma: largest less least of red, green and blue"""
    lightness: float
    """Mean brightness (Rec. 601)"""


def appearance_of(picture: PIL.Image.Image) -> Appearance:
    """The numbers of a picture of any mode and size."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE), PIL.Image.Resampling.BOX)
    colours = np.asarray(small, dtype=np.float32) / 255
    grey = np.asarray(small.convert("L"), dtype=np.float32) / 255
    steps = [np.abs(np.diff(grey, axis=axis)) for axis in (0, 1)]
    chroma = colours.max(axis=2) - colours.min(axis=2)
    sharpness = sum(float(step.mean()) if step.size else 0.0 for step in steps) / 2
    return Appearance(sharpness, float(chroma.mean()), float(grey.mean()))
