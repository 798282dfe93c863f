"""Decodes one picture of a stranger. Run as a program, it does so in a process with bounds on memory and time.

Decoders are large C libraries: a file of a few kB can make one ask for gigabytes, run for minutes or crash. All of that
ends this process and nothing else. It reads a file from standard input, and writes a line of JSON and, unless that
names a refusal, the pixels (RGB, 8 bits) to standard output. It imports nothing of the site, so it starts in 0.1 s.
"""

import importlib
import io
import json
import sys
from types import ModuleType
from typing import Any

import PIL.AvifImagePlugin
import PIL.Image
import PIL.ImageCms
import PIL.JpegImagePlugin
import PIL.PngImagePlugin
import PIL.WebPImagePlugin

from lib.decoding import containers

LEAST_SIDE, MOST_SIDE, MOST_PIXELS = 16, 2048, 24_000_000
MOST_MEMORY = 1 << 30
CPU_SECONDS = 20
_TURNS = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}
_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


class Refusal(Exception):
    """A picture that is not taken; its argument is the reason, as `lib.images` explains it."""


def decode(data: bytes) -> PIL.Image.Image:
    """The picture as people see it: upright, in sRGB, over white, at most 2048 px a side.

    Raises:
        Refusal: for what its header says of it. A damaged file raises whatever its decoder raises.
    """
    kind = containers.kind_of(data)
    picture, file = _opened(kind, data)
    _check_size(*picture.size)
    if file.is_animated:
        raise Refusal("animated")
    picture.draft(None, (MOST_SIDE, MOST_SIDE))  # a JPEG is decoded at a half, a quarter or an eighth
    picture.load()
    picture = _in_eight_bits(picture)
    picture.thumbnail((MOST_SIDE, MOST_SIDE))
    picture = _over_white(picture, file.profile)
    turn = _TURNS.get(file.orientation)
    return picture if turn is None else picture.transpose(turn)


def _opened(kind: str, data: bytes) -> tuple[Any, containers.Stripped]:
    """The picture, not decoded yet, and what stands beside it. Pillow's own `open` would try further decoders."""
    if kind == "PNG":
        file = containers.strip_png(data)
        return PIL.PngImagePlugin.PngImageFile(io.BytesIO(file.data)), file
    if kind == "JPEG":
        file = containers.strip_jpeg(data)
        return PIL.JpegImagePlugin.JpegImageFile(io.BytesIO(file.data)), file
    if kind == "WebP":
        picture: Any = PIL.WebPImagePlugin.WebPImageFile(io.BytesIO(data))
        orientation = containers.orientation_of(picture.info.get("exif", b""))
    elif kind == "AVIF":
        picture = PIL.AvifImagePlugin.AvifImageFile(io.BytesIO(containers.without_exif(data)))
        orientation = containers.orientation_of(picture.info.get("exif", b""))  # which Pillow makes of its rotation
    elif kind == "HEIC" and (heif := heif_library()) is not None:
        return _opened_heic(heif, data)
    else:
        raise Refusal("not_a_picture")
    return picture, containers.Stripped(b"", picture.info.get("icc_profile", b""), orientation, picture.is_animated)


def heif_library() -> ModuleType | None:
    """pi-heif, or pillow-heif, where one is installed."""
    for name in ("pi_heif", "pillow_heif"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _opened_heic(heif: ModuleType, data: bytes) -> tuple[Any, containers.Stripped]:
    """The primary picture of a HEIC; libheif turns it by itself."""
    found = heif.open_heif(io.BytesIO(data))
    _check_size(*found.size)
    return found.to_pillow(), containers.Stripped(b"", found.info.get("icc_profile") or b"")


def _check_size(width: int, height: int) -> None:
    """Before anything is decoded. The least side is that of what is kept."""
    if width * height > MOST_PIXELS:
        raise Refusal("too_many_pixels")
    if min(width, height) < LEAST_SIDE:
        raise Refusal("too_small")
    if min(width, height) * min(1.0, MOST_SIDE / max(width, height)) < LEAST_SIDE:
        raise Refusal("too_thin")


def _in_eight_bits(picture: PIL.Image.Image) -> PIL.Image.Image:
    """As L, LA, RGB, RGBA or CMYK. 16 bits are scaled; transparency by a colour or a palette becomes a channel."""
    if picture.mode.startswith("I"):
        key, wide = picture.info.get("transparency"), picture.convert("I")
        grey = wide.point([(value + 128) // 257 for value in range(1 << 16)], "L")
        if not isinstance(key, int):
            return grey
        return PIL.Image.merge("LA", (grey, wide.point([255 * (value != key) for value in range(1 << 16)], "L")))
    if picture.has_transparency_data:
        return picture if picture.mode in {"LA", "RGBA"} else picture.convert("RGBA")
    if picture.mode == "P":
        return picture.convert("RGB")
    if picture.mode in {"L", "RGB", "CMYK"}:
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _over_white(picture: PIL.Image.Image, profile: bytes) -> PIL.Image.Image:
    """As RGB: colours by its profile, and white where nothing covers it."""
    if picture.mode not in {"LA", "RGBA"}:
        return _in_srgb(picture, profile)
    colours = _in_srgb(picture.convert(picture.mode.removesuffix("A")), profile)
    white = PIL.Image.new("RGB", picture.size, "white")
    white.paste(colours, mask=picture.getchannel("A"))
    return white


def _in_srgb(picture: PIL.Image.Image, profile: bytes) -> PIL.Image.Image:
    """Without a profile, or with one that is broken or of other channels, the values are taken for sRGB."""
    if not profile:
        return picture.convert("RGB")
    try:
        read = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if read.profile.xcolor_space.strip() != _PROFILE_SPACES[picture.mode]:
            return picture.convert("RGB")
        converted = PIL.ImageCms.profileToProfile(picture, read, PIL.ImageCms.createProfile("sRGB"), outputMode="RGB")
    except Exception:  # noqa: BLE001  # a stranger's profile in a C library: whatever it raises, the picture is good
        return picture.convert("RGB")
    return converted or picture.convert("RGB")


def answer_for(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Width and height, and the pixels; or why it is refused."""
    try:
        picture = decode(data)
    except Refusal as refusal:
        return {"refused": refusal.args[0]}, b""
    except PIL.Image.DecompressionBombError:
        return {"refused": "too_many_pixels"}, b""
    except MemoryError:
        return {"refused": "too_complex"}, b""
    except Exception as error:  # noqa: BLE001  # whatever a decoder raises, the file is what is wrong
        return {"refused": "damaged", "error": f"{type(error).__name__}: {error}"[:200]}, b""
    return {"width": picture.width, "height": picture.height}, picture.tobytes()


def bound_this_process(*, seconds: int = CPU_SECONDS) -> None:
    """Sets the limits of memory and of `seconds` of CPU time; what exceeds them fails or is killed."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    PIL.Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # Pillow refuses twice that before it makes a canvas
    PIL.AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def main() -> None:
    bound_this_process()
    answer, pixels = answer_for(sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + pixels)
