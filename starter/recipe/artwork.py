"""The artwork of the subjects at the size that scenes need, kept as one file in the work folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from starter import data
from starter.captions import STYLES, Noun
from starter.scenes import Sprites

SIDE = 112
"""Side of the largest subject in a picture, pixels."""


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
