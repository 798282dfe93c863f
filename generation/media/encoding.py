"""One finished picture as bytes: the PNG that says how it was made, renditions, the training copy, its hashes.

Pure: pixels in, bytes out. Every copy that leaves the site, apart from the training JPEG, carries the IPTC mark
of a picture made by a model; that mark stays even where a member hides the prompt.
"""

import base64
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pdqhash
import PIL.Image
from PIL.PngImagePlugin import PngInfo
from thumbhash import rgba_to_thumb_hash

WIDTHS = (256, 512, 768, 1280)  # of renditions, besides the picture's own
FORMATS = ("webp", "avif")
TRAINED_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{TRAINED_MEDIA}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


@dataclass(frozen=True)
class Recipe:
    """What made a picture, as its PNG tells it."""

    prompt: str
    negative_prompt: str
    checkpoint: str
    checkpoint_sha256: str
    scheduler: str
    steps: int
    guidance: float
    seed: int
    width: int
    height: int
    public_id: str = ""
    style: str = ""
    strength: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def parameters(self) -> str:
        """The text that AUTOMATIC1111's web UI writes and most tools read."""
        lines = [self.prompt]
        if self.negative_prompt:
            lines.append(f"Negative prompt: {self.negative_prompt}")
        facts = {
            "Steps": self.steps,
            "Sampler": self.scheduler.removesuffix("Scheduler"),
            "CFG scale": f"{self.guidance:g}",
            "Seed": self.seed,
            "Size": f"{self.width}x{self.height}",
            "Model hash": self.checkpoint_sha256[:10],
            "Model": self.checkpoint,
        }
        if self.strength is not None:
            facts["Denoising strength"] = f"{self.strength:g}"
        lines.append(", ".join(f"{name}: {value}" for name, value in facts.items()) + ", Version: Salon")
        return "\n".join(lines)

    def as_json(self) -> str:
        values: dict[str, Any] = {**self.__dict__, "versions": dict(self.versions)}
        return json.dumps(values, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True)
class Derived:
    """What is recorded of one picture."""

    png_sha256: str
    jpeg_sha256: str
    rendition_hash: str
    rendition_widths: list[int]
    thumbhash: str
    placeholder: str
    pdq: str
    pdq_quality: int


@dataclass(frozen=True)
class Encoded:
    """A picture's files, by their names under its prefix, and what is recorded of them."""

    files: dict[str, bytes]
    derived: Derived


def png(picture: PIL.Image.Image, recipe: Recipe | None) -> bytes:
    """The original as PNG; with no recipe only the AI mark is written."""
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    if recipe is not None:
        info.add_text("parameters", recipe.parameters())
        info.add_itxt("salon", recipe.as_json())
    return _saved(picture, "PNG", pnginfo=info)


def without_recipe(data: bytes) -> bytes:
    """A PNG of ours with the same pixels and the AI mark, but nothing that tells how it was made."""
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return png(picture, None)


def training_jpeg(picture: PIL.Image.Image) -> bytes:
    """The copy that datasets carry: no metadata at all, full chroma."""
    return _saved(picture, "JPEG", quality=95, subsampling=0, optimize=True)


def widths_for(width: int) -> list[int]:
    """Widths of the renditions of a picture `width` pixels wide: never enlarged, its own always among them."""
    return [*(smaller for smaller in WIDTHS if smaller < width), width]


def pdq(picture: PIL.Image.Image) -> tuple[str, int]:
    """The PDQ hash as 256 characters of 0 and 1, and its quality (0–100)."""
    bits, quality = pdqhash.compute(np.asarray(picture.convert("RGB")))
    return "".join("1" if bit else "0" for bit in bits), int(quality)


def thumbhash(picture: PIL.Image.Image) -> str:
    """ThumbHash in base64, of the picture at no more than 32 pixels (the library is plain Python)."""
    small = picture.convert("RGBA")
    small.thumbnail((32, 32))
    values = rgba_to_thumb_hash(small.width, small.height, list(small.tobytes()))
    return base64.b64encode(bytes(values)).decode()


def placeholder(picture: PIL.Image.Image) -> str:
    """A ``data:`` URI of an 8-pixel PNG; a browser draws it as a blur with no script at all."""
    small = picture.convert("RGB")
    small.thumbnail((8, 8))
    return "data:image/png;base64," + base64.b64encode(_saved(small, "PNG", optimize=True)).decode()


def encode(picture: PIL.Image.Image, recipe: Recipe) -> Encoded:
    """Everything the site keeps of a finished RGB picture."""
    picture = picture.convert("RGB")
    original, jpeg = png(picture, recipe), training_jpeg(picture)
    digest = hashlib.sha256(original).hexdigest()
    files = {"original.png": original, "training.jpg": jpeg}
    files |= {f"{digest[:16]}-{name}": data for name, data in _renditions(picture)}
    bits, quality = pdq(picture)
    derived = Derived(
        png_sha256=digest,
        jpeg_sha256=hashlib.sha256(jpeg).hexdigest(),
        rendition_hash=digest[:16],
        rendition_widths=widths_for(picture.width),
        thumbhash=thumbhash(picture),
        placeholder=placeholder(picture),
        pdq=bits,
        pdq_quality=quality,
    )
    return Encoded(files, derived)


def _renditions(picture: PIL.Image.Image) -> Iterator[tuple[str, bytes]]:
    for width in widths_for(picture.width):
        height = max(1, round(picture.height * width / picture.width))
        scaled = picture if width == picture.width else picture.resize((width, height), PIL.Image.Resampling.LANCZOS)
        yield f"{width}.webp", _saved(scaled, "WEBP", quality=84, method=4, xmp=XMP.encode())
        yield f"{width}.avif", _saved(scaled, "AVIF", quality=70, speed=8, xmp=XMP.encode())


def _saved(picture: PIL.Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()
