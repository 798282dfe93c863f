"""What strangers send: kept as people see it, or refused with the right reason; a decoder harms nobody."""

import base64
import random
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import PIL.Image
import PIL.ImageChops
import PIL.ImageCms
import PIL.ImageStat
import pytest
from django.core.files.base import ContentFile
from pytest_django.fixtures import Settings

from lib import images
from lib.decoding import containers, decoder
from lib.errors import Refused
from lib.images import open_picture
from tests.lib.strange_pictures import (
    KINDS,
    encoded,
    exif_block,
    mutations,
    photo,
    png_chunk,
    png_file,
)

# 64 x 48, a photo of a phone in small: a green bar of 16 px on red
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABoQABAAAAAAAAAJcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Wlw"
    "cnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AA"
    "AAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAA"
    "QAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWB"
    "AgMFhAAAAJ9tZGF0AAAAkygBrwngITk0HkJfv//GEf/+PoW9f+vO/d4xY3/kOSMXCPjFXU5nQTTk81A9ZcInfr+ao+qmmJHr7/zfj5zLmxE2"
    "0RTMUmpsgcVMXvib91Gsf/txuh2DVgtww4T/9mZLA4ApduaBBAQ058zPaakK1BTt2CiurOs2fYxkM+irvZDSyEQ6mz+pewQ5AqvXXL/4Q6Er"
    "gA=="
)
RED, WHITE = (200, 60, 60), (255, 255, 255)
STILL = ("PNG", "JPEG", "WEBP", "AVIF")


def opened(data: bytes) -> PIL.Image.Image:
    return open_picture(ContentFile(data))


def refused(data: bytes) -> tuple[str, int]:
    with pytest.raises(Refused) as refusal:
        opened(data)
    assert refusal.value.fields == {"source_file": [refusal.value.message]}
    return refusal.value.code, refusal.value.status


def colour(picture: PIL.Image.Image, x: int = 0, y: int = 0) -> tuple[int, ...]:
    value = picture.getpixel((x, y))
    assert isinstance(value, tuple)
    return value


def is_near(one: tuple[int, ...], other: tuple[int, ...], most: int = 3) -> bool:
    return all(abs(a - b) <= most for a, b in zip(one, other, strict=True))


# --- What is kept ---


@pytest.mark.parametrize("form", STILL)
def test_a_picture_keeps_its_colours_and_nothing_of_what_else_its_file_says(form: str) -> None:
    exif = exif_block((0x8825, 4, 1, struct.pack("<I", 26)))  # a directory of places
    data = encoded(PIL.Image.new("RGB", (40, 30), RED), form, exif=exif, icc_profile=_srgb(), xmp=b"<x>secret</x>")
    picture = opened(data)
    assert (picture.mode, picture.size, picture.info, dict(picture.getexif())) == ("RGB", (40, 30), {}, {})
    assert is_near(colour(picture), RED)


ODD_EXIF = pytest.mark.parametrize(
    "odd",
    [
        (0x0128, 7, 4, b"abcd"),  # ResolutionUnit as bytes
        (0x010E, 5, 1, bytes(4)),  # ImageDescription as a fraction that lies nowhere
        (0x011A, 2, 4, b"abc\0"),  # XResolution as text
        (0x011A, 9, 1, struct.pack("<i", -1)),  # XResolution below 0
        (0x0131, 12, 99, b"\xff\xff\xff\xff"),  # Software as doubles beyond the end
        (0x8769, 4, 1, struct.pack("<I", 8)),  # a directory that is this one
    ],
    ids=lambda entry: f"{entry[0]:x}-{entry[1]}",
)


@ODD_EXIF
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_turned_picture_is_upright_whatever_else_its_exif_says(form: str, odd: tuple[int, int, int, bytes]) -> None:
    turned = PIL.Image.new("RGB", (64, 48), RED)
    turned.paste((20, 200, 60), (0, 0, 16, 48))  # on the left; at the top once it is upright
    picture = opened(encoded(turned, form, exif=exif_block(odd, orientation=6)))
    assert picture.size == (48, 64)
    assert is_near(colour(picture, 24, 4), (20, 200, 60), 30)
    assert is_near(colour(picture, 24, 60), RED, 12)


