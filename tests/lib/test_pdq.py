"""PDQ in numpy, against the published hashes of its test pictures and against the published program."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lib.images import pdq

# Pictures of github.com/facebook/ThreatExchange, pdq/data/bridge-mods (BSD licence); hashes as its PDQ signal has them
FOLDER = Path(__file__).parent / "pdq"
PUBLISHED = {
    "shrink-a-lot.jpg": "d0f8f1ccc0f4a84d0a370a3a228f67f0b36e2ed5b6623e1d33e6339c4e9c9b22",
    "square-128x128.jpg": "d8f8f1eec0f4a84f0e37022a078f63f0b36e2ed596621e1d33e6239c4e9c9b22",
    "square-256x256.jpg": "d8f8f0cec4f4a84f0637022a078f67f0b36e2ee5b6621e1d33e6239c4e9c9b22",
}
# What the published program says of generated pictures: {"height", "width", "details", "hashes" (8), "quality"}
COMPUTED = json.loads((FOLDER / "computed.json").read_text())
SIDES = st.one_of(st.integers(1, 12), st.integers(60, 68), st.integers(126, 130), st.integers(1, 520))


def _picture(height: int, width: int, details: int) -> NDArray[np.uint8]:
    """Squares of colour under a slope: flat where `details` is 1."""
    squares = np.random.default_rng(details).integers(0, 256, (details, details, 3))
    rows, columns = (np.arange(side) * details // side for side in (height, width))
    slope = (
        np.add.outer(np.arange(height), 2 * np.arange(width)) % 97 if details > 1 else np.zeros((height, width), int)
    )
    pixels: NDArray[np.uint8] = ((squares[np.ix_(rows, columns)] + slope[..., None]) // 2 % 256).astype(np.uint8)
    return pixels


def _hex(bits: NDArray[np.uint8]) -> str:
    return f"{int(''.join(map(str, bits)), 2):064x}"


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_picture_has_its_published_hash(name: str) -> None:
    bits, quality = pdq.compute(np.asarray(PIL.Image.open(FOLDER / name).convert("RGB")))
    assert _hex(bits) == PUBLISHED[name]
    assert quality == 100


def test_generated_pictures_however_turned_have_the_hashes_that_the_published_program_gave_them() -> None:
    assert len(COMPUTED) == 60
    for case in COMPUTED:
        pixels = _picture(case["height"], case["width"], case["details"])
        turned, quality = pdq.compute_dihedral(pixels)
        assert [_hex(bits) for bits in turned] == case["hashes"]
        assert quality == case["quality"]
        assert _hex(pdq.compute(pixels)[0]) == case["hashes"][0]


@settings(max_examples=100, deadline=None)
@given(height=SIDES, width=SIDES, details=st.integers(1, 40))
def test_every_bit_and_the_quality_are_those_of_the_published_program(height: int, width: int, details: int) -> None:
    """Where it is installed: `uv pip install --group reference` needs a C++ compiler on Linux."""
    published = pytest.importorskip("pdqhash")
    pixels = _picture(height, width, details)
    bits, quality = pdq.compute(pixels)
    their_bits, their_quality = published.compute(pixels)
    assert (bits.tolist(), quality) == (their_bits.tolist(), their_quality)
