"""What each light does to a picture: the sky, the sun or moon, and the grading of everything below."""

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Light:
    """Colours are sRGB 0-255; `tint` multiplies the colours of ground and subject."""

    sky_top: Colour
    sky_low: Colour
    tint: tuple[float, float, float]
    disc: Colour | None = None
    """Colour of the sun or moon, or None where the sky hides it."""
    disc_height: float = 0.2
    """Its centre, as a share of the height from the top."""
    disc_size: float = 0.06
    glow: float = 0.0
    """Strength of the glow around it, 0 to 1."""
    haze: float = 0.0
    """How far everything fades towards `sky_low`, 0 to 1."""
    grey: float = 0.0
    """How far colours lose their saturation, 0 to 1."""
    is_dark: bool = False
    """Whether windows and lamps are lit and stars are out."""
    clouds: Colour | None = None


_WHITE: Colour = (255, 255, 255)
LIGHT_OF: dict[str, Light] = {
    "": Light((250, 250, 250), (250, 250, 250), (1.0, 1.0, 1.0)),
    "noon": Light((58, 146, 240), (186, 226, 255), (1.0, 1.0, 1.0), (255, 250, 214), 0.14, 0.055, 0.5, clouds=_WHITE),
    "dawn": Light((138, 150, 222), (255, 198, 200), (1.0, 0.84, 0.92), (255, 240, 214), 0.44, 0.06, 0.6, 0.12),
    "sunset": Light((92, 52, 128), (255, 142, 48), (1.0, 0.68, 0.46), (255, 214, 92), 0.42, 0.1, 0.8),
    "night": Light((8, 12, 44), (34, 48, 108), (0.36, 0.44, 0.78), (240, 240, 222), 0.18, 0.075, 0.35, is_dark=True),
    "overcast": Light((146, 154, 164), (204, 209, 213), (0.8, 0.81, 0.83), grey=0.4, clouds=(124, 130, 140)),
    "fog": Light((214, 219, 222), (228, 231, 233), (0.97, 0.98, 1.0), haze=0.44, grey=0.25),
    "rain": Light((66, 80, 100), (122, 136, 152), (0.56, 0.63, 0.74), grey=0.2, clouds=(52, 62, 80)),
    "spotlight": Light((14, 13, 20), (26, 24, 34), (0.26, 0.26, 0.32), is_dark=True),
    "backlit": Light((255, 206, 120), (255, 244, 206), (0.42, 0.35, 0.34), (255, 255, 240), 0.4, 0.2, 1.0),
    "neon": Light((20, 6, 46), (66, 12, 92), (0.8, 0.6, 1.0), is_dark=True),
    "soft": Light((238, 226, 240), (252, 240, 226), (1.0, 0.98, 0.95), haze=0.12),
}  # fmt: skip


def sky_colours(light: Light, rng: random.Random) -> tuple[Floats, Floats]:
    """Top and low colour of this sky, float (3,) 0-255, a little different each time."""
    shift = np.array([rng.uniform(-10, 10) for _ in range(3)], dtype=np.float32)
    top = np.clip(np.array(light.sky_top, dtype=np.float32) + shift, 0, 255)
    low = np.clip(np.array(light.sky_low, dtype=np.float32) + shift, 0, 255)
    return top, low


def grade(pixels: Floats, name: str, centre: tuple[float, float], seed: int) -> Floats:
    """Put the whole picture into a light: pixels (h, w, 3) 0-255, `centre` of the subject as shares of the frame."""
    light = LIGHT_OF[name]
    if light.grey:
        luma = pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        pixels = pixels + light.grey * (luma[..., None] - pixels)
    if light.haze:
        pixels = pixels + light.haze * (np.array(light.sky_low, dtype=np.float32) - pixels)
    if name == "spotlight":
        pixels = _spotlight(pixels, centre)
    elif name == "neon":
        pixels = _neon(pixels)
    elif name == "soft":
        pixels = 255 - (255 - pixels) * 0.78
    elif name == "rain":
        pixels = _rain(pixels, seed)
    return np.clip(pixels, 0, 255).astype(np.float32)


def subject_tint(name: str, width: float) -> Floats:
    """What multiplies a subject's colours, float (3,); `width` is where it stands, 0 left to 1 right."""
    tint = np.array(LIGHT_OF[name].tint, dtype=np.float32)
    if name in ("spotlight", "neon", ""):  # graded as a whole
        return np.ones(3, dtype=np.float32)
    share = 0.9 if name == "backlit" else 0.7
    return (1 - share + share * tint).astype(np.float32)


def _grid(pixels: Floats) -> tuple[Floats, Floats]:
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return y / height, x / width


def _spotlight(pixels: Floats, centre: tuple[float, float]) -> Floats:
    """A cone from above and a bright pool around the subject; the rest is nearly black."""
    y, x = _grid(pixels)
    height, width = pixels.shape[:2]
    across = (x - centre[0]) * width / height
    pool = np.exp(-(((across / 0.36) ** 2 + ((y - centre[1]) / 0.42) ** 2) ** 2))
    cone = np.exp(-((across / (0.06 + 0.3 * y)) ** 4)) * np.clip(1.2 - y, 0, 1)
    lit = np.clip(pool + 0.25 * cone, 0, 1)[..., None].astype(np.float32)
    warm = np.array([1.06, 1.0, 0.9], dtype=np.float32)
    beam = cone[..., None].astype(np.float32) * np.array([46, 42, 32], dtype=np.float32)
    return np.asarray(pixels * warm * (0.27 + 0.73 * lit) + beam, dtype=np.float32)


def _neon(pixels: Floats) -> Floats:
    """Magenta from the left and cyan from the right on a dark scene."""
    _, x = _grid(pixels)
    luma = pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    base = (0.45 * pixels + 0.55 * luma[..., None]) * 1.1
    left = np.clip(1.3 - 1.6 * x, 0, 1)[..., None]
    right = np.clip(1.6 * x - 0.3, 0, 1)[..., None]
    magenta, cyan = np.array([1.1, 0.18, 0.86]), np.array([0.1, 0.88, 1.1])
    colour = 0.3 * np.array([0.6, 0.4, 0.9]) + 0.9 * left * magenta + 0.9 * right * cyan
    return np.asarray(base * np.minimum(colour, 1.15) + left * 10 * magenta + right * 10 * cyan, dtype=np.float32)


def _rain(pixels: Floats, seed: int) -> Floats:
    """Slanted pale streaks."""
    height, width = pixels.shape[:2]
    generator = np.random.default_rng(seed)
    drops = (generator.random((height, width + height)) > 0.992).astype(np.float32)
    streaks = np.zeros((height, width), dtype=np.float32)
    for step in range(7):
        shifted = np.roll(drops, step, axis=0)
        streaks += shifted[:, 40 - step // 3 : 40 - step // 3 + width] * (0.4 + 0.08 * step)
    return np.asarray(pixels + np.minimum(streaks, 1)[..., None] * (205 - pixels) * 0.5, dtype=np.float32)
