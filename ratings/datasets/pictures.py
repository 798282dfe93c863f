"""The picture side of a row: which columns are read for it, and how its words and settings are told."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from generation.files import training_jpeg, training_jpeg_size
from generation.models import Image
from ratings.datasets.patience import patiently

_FIELDS = (
    "pk", "author_id", "jpeg_sha256", "width", "height", "seed", "prefix", "versions",
    "generation__prompt", "generation__negative_prompt", "generation__style__slug", "generation__style__template",
    "generation__checkpoint__slug", "generation__scheduler", "generation__steps", "generation__guidance",
    "generation__loras", "generation__remix_kind", "generation__strength",
)  # fmt: skip


def fields(*prefixes: str) -> list[str]:
    """Names for ``values()``: what `Picture.of` reads."""
    return [prefix + name for prefix in prefixes for name in _FIELDS]


@dataclass(frozen=True, slots=True)
class Picture:
    pk: int
    author_id: int
    sha256: str
    width: int
    height: int
    seed: int
    model: str
    caption: str
    settings: dict[str, Any]
    prefix: str

    @classmethod
    def of(cls, row: dict[str, Any], prefix: str) -> Self:
        def get(name: str) -> Any:
            return row[prefix + name]

        return cls(
            pk=get("pk"),
            author_id=get("author_id"),
            sha256=get("jpeg_sha256"),
            width=get("width"),
            height=get("height"),
            seed=get("seed"),
            model=get("generation__checkpoint__slug"),
            caption=caption_of(get("generation__prompt"), get("generation__style__template")),
            settings={
                "checkpoint": get("generation__checkpoint__slug"),
                "negative_prompt": get("generation__negative_prompt"),
                "style": get("generation__style__slug") or "",
                "scheduler": get("generation__scheduler"),
                "steps": get("generation__steps"),
                "guidance": get("generation__guidance"),
                "loras": get("generation__loras"),
                "remix": get("generation__remix_kind"),
                "strength": get("generation__strength"),
                "versions": get("versions"),
            },
            prefix=get("prefix"),
        )

    @property
    def settings_json(self) -> str:
        return json.dumps(self.settings, sort_keys=True, ensure_ascii=False)


def caption_of(prompt: str, template: str | None) -> str:
    """The words the model was given, the prompt inside its style: what a release calls the prompt."""
    return (template or "{prompt}").replace("{prompt}", prompt)


def training_size(prefix: str) -> int | None:
    """Bytes of the stored training JPEG below an image's prefix, or None where it is missing."""
    return patiently(lambda: training_jpeg_size(prefix))


class Bytes:
    """The training JPEGs of a few pictures at a time, checked against the hash that their rows record."""

    def __init__(self) -> None:
        self._images: dict[int, Image] = {}

    def load(self, ids: Iterable[int]) -> None:
        """Replaces what is known by the rows of `ids`: one query a row group."""
        self._images = Image.objects.only("public_id", "jpeg_sha256", "prefix").in_bulk(set(ids))

    def sha256(self, pk: int) -> str:
        return self._images[pk].jpeg_sha256

    def __call__(self, pk: int) -> bytes:
        """Raises DamagedPictureError if the stored copy is not what it was when it was made."""
        image = self._images[pk]
        content = patiently(lambda: training_jpeg(image))
        if hashlib.sha256(content).hexdigest() != image.jpeg_sha256:
            raise DamagedPictureError(image.public_id)
        return content


class DamagedPictureError(Exception):
    """A stored training copy is not what it was when it was made."""
