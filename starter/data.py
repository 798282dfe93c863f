"""The artwork: fetched from npm packages, rasterised once, kept under the work folder."""

import io
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import resvg_py
from PIL import Image

from starter.captions import COLOURS, STYLES, Noun
from starter.scenes import Sprites

PACKAGES = (
    "@lobehub/fluent-emoji-3d",
    "@iconify-json/fluent-emoji-flat",
    "@iconify-json/noto",
)
NAMES = "emojibase-data"
"""The package with the English names and tags of every emoji."""
SPRITE = 96
"""Side of a stored sprite, pixels."""


def fetch(folder: Path) -> Path:
    """Install the artwork packages under the folder with npm, once; returns `node_modules`."""
    modules = folder / "npm" / "node_modules"
    packages = (*PACKAGES, NAMES)
    if not all((modules / package).is_dir() for package in packages):
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("the artwork comes from npm packages: install npm first")
        (folder / "npm").mkdir(parents=True, exist_ok=True)
        prefix = ["--prefix", str(folder / "npm"), "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run([npm, "install", *prefix, *packages], check=True)
    return modules


def with_names(folder: Path, nouns: Sequence[Noun]) -> list[Noun]:
    """The nouns with those of emojibase's names and tags that mean one of them alone.

    A tag that two nouns share ("animal"), or that is another noun, would teach the wrong picture.
    """
    entries = json.loads((fetch(folder) / NAMES / "en/data.json").read_text())
    by_code = {entry["hexcode"].removesuffix("-FE0F"): entry for entry in entries}
    names = {noun: {by_code[noun.code]["label"], *by_code[noun.code].get("tags", ())} for noun in nouns}
    uses = Counter(name for found in names.values() for name in found)
    taken = {noun.word for noun in nouns} | set(COLOURS)
    own = {
        noun: sorted(name for name in found if uses[name] == 1 and name not in taken) for noun, found in names.items()
    }
    return [replace(noun, known_as=tuple(own[noun])) for noun in nouns]


def load_sprites(folder: Path, nouns: Sequence[Noun], side: int = SPRITE) -> Sprites:
    """Every artwork of the nouns, RGBA side x side, cropped square around its ink."""
    modules = fetch(folder)
    flat = _Iconify(modules / "@iconify-json/fluent-emoji-flat")
    noto = _Iconify(modules / "@iconify-json/noto")
    sprites: Sprites = {}
    for noun in nouns:
        solid = _fluent_3d(modules / "@lobehub/fluent-emoji-3d/assets", noun.code)
        pictures = (solid, flat.raster(noun.code), noto.raster(noun.code))
        for style, picture in zip(STYLES, pictures, strict=True):
            if picture is not None:
                sprites[(noun.code, style)] = _squared(picture, side)
    return sprites


class _Iconify:
    """An icon set in Iconify's JSON, looked up by code point."""

    def __init__(self, package: Path) -> None:
        self.icons: dict[str, Any] = json.loads((package / "icons.json").read_text())
        self.names: dict[str, str] = json.loads((package / "chars.json").read_text())

    def raster(self, code: str) -> Image.Image | None:
        """The icon as RGBA, 128 x 128, or None where the set lacks it."""
        key = code.lower()
        name = self.names.get(key) or self.names.get(f"{key}-fe0f")
        icon = self.icons["icons"].get(name)
        if icon is None:
            return None
        width = icon.get("width", self.icons["width"])
        height = icon.get("height", self.icons["height"])
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
            f' viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
        )
        png = resvg_py.svg_to_bytes(svg_string=svg, width=128, height=128)
        return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def _fluent_3d(assets: Path, code: str) -> Image.Image | None:
    for name in (f"{code.lower()}.webp", f"{code.lower()}-fe0f.webp"):
        if (assets / name).exists():
            return Image.open(assets / name).convert("RGBA")
    return None


def _squared(picture: Image.Image, scaled: int) -> Image.Image:
    """Crop to the ink, centred in a transparent square, and scale it."""
    box = picture.getchannel("A").point([0 if a < 24 else 255 for a in range(256)]).getbbox()
    ink = picture.crop(box)
    side = max(ink.size)
    square = Image.new("RGBA", (side, side))
    square.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    return square.resize((scaled, scaled), Image.Resampling.LANCZOS)


def write_reference(path: Path, sprites: Sprites, nouns: Sequence[Noun], side: int = 32) -> None:
    """A lossless sheet for the evaluation: a row for each noun, a column for each style."""
    sheet = np.zeros((len(nouns) * side, len(STYLES) * side, 4), dtype=np.uint8)
    for row, noun in enumerate(nouns):
        for column, style in enumerate(STYLES):
            sprite = sprites.get((noun.code, style))
            if sprite is not None:
                small = sprite.resize((side, side), Image.Resampling.LANCZOS)
                y, x = row * side, column * side
                sheet[y : y + side, x : x + side] = np.asarray(small)
    Image.fromarray(sheet, "RGBA").save(path, lossless=True, quality=100, method=6)
