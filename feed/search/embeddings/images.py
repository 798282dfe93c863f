"""Embeds pictures with the encoder that an operator chose (`manage.py use_image_encoder`); none is shipped.

Without one, pictures are compared by PDQ, which finds the same picture again, but not one that is merely similar.
"""

import json
import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from django.conf import settings
from django.core.cache import cache

from feed.search.embeddings.vectors import Vector
from generation.engines.image_encoders import ABOUT_FILE, MODEL_FILE

LONGEST = 4  # times the short edge: encoders look at a nearly square middle
UPLOAD, REMEMBERED_SECONDS = "upload-", 600


def is_available() -> bool:
    return (folder() / MODEL_FILE).exists()


def folder() -> Path:
    return Path(settings.CHECKPOINTS_DIR) / "looks"


def encoder_name() -> str:
    """Stored with every vector, because vectors of two encoders cannot be compared."""
    return str(_about(folder(), _changed_at(folder()))["name"])


def dimensions() -> int:
    return int(_about(folder(), _changed_at(folder()))["dimensions"])


def embed(pictures: Sequence[PIL.Image.Image]) -> Vector:
    """Unit vectors float32 (n, d) of pictures of any size and mode."""
    about = _about(folder(), _changed_at(folder()))
    pixels = np.stack([preprocess(picture, about) for picture in pictures])
    return np.asarray(_session(folder(), _changed_at(folder())).run(None, {"pixels": pixels})[0], dtype=np.float32)


def preprocess(picture: PIL.Image.Image, about: dict[str, Any]) -> Vector:
    """The encoder's input (3, height, width): resized, centre-cropped, scaled and normalised."""
    picture = _middle(picture.convert("RGB"))
    height, width = about["size"] if isinstance(about["size"], list) else _short_edge(picture, about["size"])
    picture = picture.resize((width, height), PIL.Image.Resampling(about["resample"]))
    cut_height, cut_width = about["crop"]
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    picture = picture.crop((left, top, left + cut_width, top + cut_height))
    scaled = np.asarray(picture, dtype=np.float32) * about["scale"]
    centred = (scaled - np.array(about["mean"])) / np.array(about["deviation"])
    return np.asarray(centred.transpose(2, 0, 1), dtype=np.float32)


def _middle(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Cuts the ends off a very long picture: scaled by its short edge, a strip would fill the memory."""
    longest = LONGEST * min(picture.size)
    width, height = (min(edge, longest) for edge in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _short_edge(picture: PIL.Image.Image, edge: int) -> tuple[int, int]:
    short = min(picture.size)
    return int(edge * picture.height / short), int(edge * picture.width / short)


def _changed_at(path: Path) -> int:
    """When the encoder was chosen, so that a running process loads a new one."""
    return (path / ABOUT_FILE).stat().st_mtime_ns


@lru_cache(maxsize=2)
def _about(path: Path, _changed: int) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((path / ABOUT_FILE).read_text("utf-8"))
    return about


@lru_cache(maxsize=2)
def _session(path: Path, _changed: int) -> Any:
    import onnxruntime  # loads slowly, and only processes that embed need it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # processes run in parallel
    return onnxruntime.InferenceSession(str(path / MODEL_FILE), options, providers=["CPUExecutionProvider"])


def remember_upload(picture: PIL.Image.Image) -> str:
    """Keeps the embedding of an uploaded picture for ten minutes, but not the picture; returns its name."""
    name = f"{UPLOAD}{secrets.token_urlsafe(16)}"
    cache.set(f"feed:looks:{name}", (encoder_name(), embed([picture])[0].tobytes()), REMEMBERED_SECONDS)
    return name


def find_upload(name: str) -> Vector | None:
    """The embedding of an upload, unless it has expired or another encoder made it."""
    encoder, content = cache.get(f"feed:looks:{name}") or ("", b"")
    if not is_available() or encoder != encoder_name():
        return None
    return np.frombuffer(content, dtype=np.float32)
