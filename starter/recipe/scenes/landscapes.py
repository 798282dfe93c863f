"""The places, drawn as vector landscapes under the sky of a light."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from starter.recipe.scenes.lights import LIGHT_OF, Colour, Light, sky_colours

SCALE = 2
"""Landscapes are drawn this much larger and reduced, which smooths their edges."""


@dataclass
class Canvas:
    """A landscape being drawn; every length below is a share of the frame's height or width."""

    picture: Image.Image
    light: Light
    rng: random.Random
    style: str = "3d"

    def __post_init__(self) -> None:
        self.draw = ImageDraw.Draw(self.picture)
        self.width, self.height = self.picture.size

    def colour(self, base: Colour, share: float = 1.0) -> Colour:
        """A colour of the noon landscape in this light, a little varied; `share` scales its brightness."""
        vary = self.rng.uniform(0.94, 1.06) * share
        parts = [min(255, max(0, round(c * t * vary))) for c, t in zip(base, self.light.tint, strict=True)]
        return parts[0], parts[1], parts[2]

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon; cartoons get a dark outline."""
        scaled = [(x * self.width, y * self.height) for x, y in points]
        self.draw.polygon(scaled, fill=colour)
        if self.style == "cartoon":
            self.draw.line([*scaled, scaled[0]], fill=darker(colour, 0.45), width=3)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        """Fill an ellipse around a centre; the radii are shares of the height."""
        centre_x, centre_y, a, b = x * self.width, y * self.height, across * self.height, down * self.height
        outline = darker(colour, 0.45) if self.style == "cartoon" and min(a, b) > 6 else None
        self.draw.ellipse(
            (centre_x - a, centre_y - b, centre_x + a, centre_y + b), fill=colour, outline=outline, width=3
        )

    def hills(self, level: float, swing: float, colour: Colour, waves: float = 1.0) -> None:
        """Ground below a line of summed sines around `level`."""
        phase, second = self.rng.uniform(0, 6.3), self.rng.uniform(0, 6.3)
        points = [
            (x, level + swing * (math.sin(4 * waves * x + phase) + 0.5 * math.sin(9 * waves * x + second)))
            for x in (step / 24 for step in range(25))
        ]
        self.polygon([*points, (1.0, 1.02), (0.0, 1.02)], colour)


def darker(colour: Colour, share: float) -> Colour:
    """The colour with its brightness scaled."""
    return round(colour[0] * share), round(colour[1] * share), round(colour[2] * share)


def landscape(place: str, light: str, size: tuple[int, int], style: str, rng: random.Random) -> Image.Image:
    """An RGB picture of the place in the light, `size` (width, height) in pixels."""
    canvas = Canvas(_sky(LIGHT_OF[light], size, style, rng), LIGHT_OF[light], rng, style)
    if place not in ("room", "space", "underwater"):
        _draw_sky(canvas)
    _DRAWN[place](canvas)
    return canvas.picture.resize(size, Image.Resampling.BOX)


def _sky(light: Light, size: tuple[int, int], style: str, rng: random.Random) -> Image.Image:
    top, low = sky_colours(light, rng)
    return gradient(top, low, (size[0] * SCALE, size[1] * SCALE), style)


def gradient(top: np.typing.ArrayLike, low: np.typing.ArrayLike, size: tuple[int, int], style: str) -> Image.Image:
    """A vertical gradient between two colours; flat pictures get four bands of it."""
    share = np.linspace(0, 1.25, size[1], dtype=np.float32).clip(0, 1)[:, None]
    if style == "flat":
        share = np.floor(share * 3.99) / 3
    column = (np.asarray(top) * (1 - share) + np.asarray(low) * share).round().astype(np.uint8)
    return Image.fromarray(column[:, None, :]).resize(size)


def _draw_sky(canvas: Canvas) -> None:
    """Sun or moon with its glow, stars and clouds."""
    light, rng = canvas.light, canvas.rng
    if light.is_dark and light.disc:
        _stars(canvas, 26, 0.6)
    if light.disc:
        x, y = rng.choice((rng.uniform(0.1, 0.3), rng.uniform(0.7, 0.9))), light.disc_height + rng.uniform(-0.03, 0.03)
        if light.disc_size >= 0.2:
            x = rng.uniform(0.4, 0.6)
        if light.glow and canvas.style != "flat":
            glow(canvas, (x, y), light.disc_size * 3.2, light.disc, light.glow)
        canvas.ellipse(x, y, light.disc_size, light.disc_size, light.disc)
    if light.clouds:
        for _ in range(6 if light.grey else 3):
            _cloud(canvas, rng.uniform(0, 1), rng.uniform(0.04, 0.3), rng.uniform(0.05, 0.11), light.clouds)


def glow(canvas: Canvas, centre: tuple[float, float], radius: float, colour: Colour, strength: float) -> None:
    """Blend a soft disc of light into the picture."""
    y, x = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(np.float32)
    far = ((x - centre[0] * canvas.width) ** 2 + (y - centre[1] * canvas.height) ** 2) / (radius * canvas.height) ** 2
    mask = Image.fromarray((np.exp(-far) * 255 * strength).astype(np.uint8))
    canvas.picture.paste(colour, (0, 0), mask)


def _cloud(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    for step in (-1.1, -0.4, 0.4, 1.1):
        radius = size * (0.75 if abs(step) < 1 else 0.45)
        canvas.draw.ellipse(
            (
                x * canvas.width + (step * size - radius) * canvas.height,
                (y - radius * 0.6) * canvas.height,
                x * canvas.width + (step * size + radius) * canvas.height,
                (y + radius * 0.45) * canvas.height,
            ),
            fill=colour,
        )


def _stars(canvas: Canvas, count: int, lowest: float) -> None:
    for _ in range(count):
        size = canvas.rng.choice((1, 1.5, 2.5)) / 256
        canvas.ellipse(canvas.rng.random(), canvas.rng.random() * lowest, size, size, (255, 252, 230))


def _meadow(canvas: Canvas) -> None:
    canvas.hills(0.5, 0.03, canvas.colour((96, 176, 84)))
    canvas.hills(0.62, 0.03, canvas.colour((104, 198, 72)))
    flowers: tuple[Colour, ...] = ((250, 90, 110), (255, 220, 70), (250, 250, 250), (190, 110, 230))
    for _ in range(16):
        x, y = canvas.rng.random(), canvas.rng.uniform(0.7, 0.98)
        canvas.ellipse(x, y, 0.016 * y, 0.016 * y, canvas.colour(canvas.rng.choice(flowers)))


def _forest(canvas: Canvas) -> None:
    canvas.hills(0.52, 0.02, canvas.colour((70, 130, 84)))
    for count, level, size, shade in ((9, 0.6, 0.34, (46, 112, 78)), (7, 0.72, 0.5, (28, 92, 58))):
        for step in range(count):
            _fir(
                canvas,
                (step + canvas.rng.uniform(0.2, 0.8)) / count,
                level,
                size * canvas.rng.uniform(0.8, 1.15),
                shade,
            )
    canvas.hills(0.72, 0.015, canvas.colour((84, 120, 58)))


def _fir(canvas: Canvas, x: float, foot: float, size: float, base: Colour) -> None:
    ratio = canvas.height / canvas.width
    canvas.box(x - 0.012, foot - 0.1 * size, x + 0.012, foot, canvas.colour((96, 66, 44)))
    colour = canvas.colour(base)
    for low, high, half in ((0.1, 0.55, 0.26), (0.35, 0.78, 0.2), (0.6, 1.0, 0.14)):
        half_width = half * size * ratio
        canvas.polygon(
            [(x - half_width, foot - low * size), (x + half_width, foot - low * size), (x, foot - high * size)], colour
        )


def _snow(canvas: Canvas) -> None:
    canvas.hills(0.5, 0.03, canvas.colour((206, 224, 240)))
    for step in range(4):
        x, size = (step + canvas.rng.uniform(0.1, 0.9)) / 4, canvas.rng.uniform(0.2, 0.3)
        _fir(canvas, x, 0.62, size, (110, 150, 150))
    canvas.hills(0.62, 0.025, canvas.colour((240, 246, 252)))
    flake = canvas.colour((255, 255, 255), 1.1)
    for _ in range(40):
        size = canvas.rng.choice((0.006, 0.009, 0.012))
        canvas.ellipse(canvas.rng.random(), canvas.rng.random(), size, size, flake)


def _sea(canvas: Canvas) -> None:
    canvas.box(0, 0.48, 1, 1.02, canvas.colour((34, 120, 196)))
    for row in range(6):
        y = 0.51 + 0.045 * row
        for _ in range(4):
            x, half = canvas.rng.random(), canvas.rng.uniform(0.04, 0.1)
            canvas.box(x - half, y, x + half, y + 0.008, canvas.colour((120, 196, 236)))
    canvas.hills(0.775, 0.012, canvas.colour((236, 248, 250)), 0.8)
    canvas.hills(0.8, 0.012, canvas.colour((244, 214, 150)), 0.8)


def _desert(canvas: Canvas) -> None:
    canvas.hills(0.52, 0.035, canvas.colour((226, 164, 92)), 0.8)
    canvas.hills(0.6, 0.035, canvas.colour((240, 188, 108)), 0.7)
    x = canvas.rng.choice((canvas.rng.uniform(0.05, 0.2), canvas.rng.uniform(0.8, 0.95)))
    _pyramid(canvas, x, 0.6, canvas.rng.uniform(0.2, 0.3))
    canvas.hills(0.7, 0.025, canvas.colour((248, 206, 130)), 0.8)


def _pyramid(canvas: Canvas, x: float, foot: float, size: float) -> None:
    half = size * canvas.height / canvas.width * 0.75
    canvas.polygon([(x - half, foot), (x + half, foot), (x, foot - size)], canvas.colour((216, 150, 84)))
    canvas.polygon([(x + half * 0.3, foot), (x + half, foot), (x, foot - size)], canvas.colour((176, 114, 62)))


def _city(canvas: Canvas) -> None:
    x = -0.02
    while x < 1:
        width = canvas.rng.uniform(0.1, 0.18)
        _building(canvas, x, x + width, canvas.rng.uniform(0.14, 0.46))
        x += width + 0.004
    canvas.box(0, 0.74, 1, 0.79, canvas.colour((176, 176, 182)))
    canvas.box(0, 0.79, 1, 1.02, canvas.colour((92, 94, 104)))
    for step in range(5):
        canvas.box(step * 0.25 - 0.06, 0.9, step * 0.25 + 0.06, 0.92, canvas.colour((232, 226, 190)))


def _building(canvas: Canvas, left: float, right: float, top: float) -> None:
    bases: tuple[Colour, ...] = ((150, 120, 120), (120, 130, 156), (170, 150, 130), (116, 140, 140), (140, 124, 160))
    canvas.box(left, top, right, 0.76, canvas.colour(canvas.rng.choice(bases)))
    lit, pane = (255, 220, 120), canvas.colour((196, 222, 240))
    y = top + 0.035
    while y < 0.68:
        for step in range(2):
            x = left + (right - left) * (0.18 + 0.4 * step)
            glows = canvas.light.is_dark and canvas.rng.random() < 0.65
            canvas.draw.rectangle(
                (
                    x * canvas.width,
                    y * canvas.height,
                    (x + (right - left) * 0.24) * canvas.width,
                    (y + 0.04) * canvas.height,
                ),
                fill=lit if glows else pane,
            )
        y += 0.075


def _room(canvas: Canvas) -> None:
    """A wall with a window, through which the light's sky shows, a picture, a floor and a rug."""
    sky = canvas.picture.copy()
    walls: tuple[Colour, ...] = ((236, 208, 178), (206, 218, 200), (214, 204, 226), (230, 196, 190))
    canvas.box(0, 0, 1, 0.72, canvas.colour(canvas.rng.choice(walls)))
    left = canvas.rng.choice((0.08, 0.6))
    _window(canvas, sky, left)
    other = 0.72 if left < 0.3 else 0.1
    canvas.box(other, 0.14, other + 0.2, 0.36, canvas.colour((126, 82, 52)))
    canvas.box(other + 0.025, 0.165, other + 0.175, 0.335, canvas.colour((120, 176, 190)))
    canvas.box(0, 0.69, 1, 0.72, canvas.colour((246, 240, 230)))
    canvas.box(0, 0.72, 1, 1.02, canvas.colour((176, 122, 76)))
    for step in range(5):
        canvas.box(step * 0.25, 0.72, step * 0.25 + 0.006, 1.02, canvas.colour((140, 94, 56)))
    canvas.ellipse(
        0.5, 0.9, 0.44, 0.075, canvas.colour(canvas.rng.choice(((190, 70, 70), (70, 110, 170), (90, 140, 100))))
    )


