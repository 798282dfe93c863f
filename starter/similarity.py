"""Which listed sprite a picture resembles most, and the colour it stands on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from starter.captions import COLOURS, LISTED, STYLES, read_nouns
from starter.scenes import tinted

SIDE = 32
"""Side at which pictures and sprites are compared, pixels."""
FILLS = (0.78, 0.84, 0.9)
"""Sizes a sprite may have, as shares of the frame."""
REFERENCE = Path(__file__).parent / "reference.webp"

Floats = NDArray[np.float32]


@dataclass(slots=True)
class References:
    """Every artwork of the listed nouns in every size and both directions."""

    words: list[str]
    """(candidates,) the noun of each"""
    ink: Floats
    """(candidates, 32, 32, 3), colour times opacity, 0-255"""
    opacity: Floats
    """(candidates, 32, 32, 1), 0-1"""


def load_references(
    path: Path = REFERENCE, tint: str = "", fills: tuple[float, ...] = FILLS, limit: int = LISTED
) -> References:
    """Read the sheet of the first `limit` nouns; `tint` recolours the sprites as the captions' tints do."""
    sheet = Image.open(path).convert("RGBA")
    words, pictures = [], []
    for row, noun in enumerate(read_nouns(limit)):
        for column in range(len(STYLES)):
            x, y = column * SIDE, row * SIDE
            sprite = sheet.crop((x, y, x + SIDE, y + SIDE))
            if sprite.getbbox() is None:
                continue
            sprite = tinted(sprite, COLOURS[tint]) if tint else sprite
            for fill in fills:
                placed = _placed(sprite, fill)
                words += [noun.word] * 2
                pictures += [placed, placed.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    stack = np.stack([np.asarray(picture, dtype=np.float32) for picture in pictures])
    opacity = (stack[..., 3:] / 255).astype(np.float32)
    return References(words, (stack[..., :3] * opacity).astype(np.float32), opacity)


def _placed(sprite: Image.Image, fill: float) -> Image.Image:
    side = round(SIDE * fill)
    frame = Image.new("RGBA", (SIDE, SIDE))
    corner = (SIDE - side) // 2
    frame.paste(sprite.resize((side, side), Image.Resampling.LANCZOS), (corner, corner))
    return frame


def ranked_nouns(picture: Image.Image, references: References) -> list[str]:
    """The listed nouns from nearest to farthest, by mean squared error at 32 x 32.

    Each sprite is laid on the picture's own background, so that the background does not count.
    """
    small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float32)
    ground = border_colour(picture)
    candidates = references.ink + (1 - references.opacity) * ground
    errors = ((candidates - pixels) ** 2).mean(axis=(1, 2, 3))
    order = [references.words[place] for place in np.argsort(errors)]
    return list(dict.fromkeys(order))


def border_colour(picture: Image.Image) -> Floats:
    """Median sRGB colour, (3,) 0-255, of the outermost pixels (a sixteenth of the side)."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    width = max(1, pixels.shape[0] // 16)
    inner = np.zeros(pixels.shape[:2], dtype=bool)
    inner[width:-width, width:-width] = True
    median: Floats = np.median(pixels[~inner], axis=0).astype(np.float32)
    return median


def colour_name(colour: Floats) -> str:
    """The named background colour nearest to an sRGB colour (3,)."""
    distances = {name: float(np.square(colour - np.array(value)).sum()) for name, value in COLOURS.items()}
    return min(distances, key=lambda name: distances[name])
