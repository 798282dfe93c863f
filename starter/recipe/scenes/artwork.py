"""The artwork of the subjects at the size that scenes need, kept as one file in the work folder."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from starter import data
from starter.captions import STYLES, Noun, read_nouns
from starter.scenes import Sprites

SIDE = 112
"""Side of the largest subject in a picture, pixels."""


def load_nouns(folder: Path) -> list[Noun]:
    """The nouns with their other names, which are looked up at the first call and kept in the work folder."""
    cache = folder / "names.json"
    nouns = read_nouns()
    if not cache.exists():
        folder.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps({noun.code: noun.known_as for noun in data.with_names(folder, nouns)}))
    names = json.loads(cache.read_text())
    return [replace(noun, known_as=tuple(names[noun.code])) for noun in nouns]


def load_artwork(folder: Path, nouns: Sequence[Noun]) -> Sprites:
    """Every artwork of the nouns, RGBA SIDE x SIDE, rasterised at the first call."""
    cache = folder / "artwork.pt"
    keys = [(noun.code, style) for noun in nouns for style in STYLES]
    if not cache.exists():
        folder.mkdir(parents=True, exist_ok=True)
        found = data.load_sprites(folder, nouns, SIDE)
        torch.save({f"{code} {style}": torch.from_numpy(np.array(s)) for (code, style), s in found.items()}, cache)
    saved = torch.load(cache, weights_only=True)
    return {
        (code, style): Image.fromarray(saved[f"{code} {style}"].numpy(), "RGBA")
        for code, style in keys
        if f"{code} {style}" in saved
    }
