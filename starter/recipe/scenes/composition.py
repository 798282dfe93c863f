"""Scenes composed into pictures: landscape, light, subjects with shadows, and style."""

import random
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from starter.captions import COLOURS, PLAIN_COLOURS
from starter.captions import STYLES as ARTWORK
from starter.recipe.scenes.landscapes import gradient, landscape
from starter.recipe.scenes.lights import LIGHT_OF, Colour, Floats, grade, subject_tint
from starter.recipe.scenes.styles import apply_style, outlined
from starter.recipe.scenes.vocabulary import Scene, Subject
from starter.scenes import Sprites, tinted

FLIPPED = 0.3
TURNED = 8.0
"""Largest tilt of a subject, degrees."""
FIRST_ARTWORK = 0.85
"""Share of the pictures without a style word, in pixel art and in watercolour that show the 3d artwork."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A subject's picture, RGBA, and the pixel of its upper left corner."""

    sprite: Image.Image
    corner: tuple[int, int]

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the sprite, pixels."""
        return self.corner[0] + self.sprite.width / 2, self.corner[1] + self.sprite.height / 2


def compose(
    scene: Scene, sprites: Sprites, size: tuple[int, int], rng: random.Random
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture, uint8 (h, w, 3), and how much of each pixel the subjects cover, uint8 (h, w) 0-255."""
    width, height = size
    style = scene.style or "3d"
    ground = _ground(scene, size, style, rng)
    placed = _place(scene, sprites, size, rng)
    pixels = np.asarray(ground, dtype=np.float32)
    cover = np.zeros((height, width), dtype=np.float32)
    for each in placed:
        pixels, cover = _paste(pixels, cover, each, scene, style)
    across = sum(each.centre[0] for each in placed) / len(placed) / width
    down = sum(each.centre[1] for each in placed) / len(placed) / height
    pixels = grade(pixels, scene.shown_light, (across, down), rng.getrandbits(32))
    picture = apply_style(Image.fromarray(pixels.round().astype(np.uint8)), style, rng)
    return np.asarray(picture, dtype=np.uint8), (cover * 255).round().astype(np.uint8)


def _ground(scene: Scene, size: tuple[int, int], style: str, rng: random.Random) -> Image.Image:
    if scene.place:
        return landscape(scene.place, scene.shown_light, size, style, rng)
    colour = COLOURS[scene.background] if scene.background else rng.choice(PLAIN_COLOURS)
    varied = np.array([min(255, max(0, part + rng.randint(-8, 8))) for part in colour], dtype=np.float32)
    if scene.light == "backlit":
        return _halo(varied, size)
    if rng.random() < 0.5 or style == "flat":
        return Image.new("RGB", size, cast(Colour, tuple(int(part) for part in varied)))
    return gradient(np.minimum(varied * 1.06, 255), varied * 0.92, size, style)


def _halo(colour: Floats, size: tuple[int, int]) -> Image.Image:
    """A plain background with a strong light behind the subject."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    far = ((x / size[0] - 0.5) * size[0] / size[1]) ** 2 + (y / size[1] - 0.5) ** 2
    share = np.exp(-far / 0.14)[..., None]
    light = np.array(LIGHT_OF["backlit"].sky_low, dtype=np.float32)
    return Image.fromarray((colour * 0.72 * (1 - share) + light * share).round().astype(np.uint8))


def _place(scene: Scene, sprites: Sprites, size: tuple[int, int], rng: random.Random) -> list[Placed]:
    """Where the subjects stand: on the ground in a place, in the middle of a plain background."""
    width, height = size
    side = min(size)
    foot = rng.uniform(0.86, 0.93) if scene.place and scene.place != "space" else 0.0
    share = rng.uniform(0.56, 0.68) if scene.place else rng.uniform(0.7, 0.84)
    centres = [0.5 + rng.uniform(-0.07, 0.07)]
    if len(scene.subjects) == 2:
        share = rng.uniform(0.48, 0.54)
        apart = min(0.26, share * side / width * 0.5)
        centres = [0.5 - apart, 0.5 + apart]
    placed = []
    for across, subject in zip(centres, scene.subjects, strict=True):
        sprite = _sprite(subject, scene, sprites, round(share * side), rng)
        left = round(across * width - sprite.width / 2 + rng.uniform(-2, 2))
        middle = 0.5 * height + rng.uniform(-0.02, 0.02) * side
        top = foot * height - share * side * 0.97 if foot else middle - sprite.height / 2
        placed.append(Placed(sprite, (left, round(top))))
    return placed


def _sprite(subject: Subject, scene: Scene, sprites: Sprites, side: int, rng: random.Random) -> Image.Image:
    """The subject's artwork for the style, tinted, mirrored, tilted and scaled."""
    own = {"3d": "3d", "flat": "flat", "cartoon": "cartoon"}.get(scene.style)
    if own is None:
        own = "3d" if rng.random() < FIRST_ARTWORK else rng.choice(ARTWORK[1:])
    names = [name for name in (own, *ARTWORK) if (subject.noun.code, name) in sprites]
    sprite = sprites[(subject.noun.code, names[0])]
    if subject.tint:
        sprite = tinted(sprite, COLOURS[subject.tint])
    if rng.random() < FLIPPED:
        sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = sprite.rotate(rng.uniform(-TURNED, TURNED), Image.Resampling.BICUBIC)
    return turned.resize((side, side), Image.Resampling.LANCZOS)


def _paste(pixels: Floats, cover: Floats, each: Placed, scene: Scene, style: str) -> tuple[Floats, Floats]:
    """Lay a shadow and the subject, in the scene's light, over the pixels."""
    height, width = cover.shape
    if scene.place not in ("space", "underwater") and scene.shown_light not in ("", "fog"):
        pixels = pixels * (1 - 0.38 * _shadow(each, (width, height), style == "flat")[..., None])
    sprite = outlined(each.sprite) if style == "cartoon" else each.sprite
    frame = Image.new("RGBA", (width, height))
    frame.paste(sprite, each.corner)
    layer = np.asarray(frame, dtype=np.float32)
    opacity = layer[..., 3:] / 255
    ink = layer[..., :3] * subject_tint(scene.shown_light, each.centre[0] / width)
    if scene.shown_light == "backlit":
        ink = ink + _rim(frame)[..., None] * (np.array([255, 240, 200], dtype=np.float32) - ink)
    mixed = pixels * (1 - opacity) + ink * opacity
    return mixed.astype(np.float32), np.maximum(cover, opacity[..., 0])


def _shadow(each: Placed, size: tuple[int, int], is_hard: bool) -> Floats:
    """A flat ellipse under the subject, float (h, w) 0-1."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    side = each.sprite.height
    centre_x, centre_y = each.centre[0], each.corner[1] + side * 0.97
    far = ((x - centre_x) / (0.42 * side)) ** 2 + ((y - centre_y) / (0.09 * side)) ** 2
    shade = (far < 1).astype(np.float32) if is_hard else np.exp(-(far**1.5))
    return cast(Floats, shade.astype(np.float32))


def _rim(frame: Image.Image) -> Floats:
    """The bright edge of a subject that is lit from behind, float (h, w) 0-1."""
    alpha = frame.getchannel("A")
    inner = alpha.filter(ImageFilter.MinFilter(5)).filter(ImageFilter.GaussianBlur(0.8))
    edge = np.asarray(alpha, dtype=np.float32) - np.asarray(inner, dtype=np.float32)
    return cast(Floats, np.clip(edge / 255, 0, 1).astype(np.float32) * 0.85)
