"""Pictures as strangers send them: real ones of every kind, and the same with damage."""

import io
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import PIL.Image
import PIL.ImageCms

KINDS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")
MUTATED_BYTES = 6


def encoded(picture: PIL.Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def photo(width: int = 96, height: int = 64, mode: str = "RGB") -> PIL.Image.Image:
    """Soft colours with some noise, the same each time."""
    rng = random.Random(width * height)
    coarse = PIL.Image.frombytes("RGBA", (8, 8), rng.randbytes(8 * 8 * 4))
    return coarse.resize((width, height), PIL.Image.Resampling.BICUBIC).convert(mode)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_file(width: int, height: int, depth: int, colour_type: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG of raw rows (each with its filter byte); `chunks` stand before the pixels."""
    header = struct.pack(">II5B", width, height, depth, colour_type, 0, 0, 0)
    whole = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(whole)


def exif_block(*entries: tuple[int, int, int, bytes], orientation: int | None = None) -> bytes:
    """Exif of one directory, little endian: entries of (tag, type, count, four bytes)."""
    listed = sorted([*entries, *([(0x0112, 3, 1, struct.pack("<HH", orientation, 0))] if orientation else [])])
    body = b"".join(struct.pack("<HHI", tag, form, count) + value for tag, form, count, value in listed)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(listed)) + body + bytes(4)


def seeds() -> dict[str, list[bytes]]:
    """Real pictures by kind: plain, grey, with transparency, palette, profile, Exif, several frames."""
    rgb, rgba, grey = photo(), photo(mode="RGBA"), photo(mode="L")
    exif = exif_block(orientation=6)
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    moving = {"save_all": True, "append_images": [photo(96, 64).rotate(180)]}
    return {
        "PNG": [encoded(rgb, "PNG", exif=exif, icc_profile=profile), encoded(rgba, "PNG"), encoded(grey, "PNG"),
                encoded(rgb.quantize(16), "PNG", transparency=3), encoded(grey.convert("I;16"), "PNG"),
                encoded(rgb, "PNG", **moving)],
        "JPEG": [encoded(rgb, "JPEG", exif=exif, icc_profile=profile), encoded(grey, "JPEG"),
                 encoded(rgb, "JPEG", progressive=True), encoded(rgb.convert("CMYK"), "JPEG")],
        "WEBP": [encoded(rgb, "WEBP", exif=exif, icc_profile=profile), encoded(rgba, "WEBP", lossless=True),
                 encoded(rgb, "WEBP", **moving)],
        "AVIF": [encoded(rgb, "AVIF", exif=exif, icc_profile=profile), encoded(rgba, "AVIF"), encoded(grey, "AVIF"),
                 encoded(rgb, "AVIF", **moving)],
        "GIF": [encoded(rgb, "GIF"), encoded(rgb, "GIF", **moving)],
    }  # fmt: skip


def mutations(kind: str, rng: random.Random) -> Iterator[bytes]:
    """Damaged files of one kind, without end."""
    files = seeds()[kind]
    changes = (_change_bytes, _change_bytes, _change_bytes, _cut, _fill, _repeat, _change_number)
    while True:
        mutated = bytes(rng.choice(changes)(bytearray(rng.choice(files)), rng))
        yield _with_checksums(mutated) if kind == "PNG" and rng.random() < 0.7 else mutated


def _with_checksums(data: bytes) -> bytes:
    """A PNG whose checksums are right again, so that decoders read on."""
    whole, at = [data[:8]], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        whole.append(data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body)))
        at += 12 + length
    return b"".join(whole)


def _change_bytes(data: bytearray, rng: random.Random) -> bytearray:
    for _each in range(rng.randint(1, MUTATED_BYTES)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return data


def _cut(data: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(data))
    return data[:start] if rng.random() < 0.5 else data[:start] + data[start + rng.randint(1, 64) :]


def _fill(data: bytearray, rng: random.Random) -> bytearray:
    start, length = rng.randrange(len(data)), rng.randint(4, 64)
    data[start : start + length] = bytes([rng.choice((0, 0xFF))]) * length
    return data[:]


def _repeat(data: bytearray, rng: random.Random) -> bytearray:
    start, length = rng.randrange(len(data)), rng.randint(4, 256)
    return data[: start + length] + data[start:]


def _change_number(data: bytearray, rng: random.Random) -> bytearray:
    """A field near the start that becomes huge, zero or negative: lengths and sizes stand there."""
    start = rng.randrange(min(len(data) - 4, 400))
    data[start : start + 4] = struct.pack(">I", rng.choice((0, 1, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)))
    return data
