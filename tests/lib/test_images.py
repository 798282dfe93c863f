"""One module for PDQ, and for opening what strangers send."""

import io

import numpy as np
import PIL.Image
import pytest
from django.core.files.base import ContentFile
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import Refused
from lib.images import (
    NEAR_PDQ_DISTANCE,
    hamming_distance,
    hash_orientations,
    hash_picture,
    is_reliable,
    open_picture,
    parse_pdq,
)
from lib.images.borders import inside_borders

BITS = st.integers(0, 2**256 - 1).map(lambda number: f"{number:0256b}")


def blobs(seed: int) -> PIL.Image.Image:
    """Soft blobs of colour: enough texture for PDQ to recognise."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return PIL.Image.fromarray(small).resize((256, 256), PIL.Image.Resampling.BICUBIC)


@given(one=BITS, other=BITS)
def test_the_distance_is_the_number_of_bits_that_differ(one: str, other: str) -> None:
    assert hamming_distance(one, other) == sum(a != b for a, b in zip(one, other, strict=True))


@given(bits=BITS)
def test_a_hash_is_read_from_bits_and_from_hexadecimal_digits(bits: str) -> None:
    assert parse_pdq(bits) == parse_pdq(f"{int(bits, 2):064x}") == parse_pdq(f"{int(bits, 2):064X}") == bits


@pytest.mark.parametrize("text", ["", "01", "g" * 64, "2" * 256, "f" * 63])
def test_what_is_no_hash_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_pdq(text)


def test_the_same_picture_saved_again_is_near_and_another_is_not() -> None:
    picture, stream = blobs(1), io.BytesIO()
    picture.save(stream, "JPEG", quality=60)
    again, other = hash_picture(PIL.Image.open(stream)), hash_picture(blobs(2))
    assert is_reliable(again.quality)
    assert hamming_distance(hash_picture(picture).bits, again.bits) <= NEAR_PDQ_DISTANCE
    assert hamming_distance(again.bits, other.bits) > NEAR_PDQ_DISTANCE


def test_a_mirrored_picture_is_among_the_orientations() -> None:
    mirrored = hash_picture(blobs(1).transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)).bits
    distances = [hamming_distance(each.bits, mirrored) for each in hash_orientations(blobs(1))]
    assert len(distances) == 8
    assert min(distances) < distances[0] / 2  # the first is the picture as it is


@pytest.mark.parametrize("mode", ["one side", "four sides", "two frames", "none", "plain", "almost nothing inside"])
def test_what_is_inside_a_border(mode: str) -> None:
    inside = np.asarray(blobs(3))
    framed, wanted = {
        "one side": (np.pad(inside, ((0, 40), (0, 0), (0, 0)), constant_values=250), [inside.shape]),
        "four sides": (np.pad(inside, ((9, 40), (30, 20), (0, 0))), [inside.shape]),
        "two frames": (
            np.pad(np.pad(inside, ((9, 9), (9, 9), (0, 0))), ((20, 20), (20, 20), (0, 0)), constant_values=255),
            [(274, 274, 3), inside.shape],
        ),
        "none": (inside, []),
        "plain": (np.full((200, 300, 3), 90, np.uint8), []),
        "almost nothing inside": (np.pad(inside[:70, :70], ((200, 200), (200, 200), (0, 0))), []),
    }[mode]
    found = inside_borders(framed)
    assert [each.shape for each in found] == wanted
    assert not wanted or (found[-1] == inside).all()


def test_a_plain_picture_has_no_reliable_hash() -> None:
    assert not is_reliable(hash_picture(PIL.Image.new("RGB", (256, 256), "grey")).quality)
    assert not is_reliable(None)


def test_a_picture_of_a_stranger_comes_upright_and_small_enough() -> None:
    picture, stream = PIL.Image.new("L", (4096, 512)), io.BytesIO()
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(stream, "JPEG", exif=exif)
    opened = open_picture(ContentFile(stream.getvalue()))
    assert (opened.mode, opened.size) == ("RGB", (256, 2048))


def test_a_refusal_names_the_field_that_the_file_came_in() -> None:
    with pytest.raises(Refused) as refused:
        open_picture(ContentFile(b"<svg/>"), field="picture")
    assert list(refused.value.fields) == ["picture"]
