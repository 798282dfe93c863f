"""What can be asked of a picture besides drawing it from words, and the numbers that say how. No torch, no database."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kind(StrEnum):
    TEXT2IMG = "text2img"
    IMG2IMG = "img2img"
    """From a picture, changed by `strength`."""
    INPAINT = "inpaint"
    """What is white in the mask is drawn anew."""
    OUTPAINT = "outpaint"
    """The picture grows by borders."""
    UPSCALE = "upscale"
    """The picture, larger, with more detail."""
    VARIATION = "variation"
    """The same seed with a part of another one's noise."""
    CONTROL = "control"
    """A picture (edges, depth, a pose) says where things are."""
    FINAL = "final"
    """A draft, drawn to its end."""


LABELS: Mapping[str, str | Promise] = {
    Kind.TEXT2IMG: _("From words"),
    Kind.IMG2IMG: _("From a picture"),
    Kind.INPAINT: _("Redraw a part"),
    Kind.OUTPAINT: _("Extend"),
    Kind.UPSCALE: _("Enlarge"),
    Kind.VARIATION: _("Variation"),
    Kind.CONTROL: _("Follow a picture"),
    Kind.FINAL: _("Finish a draft"),
}
FROM_SOURCE = frozenset({Kind.IMG2IMG, Kind.INPAINT, Kind.OUTPAINT, Kind.UPSCALE, Kind.FINAL})
"""Kinds that start from a source picture, and so have a strength."""
MASKED = frozenset({Kind.INPAINT, Kind.OUTPAINT})
STRENGTHS: Mapping[str, float] = {
    Kind.IMG2IMG: 0.6, Kind.INPAINT: 0.75, Kind.OUTPAINT: 1.0, Kind.UPSCALE: 0.3, Kind.FINAL: 0.5,
}  # fmt: skip
"""The strength of each where none is chosen."""

MAX_SIDE = 4096  # pixels of a picture that was extended or enlarged
MAX_REFERENCES = 6


@dataclass(frozen=True)
class Borders:
    """Pixels that a picture grows by on each side."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def grown(self, width: int, height: int) -> tuple[int, int]:
        return width + self.left + self.right, height + self.top + self.bottom


@dataclass(frozen=True)
class ControlUse:
    """A ControlNet as a picture was made with it; `strength` is its scale."""

    slug: str
    strength: float = 1.0
    sha256: str = ""


@dataclass(frozen=True)
class References:
    """How a mood board was followed.

    `method` is ``ip_adapter`` (the pictures themselves, with the adapter `adapter`) or ``words`` (only the words that
    their prompts share, which are added to the prompt). `count` pictures, at most 6.
    """

    method: str = ""
    count: int = 0
    strength: float = 0.6
    words: tuple[str, ...] = ()
    adapter: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Edit:
    """The numbers of an edit; what a kind does not use is left at its default.

    `mask_margin` and `mask_feather` are pixels of the source: how far the mask is enlarged, and how wide its edge is
    blended. `factor` is how much larger each side becomes. `variation_strength` is the part of the other noise, 0 to 1.
    """

    mask_margin: int = 0
    mask_feather: int = 0
    borders: Borders = Borders()
    factor: float = 1.0
    variation_strength: float = 0.0
    control: ControlUse | None = None
    references: References = References()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From what `as_column` made; keys of a later version are left out."""
        control, references = stored.get("control"), dict(stored.get("references") or {})
        references["words"] = tuple(references.get("words", ()))
        plain = {name: stored[name] for name in _NUMBERS if name in stored}
        return cls(
            **plain,
            borders=Borders(**stored.get("borders", {})),
            control=ControlUse(**control) if control else None,
            references=References(**references),
        )

    def as_column(self) -> dict[str, Any]:
        """What differs from the defaults, as `Generation.edit`, the API and files hold it."""
        usual = asdict(Edit())
        found = {name: value for name, value in asdict(self).items() if value != usual[name]}
        if "references" in found:
            found["references"]["words"] = list(self.references.words)
        return found


_NUMBERS = ("mask_margin", "mask_feather", "factor", "variation_strength")


def enlarged(width: int, height: int, factor: float) -> tuple[int, int]:
    """The size of a picture that is enlarged by a factor, in pixels."""
    return round(width * factor), round(height * factor)


def tile_starts(length: int, tile: int) -> list[int]:
    """Where tiles of `tile` pixels begin so that they cover `length` pixels evenly, overlapping by an eighth or more.

    One tile covers what is no longer than itself.
    """
    if length <= tile:
        return [0]
    step = tile - tile // 8
    count = -(-(length - tile) // step) + 1
    return [round(number * (length - tile) / (count - 1)) for number in range(count)]


def tiles(width: int, height: int, tile: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The left upper corners of the tiles of `tile` (width, height) pixels that cover a picture."""
    for top in tile_starts(height, tile[1]):
        for left in tile_starts(width, tile[0]):
            yield left, top
