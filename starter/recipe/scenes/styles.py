"""What each style does to a composed picture."""

import random

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from starter.recipe.scenes.lights import Floats

PIXEL = 4
"""Side of a block in pixel art, pixels."""


def apply_style(picture: Image.Image, style: str, rng: random.Random) -> Image.Image:
    """The RGB picture in one of the vocabulary's styles; "3d", "flat" and "cartoon" are drawn, not filtered."""
    if style == "pixel art":
        return _pixels(picture)
    if style == "watercolour":
        return _watercolour(picture, rng)
    return picture


def outlined(sprite: Image.Image, width: int = 3) -> Image.Image:
    """RGBA artwork with a dark line around it; it keeps its size."""
    alpha = sprite.getchannel("A")
    wide = alpha.filter(ImageFilter.MaxFilter(width))
    line = Image.new("RGBA", sprite.size, (38, 30, 36, 255))
    line.putalpha(wide)
    return Image.alpha_composite(line, sprite)


def blueprint(picture: Image.Image, rng: random.Random) -> Image.Image:
    """White lines on blue paper with a grid: the style of the LoRA, which the base model never sees."""
    grey = picture.convert("L").filter(ImageFilter.GaussianBlur(0.6))
    wide = grey.filter(ImageFilter.MaxFilter(3))
    edges = np.asarray(ImageChops.difference(wide, grey), dtype=np.float32)
    ink = np.clip(edges * 5 - 30, 0, 255)[..., None] / 255
    height, width = ink.shape[:2]
    paper = np.empty((height, width, 3), dtype=np.float32)
    paper[:] = np.array([24, 72, 150]) + rng.uniform(-8, 8)
    paper[:: 2 * PIXEL] += 16
    paper[:, :: 2 * PIXEL] += 16
    tone = np.asarray(grey, dtype=np.float32)[..., None] * 0.12
    drawn = (paper + tone) * (1 - ink) + np.array([236, 244, 255]) * ink
    return Image.fromarray(drawn.clip(0, 255).round().astype(np.uint8))


def _pixels(picture: Image.Image) -> Image.Image:
    small = picture.resize((picture.width // PIXEL, picture.height // PIXEL), Image.Resampling.BOX)
    few = small.quantize(24, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    return few.resize(picture.size, Image.Resampling.NEAREST)


def _watercolour(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Areas of even colour with darker rims on bright, grained paper."""
    even = picture.filter(ImageFilter.MedianFilter(5))
    pixels = np.asarray(even, dtype=np.float32)
    edges = np.asarray(even.convert("L").filter(ImageFilter.FIND_EDGES), dtype=np.float32)
    edges[0], edges[-1], edges[:, 0], edges[:, -1] = 0, 0, 0, 0
    generator = np.random.default_rng(rng.getrandbits(32))
    wash = _noise(generator, pixels.shape[:2], 8) * 9 + _noise(generator, pixels.shape[:2], 2) * 4
    pale = 255 - (255 - pixels) * 0.74 + wash[..., None] - 0.35 * edges[..., None]
    share = _paper(generator, pixels.shape[:2])[..., None]
    return Image.fromarray((pale * share + 250 * (1 - share)).clip(0, 255).round().astype(np.uint8))


def _noise(generator: np.random.Generator, shape: tuple[int, ...], grain: int) -> Floats:
    """Smooth noise around 0, float (h, w)."""
    coarse = generator.standard_normal((shape[0] // grain + 2, shape[1] // grain + 2)).astype(np.float32)
    smooth = Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32)


def _paper(generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """How much paint there is: none along an uneven border, float (h, w) 0-1."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    border = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    return np.asarray(np.clip((border - 4 + 2.5 * _noise(generator, shape, 8)) / 3, 0, 1), dtype=np.float32)
