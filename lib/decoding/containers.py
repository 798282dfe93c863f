"""What a picture's file says before anything is decoded: its kind, and the few parts of it that a decoder should see.

Strangers write these bytes, so every length is checked. A file loses what the pixels do not need: texts, thumbnails,
further pictures, and every tag but the orientation. A decoder cannot stumble over what it does not get.
"""

import re
import struct
import zlib
from typing import NamedTuple

MOST_PROFILE = 4 << 20  # bytes of an unpacked colour profile; printers have some of 2 MB
_PNG, _PNG_HEADER = b"\x89PNG\r\n\x1a\n", struct.Struct(">II5B")
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_EXIF_ITEM = re.compile(rb"(infe[\x02\x03].{3}.{4,6})Exif", re.DOTALL)
_OTHERS = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"8BPS", "PSD"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\0\0\1\0", "ICO"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG"),
)


class Stripped(NamedTuple):
    """A file for a decoder, and what was read from the rest of it."""

    data: bytes
    profile: bytes = b""  # ICC
    orientation: int = 1  # 1 to 8, as Exif numbers them
    is_animated: bool = False


def kind_of(data: bytes) -> str:
    """``PNG``, ``JPEG``, ``WebP``, ``AVIF``, ``HEIC``, the name of another kind, or nothing; by its first bytes."""
    if data.startswith(_PNG):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return _kind_of_brands(data)
    start = data[:64].lstrip()
    return next((name for prefix, name in _OTHERS if data.startswith(prefix) or start.startswith(prefix)), "")


def _kind_of_brands(data: bytes) -> str:
    end = min(int.from_bytes(data[:4], "big"), 512, len(data))
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else "MP4"


def strip_png(data: bytes) -> Stripped:
    """A PNG with pixels, palette and transparency alone; of an animated one, the picture that stands for it."""
    kept, profile, orientation, frames, header = [_PNG], b"", 1, 1, b""
    at = len(_PNG)
    while at < len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body, end = data[at + 8 : at + 8 + length], at + 12 + length
        if name in _PNG_KEPT:
            kept.append(data[at:end])
        if name == b"IHDR":
            header = body
        elif name == b"tRNS":
            kept.append(_chunk(name, _scaled_transparency(header, body)))
        elif name == b"iCCP":
            profile = _unpacked(body.partition(b"\0")[2][1:])
        elif name == b"eXIf":
            orientation = orientation_of(body)
        elif name == b"acTL":
            frames = int.from_bytes(body[:4], "big")
        elif name == b"IEND":
            break
        at = end
    return Stripped(b"".join(kept), profile, orientation, frames > 1)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _scaled_transparency(header: bytes, body: bytes) -> bytes:
    """The transparent grey or colour in the depth to which Pillow brings the pixels, but not this."""
    if len(header) != _PNG_HEADER.size:
        return body
    _width, _height, depth, colour_type, *_rest = _PNG_HEADER.unpack(header)
    if colour_type == 0 and depth < 8 and len(body) == 2:
        return struct.pack(">H", int.from_bytes(body, "big") * 255 // (2**depth - 1) & 255)
    if colour_type == 2 and depth == 16 and len(body) == 6:
        return struct.pack(">3H", *(value >> 8 for value in struct.unpack(">3H", body)))
    return body


def _unpacked(packed: bytes) -> bytes:
    """An unpacked colour profile; nothing for one that is broken or too large."""
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed, MOST_PROFILE)
    except zlib.error:
        return b""
    return profile if unpacking.eof else b""


def strip_jpeg(data: bytes) -> Stripped:
    """A JPEG whose segments before the pixels are those that decoding needs."""
    kept, profile, orientation = [data[:2]], {}, 1
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == 0xDA or marker == 0x01 or 0xD0 <= marker <= 0xD9:
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : end]
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            orientation = orientation_of(body)
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
            profile[body[12]] = body[14:]
        elif not (0xE1 <= marker <= 0xED or marker in {0xEF, 0xFE}):  # keep JFIF (E0) and Adobe (EE): colours need them
            kept.append(data[at:end])
        at = max(end, at + 2)
    whole = b"".join(profile[number] for number in sorted(profile))
    return Stripped(b"".join(kept) + data[at:], whole, orientation)


def webp_chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks of a WebP beside its pixels, by their names of four bytes: ``EXIF``, ``XMP`` and a space, ``ICCP``."""
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name in {b"EXIF", b"XMP ", b"ICCP"}:
            found.setdefault(name, data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    return found


def without_exif(data: bytes) -> bytes:
    """An AVIF whose Exif item no reader takes for one; its rotation stands elsewhere, by the standard."""
    return _EXIF_ITEM.sub(rb"\1none", data)


def orientation_of(exif: bytes) -> int:
    """The orientation that a block of Exif names, 1 to 8; 1 where it names none, or is broken."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * min(count, 512), 12):
            tag, form = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == 0x0112:
                (value,) = struct.unpack_from(order + {3: "H", 4: "I"}.get(form, "B"), exif, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
