"""Pictures to vectors, by the encoder that an operator chose (`manage.py use_image_encoder`); none is shipped.

Without one, looks are compared by PDQ: that finds the same picture again, not one that is merely like it.
"""

import hashlib
import io
import json
import secrets
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from pgvector import HalfVector

from feed.search.models import PictureReading, SearchEntry
from feed.search.text_embeddings import Vector
from generation.engines.image_encoders import ABOUT_FILE, MODEL_FILE
from generation.media import storage

AT_ONCE, MOST = 16, 2_000
LONGEST = 4  # times the short edge: the middle that encoders look at is nearly square
UPLOAD, REMEMBERED_SECONDS = "upload-", 600


def is_available() -> bool:
    return (folder() / MODEL_FILE).exists()


def folder() -> Path:
    return Path(settings.CHECKPOINTS_DIR) / "looks"


def encoder_name() -> str:
    """Vectors of two encoders are never compared: each is kept with this."""
    return str(_about(folder(), _changed(folder()))["name"])


def dimensions() -> int:
    return int(_about(folder(), _changed(folder()))["dimensions"])


def embed(pictures: Sequence[PIL.Image.Image]) -> Vector:
    """Unit vectors float32 (n, d) of pictures of any size and mode."""
    about = _about(folder(), _changed(folder()))
    pixels = np.stack([prepared(picture, about) for picture in pictures])
    return np.asarray(_session(folder(), _changed(folder())).run(None, {"pixels": pixels})[0], dtype=np.float32)


def prepared(picture: PIL.Image.Image, about: dict[str, Any]) -> Vector:
    """(3, height, width) as the encoder wants it: resized, the middle cut out, scaled and centred."""
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
    """Without the ends of what is far longer than wide: scaled by its short edge, a strip would fill the memory."""
    longest = LONGEST * min(picture.size)
    width, height = (min(edge, longest) for edge in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _short_edge(picture: PIL.Image.Image, edge: int) -> tuple[int, int]:
    short = min(picture.size)
    return int(edge * picture.height / short), int(edge * picture.width / short)


def _changed(place: Path) -> int:
    """When the encoder was chosen: a process that runs on takes up a new one."""
    return (place / ABOUT_FILE).stat().st_mtime_ns


@lru_cache(maxsize=2)
def _about(place: Path, _changed_at: int) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((place / ABOUT_FILE).read_text("utf-8"))
    return about


@lru_cache(maxsize=2)
def _session(place: Path, _changed_at: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # processes are the parallelism
    return onnxruntime.InferenceSession(str(place / MODEL_FILE), options, providers=["CPUExecutionProvider"])


def read_pictures(post_ids: Collection[int] | None = None) -> int:
    """Reads pictures of posts that show and that this encoder has not seen, at most 2,000 a call; returns how many.

    A picture whose file is gone or damaged is left out, and tried again by the next call.
    """
    if not is_available():
        return 0
    name = encoder_name()
    unread = SearchEntry.objects.exclude(picture__encoder=name).order_by("pk")
    if post_ids is not None:
        unread = unread.filter(pk__in=post_ids)
    done, last = 0, 0
    while done < MOST and (rows := list(unread.filter(pk__gt=last).values_list("pk", "post__image__prefix")[:AT_ONCE])):
        opened = [(pk, picture) for pk, prefix in rows if (picture := _opened(prefix)) is not None]
        vectors = embed([picture for _pk, picture in opened]) if opened else ()
        _keep(name, {pk: vector for (pk, _picture), vector in zip(opened, vectors, strict=True)})
        done, last = done + len(opened), rows[-1][0]
    return done


@transaction.atomic
def _keep(name: str, vectors: dict[int, Vector]) -> None:
    """Writes the vectors of posts that still show."""
    showing = SearchEntry.objects.select_for_update(no_key=True).filter(pk__in=vectors).order_by("pk")
    PictureReading.objects.bulk_create(
        (
            PictureReading(entry_id=pk, encoder=name, vector=HalfVector(vectors[pk]))
            for pk in showing.values_list("pk", flat=True)
        ),
        update_conflicts=True,
        unique_fields=["entry"],
        update_fields=["encoder", "vector"],
    )


def seen_in(post_id: int) -> Vector | None:
    """What this encoder saw in a post's picture, if it has read it."""
    if not is_available():
        return None
    readings = PictureReading.objects.filter(entry=post_id, encoder=encoder_name())
    vector = readings.values_list("vector", flat=True).first()
    return None if vector is None else np.asarray(vector, dtype=np.float32)


def remember(picture: PIL.Image.Image) -> str:
    """Keeps what the encoder sees in an uploaded picture for ten minutes, and nothing else of it; returns its name."""
    name = f"{UPLOAD}{secrets.token_urlsafe(16)}"
    cache.set(f"feed:looks:{name}", (encoder_name(), embed([picture])[0].tobytes()), REMEMBERED_SECONDS)
    return name


def remembered(name: str) -> Vector | None:
    encoder, content = cache.get(f"feed:looks:{name}") or ("", b"")
    if not is_available() or encoder != encoder_name():
        return None
    return np.frombuffer(content, dtype=np.float32)


def index_readings() -> None:
    """An HNSW index for this encoder's vectors, whose length only it knows; other encoders' go, with their vectors."""
    name, length = encoder_name(), dimensions()
    index = f"picturereading_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    forget_readings(but=name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON feed_picturereading"
            f" USING hnsw ((vector::halfvec({length})) halfvec_cosine_ops) WHERE encoder = '{name}'"
        )


def forget_readings(but: str = "") -> None:
    """Drops what encoders have read, and its indexes; not what `but` has, unless building it was interrupted."""
    keeps = f"picturereading_{hashlib.sha256(but.encode()).hexdigest()[:16]}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name.relname FROM pg_index JOIN pg_class name ON name.oid = indexrelid"
            " JOIN pg_am method ON method.oid = name.relam AND method.amname = 'hnsw'"
            " WHERE indrelid = 'feed_picturereading'::regclass AND (name.relname <> %s OR NOT indisvalid)",
            [keeps],
        )
        for (index,) in cursor.fetchall():
            cursor.execute(f'DROP INDEX CONCURRENTLY "{index}"')
    PictureReading.objects.exclude(encoder=but).delete()


def _opened(prefix: str) -> PIL.Image.Image | None:
    try:
        return PIL.Image.open(io.BytesIO(storage.read(f"{prefix}/original.png"))).convert("RGB")
    except OSError:  # PIL's, too, for what it cannot read
        return None