@ODD_EXIF
def test_odd_exif_in_an_avif_does_no_harm(odd: tuple[int, int, int, bytes]) -> None:
    assert opened(encoded(photo(64, 48), "AVIF", exif=exif_block(odd))).size == (64, 48)


def test_an_avif_is_turned_as_its_own_rotation_says() -> None:
    assert opened(encoded(photo(64, 48), "AVIF", exif=exif_block(orientation=6))).size == (48, 64)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 65535])
def test_every_orientation_is_applied_as_pillow_does_it(orientation: int) -> None:
    shown = photo(64, 48)
    expected = {each: shown.transpose(turn) for each, turn in decoder._TURNS.items()}.get(orientation, shown)
    picture = opened(encoded(shown, "PNG", exif=exif_block(orientation=orientation)))
    assert picture.tobytes() == expected.tobytes()


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_grey_of_sixteen_bits_is_scaled_to_eight(byte_order: str) -> None:
    values = [column * 65535 // 255 for column in range(256)]
    rows = (b"\0" + struct.pack(">256H", *values)) * 192
    picture = opened(png_file(256, 192, 16, 0, rows))
    assert abs(PIL.ImageStat.Stat(picture).mean[0] - 127.5) < 1
    assert [colour(picture, x)[0] for x in (0, 64, 128, 255)] == [0, 64, 128, 255]


@pytest.mark.parametrize(
    ("mode", "form"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "AVIF"), ("LA", "PNG"), ("PA", "PNG")]
)
def test_transparent_parts_are_white_whatever_colour_lies_under_them(mode: str, form: str) -> None:
    drawn = PIL.Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    drawn.paste((20, 20, 20, 255), (64, 64, 192, 192))
    drawn.paste((0, 0, 0, 128), (0, 200, 256, 256))
    picture = opened(encoded(drawn.quantize(8) if mode == "PA" else drawn.convert(mode), form))
    assert colour(picture, 2, 2) == WHITE
    assert is_near(colour(picture, 128, 128), (20, 20, 20))
    assert is_near(colour(picture, 20, 230), (127, 127, 127), 4)


@pytest.mark.parametrize(
    ("depth", "colour_type", "row", "key"),
    [
        (8, 2, bytes([9, 9, 9, 1, 2, 3] * 10), struct.pack(">3H", 1, 2, 3)),
        (16, 2, struct.pack(">6H", 2304, 2304, 2304, 256, 512, 768) * 10, struct.pack(">3H", 256, 512, 768)),
        (8, 0, bytes([9, 7] * 10), struct.pack(">H", 7)),
        (16, 0, struct.pack(">2H", 2313, 1799) * 10, struct.pack(">H", 1799)),
        (4, 0, bytes([0x0F] * 10), struct.pack(">H", 15)),
        (2, 0, bytes([0b00110011] * 5), struct.pack(">H", 3)),
        (1, 0, bytes([0b01010101] * 3), struct.pack(">H", 1)),
    ],
)
def test_a_colour_that_stands_for_transparent_is_white_at_every_depth(
    depth: int, colour_type: int, row: bytes, key: bytes
) -> None:
    picture = opened(png_file(20, 20, depth, colour_type, (b"\0" + row) * 20, png_chunk(b"tRNS", key)))
    assert colour(picture, 1) == WHITE
    assert max(colour(picture, 0)) < 10


