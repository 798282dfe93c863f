"""Checkers: adapters that settings list by dotted path.

A text checker is ``check(text: str, kind: TextKind) -> list[Observation]``, an image checker is
``check(picture: Picture) -> list[Observation]``. What they say comes from a closed set (`Label`); an
exception becomes `Label.FAILED`, and that holds.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pdqhash
from PIL import Image

MIN_QUALITY = 49  # PDQ's own measure, 0 to 100: a hash of less than this says nothing


@dataclass
class Picture:
    """An RGB picture under check; what several checkers need of it is computed once."""

    image: Image.Image

    @cached_property
    def pdq(self) -> tuple[list[str], int]:
        """The PDQ hashes (256 characters of 0 and 1) as it is, turned and mirrored, and their quality."""
        hashes, quality = pdqhash.compute_dihedral(np.asarray(self.image.convert("RGB")))
        return [bits(each) for each in hashes], int(quality)


def bits(vector: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> str:
    """256 values of 0 and 1, as pdqhash returns them, as text that BitField takes."""
    return "".join("1" if value else "0" for value in vector)