def _window(canvas: Canvas, sky: Image.Image, left: float) -> None:
    width, height = canvas.width, canvas.height
    frame = canvas.colour((250, 246, 238))
    canvas.box(left - 0.02, 0.08, left + 0.32, 0.5, frame)
    view = sky.crop((0, 0, round(0.28 * width), round(0.36 * height * 1.0)))
    inner = sky.resize(view.size)
    canvas.picture.paste(inner, (round((left + 0.01) * width), round(0.11 * height)))
    if canvas.light.disc:
        canvas.ellipse(left + 0.2, 0.2, 0.035, 0.035, canvas.light.disc)
    canvas.box(left + 0.145, 0.1, left + 0.16, 0.48, frame)
    canvas.box(left, 0.28, left + 0.3, 0.295, frame)


def _space(canvas: Canvas) -> None:
    dark: Colour = (14, 12, 40) if not canvas.light.haze else (120, 112, 170)
    canvas.picture.paste(dark, (0, 0, canvas.width, canvas.height))
    rng = canvas.rng
    for _ in range(2):
        tone = rng.choice(((96, 40, 150), (30, 80, 170), (150, 40, 110)))
        glow(canvas, (rng.random(), rng.random()), rng.uniform(0.25, 0.45), tone, 0.6)
    canvas.draw = ImageDraw.Draw(canvas.picture)
    _stars(canvas, 60, 1.0)
    x, y = rng.choice(((0.14, 0.18), (0.86, 0.2), (0.15, 0.84), (0.86, 0.84)))
    size, tone = rng.uniform(0.1, 0.16), rng.choice(((226, 150, 90), (96, 170, 220), (210, 110, 130)))
    canvas.ellipse(x, y, size, size, tone)
    canvas.ellipse(x - size * 0.2, y - size * 0.25, size * 0.45, size * 0.3, darker(tone, 1.12))
    canvas.ellipse(x, y, size * 1.7, size * 0.16, darker(tone, 0.7))


