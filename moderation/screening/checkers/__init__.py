"""Checkers: adapters that settings list by dotted path.

A text checker is ``check(text: str, kind: TextKind) -> list[Observation]``, an image checker is
``check(picture: Picture) -> list[Observation]``. What they say comes from a closed set (`Label`); an
exception becomes `Label.FAILED`, and that holds.
"""

from dataclasses import dataclass
from functools import cached_property

from PIL import Image

from lib.images import PdqHash, hash_orientations


@dataclass
class Picture:
    """An RGB picture under check; what several checkers need of it is computed once."""

    image: Image.Image

    @cached_property
    def hashes(self) -> list[PdqHash]:
        """The PDQ hashes as it is, turned and mirrored, also without a border."""
        return hash_orientations(self.image)
