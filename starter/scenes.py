"""Scenes drawn at random and composed from sprites into training pictures."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from starter.captions import COLOURS, LISTED, PLACES, PLAIN_COLOURS, STYLES, TINTS, Noun, Scene, caption, is_held_out

SIZE = 64
"""Side of a picture, pixels."""

FLIPPED = 0.1
"""Share of sprites drawn mirrored; with few samples a noun, each direction is a noun to learn."""

Sprites = dict[tuple[str, str], Image.Image]
"""RGBA artwork by (code point, style)."""

_CENTRES = {
    "on the left": (0.3, 0.5),
    "on the right": (0.7, 0.5),
    "at the top": (0.5, 0.3),
    "at the bottom": (0.5, 0.7),
}
_GROUPS = {2: ((0.27, 0.5), (0.73, 0.5)), 3: ((0.27, 0.3), (0.73, 0.3), (0.5, 0.72))}
_KINDS = ("single", "background", "tint", "place", "pair", "count")
_WEIGHTS = (36, 36, 16, 4, 4, 4)


def random_scene(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    """A scene that is not held out; the listed nouns are drawn twice as often as the others."""
    while True:
        scene = _proposal(nouns, rng)
        if not is_held_out(scene):
            return scene


def _proposal(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    weights = [2 if place < LISTED else 1 for place in range(len(nouns))]
    first, second = rng.choices(nouns, weights, k=2)
    kind = rng.choices(_KINDS, _WEIGHTS)[0]
    scene = Scene((first,), style=rng.choice(STYLES) if rng.random() < 0.25 else "")
    if kind == "background" or (kind != "single" and rng.random() < 0.4):
        scene = replace(scene, background=rng.choice(tuple(COLOURS)))
    if kind == "tint":
        return replace(scene, tint=rng.choice(TINTS))
    if kind == "place":
        return replace(scene, place=rng.choice(PLACES))
    if kind == "count":
        return replace(scene, count=rng.choice((2, 3)))
    if kind == "pair" and first != second:
        return replace(scene, nouns=(first, second))
    return scene


def compose(scene: Scene, sprites: Sprites, rng: random.Random) -> Image.Image:
    """Draw the scene as an RGB picture of SIZE x SIZE."""
    styles = [style for style in STYLES if all((n.code, style) in sprites for n in scene.nouns)]
    style = scene.style if scene.style in styles else styles[0]
    colour = COLOURS[scene.background] if scene.background else rng.choice(PLAIN_COLOURS)
    jittered = tuple(min(255, max(0, part + rng.randint(-8, 8))) for part in colour)
    picture = Image.new("RGB", (SIZE, SIZE), cast(tuple[int, int, int], jittered))
    for (centre_x, centre_y), share, noun in _layout(scene, rng):
        sprite = sprites[(noun.code, style)]
        if scene.tint:
            sprite = tinted(sprite, COLOURS[scene.tint])
        _paste(picture, sprite, (centre_x, centre_y), share, rng)
    return picture


def _layout(scene: Scene, rng: random.Random) -> list[tuple[tuple[float, float], float, Noun]]:
    """Centre, side (both as shares of the frame) and noun of every sprite."""
    if len(scene.nouns) == 2:
        share = rng.uniform(0.52, 0.58)
        return [((x, 0.5), share, noun) for x, noun in zip((0.27, 0.73), scene.nouns, strict=True)]
    noun = scene.nouns[0]
    if scene.count > 1:
        share = rng.uniform(0.42, 0.47)
        return [(centre, share, noun) for centre in _GROUPS[scene.count]]
    if scene.place:
        return [(_CENTRES[scene.place], rng.uniform(0.42, 0.5), noun)]
    return [((0.5, 0.5), rng.uniform(0.78, 0.9), noun)]


def _paste(
    picture: Image.Image,
    sprite: Image.Image,
    centre: tuple[float, float],
    share: float,
    rng: random.Random,
) -> None:
    if rng.random() < FLIPPED:
        sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    side = round(SIZE * share)
    sprite = sprite.rotate(rng.uniform(-4, 4), Image.Resampling.BICUBIC)
    sprite = sprite.resize((side, side), Image.Resampling.LANCZOS)
    x, y = (round(SIZE * part - side / 2 + rng.uniform(-1.5, 1.5)) for part in centre)
    picture.paste(sprite, (x, y), sprite)


def tinted(sprite: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """The sprite in shades of one colour (sRGB 0-255), its light and dark kept."""
    pixels = np.asarray(sprite, dtype=np.float32)
    luma = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255
    opaque = luma[pixels[..., 3] > 128]
    middle = float(np.median(opaque)) if opaque.size else 0.5
    relative = np.clip(luma - middle, -0.6, 0.6)[..., None]
    target = np.array(colour, dtype=np.float32)
    shaded = target + relative * np.where(relative > 0, 255 - target, target) * 1.2
    rgba = np.concatenate([np.clip(shaded, 0, 255), pixels[..., 3:]], axis=-1)
    return Image.fromarray(rgba.round().astype(np.uint8), "RGBA")


def draw_many(nouns: Sequence[Noun], sprites: Sprites, count: int, seed: int) -> tuple[NDArray[np.uint8], list[str]]:
    """`count` pictures, uint8 (count, SIZE, SIZE, 3), and their captions."""
    rng = random.Random(seed)
    pictures = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    captions: list[str] = []
    for row in range(count):
        scene = random_scene(nouns, rng)
        pictures[row] = np.asarray(compose(scene, sprites, rng))
        captions.append(caption(scene, rng))
    return pictures, captions