def _mountains(canvas: Canvas) -> None:
    for step in range(4):
        x, size = (step + canvas.rng.uniform(0.2, 0.8)) / 4, canvas.rng.uniform(0.3, 0.48)
        _peak(canvas, x, 0.68, size)
    canvas.hills(0.66, 0.02, canvas.colour((88, 132, 96)))
    canvas.hills(0.74, 0.02, canvas.colour((126, 160, 96)))


def _peak(canvas: Canvas, x: float, foot: float, size: float) -> None:
    half = size * canvas.height / canvas.width * 0.8
    canvas.polygon([(x - half, foot), (x + half, foot), (x, foot - size)], canvas.colour((112, 122, 148)))
    canvas.polygon([(x + half * 0.15, foot), (x + half, foot), (x, foot - size)], canvas.colour((84, 92, 120)))
    top, cap = foot - size, size * 0.34
    points = [(x, top), (x + half * 0.34, top + cap), (x + half * 0.14, top + cap * 0.75), (x, top + cap * 1.1)]
    points += [(x - half * 0.14, top + cap * 0.75), (x - half * 0.34, top + cap)]
    canvas.polygon(points, canvas.colour((246, 250, 255)))


def _underwater(canvas: Canvas) -> None:
    high, low = canvas.colour((70, 190, 220)), canvas.colour((10, 66, 130))
    canvas.picture.paste(gradient(high, low, (canvas.width, canvas.height), canvas.style))
    for _ in range(3):
        x, half = canvas.rng.uniform(0.1, 0.9), canvas.rng.uniform(0.02, 0.06)
        ray = Image.new("L", (canvas.width, canvas.height))
        corners = [(x - half, 0.0), (x + half, 0.0), (x + 3 * half + 0.1, 0.9), (x - half + 0.1, 0.9)]
        ImageDraw.Draw(ray).polygon([(a * canvas.width, b * canvas.height) for a, b in corners], fill=44)
        canvas.picture.paste(canvas.colour((190, 240, 250)), (0, 0), ray)
    canvas.draw = ImageDraw.Draw(canvas.picture)
    canvas.hills(0.8, 0.02, canvas.colour((214, 190, 130)))
    for _ in range(4):
        _weed(canvas, canvas.rng.choice((canvas.rng.uniform(0, 0.25), canvas.rng.uniform(0.75, 1))))
    for _ in range(9):
        x, y, size = canvas.rng.random(), canvas.rng.uniform(0.05, 0.7), canvas.rng.uniform(0.008, 0.02)
        canvas.ellipse(x, y, size, size, canvas.colour((200, 240, 250)))


def _weed(canvas: Canvas, x: float) -> None:
    tone = canvas.colour(canvas.rng.choice(((60, 160, 90), (230, 110, 120), (240, 150, 80))))
    high, phase = canvas.rng.uniform(0.15, 0.35), canvas.rng.uniform(0, 6)
    side = [(x + 0.02 * math.sin(6 * t + phase), 0.86 - high * t) for t in (0, 0.25, 0.5, 0.75, 1)]
    back = [(a + 0.035 * (1 - (0.86 - b) / high), b) for a, b in reversed(side)]
    canvas.polygon([*side, *back], tone)


_DRAWN: dict[str, Callable[[Canvas], None]] = {
    "meadow": _meadow,
    "forest": _forest,
    "snow": _snow,
    "sea": _sea,
    "desert": _desert,
    "city": _city,
    "room": _room,
    "space": _space,
    "mountains": _mountains,
    "underwater": _underwater,
}