def _srgb() -> bytes:
    return PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2, from its tags."""
    at, table, body = 132 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", at + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    header = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", space, b"XYZ ") + bytes(12)
    header += b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def adobe_like() -> bytes:
    """Adobe RGB (1998) in its colours and gamma."""
    gamma = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256))
    return _profile(
        b"RGB ",
        {
            b"wtpt": _xyz(0.9642, 1, 0.8249),
            b"rXYZ": _xyz(0.60974, 0.31111, 0.01947),
            b"gXYZ": _xyz(0.20528, 0.62567, 0.06087),
            b"bXYZ": _xyz(0.14919, 0.06322, 0.74457),
            b"rTRC": gamma, b"gTRC": gamma, b"bTRC": gamma,
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB"), ("WEBP", "RGB"), ("WEBP", "RGBA"),
     ("AVIF", "RGB"), ("AVIF", "RGBA")],
)  # fmt: skip
def test_an_embedded_colour_profile_is_applied(form: str, mode: str) -> None:
    plain = PIL.Image.new("RGB", (64, 64), RED)
    picture = plain.quantize(4) if mode == "P" else plain.convert(mode)
    kept = opened(encoded(picture, form, icc_profile=adobe_like()))
    assert is_near(colour(kept, 30, 30), (231, 57, 57), 4)


@pytest.mark.parametrize("form", ["PNG", "AVIF"])
@pytest.mark.parametrize("broken", [b"no profile", adobe_like()[:200], b"\xff" * 5000, _profile(b"CMYK", {})])
def test_a_broken_colour_profile_is_ignored(form: str, broken: bytes) -> None:
    picture = PIL.Image.new("RGB", (64, 64), RED)
    assert is_near(colour(opened(encoded(picture, form, icc_profile=broken)), 30, 30), RED)


def test_a_profile_that_unpacks_to_gigabytes_is_ignored() -> None:
    bomb = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(64 << 20)))
    assert opened(png_file(20, 20, 8, 0, (b"\0" + b"\7" * 20) * 20, bomb)).size == (20, 20)


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"tEXt", b"eXIf", b"gAMA", b"quIt", b"acTL"])
def test_texts_and_unknown_parts_of_a_png_are_neither_read_nor_a_reason_to_refuse(name: bytes) -> None:
    packed = b"workflow\0\0" + zlib.compress(b"x" * 3_000_000)
    wrong = struct.pack(">I", 9) + name + b"damaged!!" + bytes(4)  # with a wrong checksum
    for chunk in (png_chunk(name, packed), *([wrong] if name != b"acTL" else [])):
        if name == b"acTL":
            chunk = png_chunk(name, struct.pack(">II", 1, 0))
        assert opened(png_file(20, 20, 8, 0, (b"\0" + b"\7" * 20) * 20, chunk)).size == (20, 20)


def test_a_jpeg_with_further_pictures_in_it_is_the_first_of_them() -> None:
    """Phones add a depth map or a gain map for bright screens that way."""
    data = encoded(photo(), "MPO", save_all=True, append_images=[photo(96, 64).rotate(180)])
    assert PIL.ImageChops.difference(opened(data), opened(encoded(photo(), "JPEG"))).getbbox() is None


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_inks_become_colours(form: str) -> None:
    data = encoded(PIL.Image.new("CMYK", (40, 40), (0, 255, 255, 0)), form)
    if form == "TIFF":
        assert refused(data) == ("not_a_picture", 400)
    else:
        assert is_near(colour(opened(data)), (255, 0, 0), 6)


def test_a_large_picture_is_scaled_down() -> None:
    assert opened(encoded(PIL.Image.new("L", (4096, 512)), "JPEG", exif=exif_block(orientation=6))).size == (256, 2048)


# --- What is refused, and why ---


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (encoded(photo(), "GIF"), "GIF"),
        (encoded(photo(), "BMP"), "BMP"),
        (encoded(photo(), "TIFF"), "TIFF"),
        (b"%PDF-1.7 and so on", "PDF"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(99), "MP4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_kind_of_file_is_named_with_the_kinds_that_are_taken(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        opened(data)
    assert (refusal.value.code, refusal.value.status) == ("not_a_picture", 400)
    assert words in refusal.value.message
    assert "PNG, JPEG, WebP" in refusal.value.message


@pytest.mark.parametrize("form", STILL)
def test_a_damaged_picture_is_refused_as_damaged(form: str) -> None:
    data = encoded(photo(), form)
    with pytest.raises(Refused, match="not_a_picture: This picture is damaged"):
        opened(data[: len(data) * 2 // 3])


def test_damage_in_an_avif_is_refused_wherever_it_is() -> None:
    data = encoded(photo(), "AVIF")
    pixels = data.index(b"mdat") + 4
    for damaged in (data.replace(b"iloc", b"xloc"), data[:pixels] + b"\xff" * 30 + data[pixels + 30 :]):
        assert refused(damaged) == ("not_a_picture", 400)


@pytest.mark.parametrize("form", STILL)
@pytest.mark.parametrize(("size", "code"), [((6000, 4100), "too_many_pixels"), ((300, 15), "too_small"),
                                            ((2100, 16), "too_thin")])  # fmt: skip
def test_the_size_is_refused_by_the_header_before_anything_is_decoded(
    form: str, size: tuple[int, int], code: str
) -> None:
    data = encoded(PIL.Image.new("L", size), form, **({"speed": 10} if form == "AVIF" else {}))
    assert refused(data) == (code, 400)
    assert refused(data[: len(data) * 2 // 3]) in {(code, 400), ("not_a_picture", 400)}  # where the header is whole


@pytest.mark.parametrize("size", [(30_000, 30_000), (16, 1_400_000), (1_400_000, 16)])
def test_a_small_file_of_huge_size_gets_the_reason_of_its_size(size: tuple[int, int]) -> None:
    row = b"\0" + bytes((size[0] + 7) // 8)
    data = png_file(*size, 1, 0, row * size[1])
    assert refused(data) == ("too_many_pixels" if min(size) > 16 else "too_thin", 400)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "AVIF"])
def test_a_moving_picture_is_refused_as_such(form: str) -> None:
    data = encoded(photo(), form, save_all=True, append_images=[photo(96, 64).rotate(180)])
    assert refused(data) == ("animated", 400)


def test_a_large_file_is_refused_before_it_is_read(settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 1_000_000
    file = ContentFile(encoded(photo(), "PNG") + bytes(1_000_000))
    with pytest.raises(Refused, match="too_large: This picture is larger than 1 MB"):
        open_picture(file)
    assert file.tell() == 0


# --- HEIC, where a library for it is installed ---


def test_a_heic_is_read_where_the_library_is_installed() -> None:
    pytest.importorskip("pi_heif")
    picture = opened(HEIC)
    assert picture.size == (64, 48)
    assert is_near(colour(picture, 40, 20), RED, 8)
    assert "HEIC" in images.taken_kinds()


def test_without_the_library_a_heic_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "heif_library", lambda: None)
    images.taken_kinds.cache_clear()
    with pytest.raises(Refused, match="the kind HEIC, which we do not take"):
        opened(HEIC)
    images.taken_kinds.cache_clear()


# --- Limits ---


def _long_jpeg() -> bytes:
    """A progressive JPEG of thousands of scans that add nothing: a decoder walks all of its blocks for each of them."""
    data = encoded(PIL.Image.new("L", (4000, 4000)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 40_000 + data[-2:]


def test_a_picture_that_would_take_minutes_is_refused_after_a_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_UPLOAD_BYTES = 100_000_000
    monkeypatch.setattr(images, "SECONDS", 2)
    assert refused(_long_jpeg()) == ("too_complex", 400)


def test_a_decoder_that_wants_more_memory_than_its_limit_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = images._PROGRAM.replace("main()", "decoder.MOST_MEMORY = 300 << 20; main()")
    greedy = greedy.replace("import main;", "import main; from lib.decoding import decoder;")
    monkeypatch.setattr(images, "_PROGRAM", greedy)
    data = encoded(PIL.Image.new("RGBA", (5000, 4000)), "WEBP", lossless=True, method=0)
    assert refused(data)[0] in {"too_complex", "not_a_picture"}
    assert opened(encoded(photo(), "WEBP")).size == (96, 64)


def test_a_decoder_that_crashes_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_PROGRAM", "import os; os.abort()")
    assert refused(encoded(photo(), "PNG")) == ("too_complex", 400)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutated_picture_is_opened_or_refused(kind: str) -> None:
    """A short run of `python -m benchmarks.uploads`, which tries 20,000."""

    def outcome(data: bytes) -> str:
        try:
            opened(data)
        except Refused as refusal:
            return refusal.code
        return "opened"

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(outcome, islice(mutations(kind, random.Random(kind)), 24)))
    reasons = {"not_a_picture", "too_many_pixels", "too_small", "too_thin", "animated", "too_complex"}
    assert outcomes <= {"opened", *reasons}


@pytest.mark.parametrize("kind", STILL)
def test_what_the_site_makes_of_a_container_never_raises(kind: str) -> None:
    for data in islice(mutations(kind, random.Random(f"container {kind}")), 400):
        containers.kind_of(data)
        containers.strip_png(data)
        containers.strip_jpeg(data)
        containers.without_exif(data)
        containers.orientation_of(data[:200])
