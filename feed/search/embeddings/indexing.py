"""Embeds the posts that search has no embeddings of yet, in a worker, and indexes those of pictures."""

import hashlib
from collections.abc import Collection

import numpy as np
import PIL.Image
from django.db import connection, transaction
from pgvector import HalfVector

from feed.search.embeddings import images, text
from feed.search.embeddings.vectors import Vector
from feed.search.models import ImageEmbedding, SearchEntry
from generation.media import storage
from lib.images import open_stored

TEXTS_AT_ONCE, MOST_TEXTS = 64, 5_000
IMAGES_AT_ONCE, MOST_IMAGES = 16, 2_000


def embed_texts(post_ids: Collection[int] | None = None) -> int:
    """Embeds texts that have no embedding (all, or those of these posts), at most 5,000 a call; returns how many.

    Any number of workers may do this at once: a vector is only written to a row that still has the same text.
    """
    if not text.is_available():
        return 0
    pending = SearchEntry.objects.without_embedding().order_by("pk")
    if post_ids is not None:
        pending = pending.filter(pk__in=post_ids)
    done, last = 0, 0
    while done < MOST_TEXTS and (rows := list(pending.filter(pk__gt=last).values_list("pk", "text")[:TEXTS_AT_ONCE])):
        vectors = text.embed([words for _pk, words in rows])
        for (pk, words), vector in zip(rows, vectors, strict=True):
            done += SearchEntry.objects.filter(pk=pk, text=words).update(embedding=HalfVector(vector))
        last = rows[-1][0]
    return done


def embed_images(post_ids: Collection[int] | None = None) -> int:
    """Embeds pictures of visible posts that this encoder has not embedded, at most 2,000 a call; returns how many.

    A picture whose file is missing or damaged is skipped, and tried again by the next call.
    """
    if not images.is_available():
        return 0
    name = images.encoder_name()
    pending = SearchEntry.objects.exclude(image_embedding__encoder=name).order_by("pk")
    if post_ids is not None:
        pending = pending.filter(pk__in=post_ids)
    done, last = 0, 0
    files = pending.values_list("pk", "post__image__prefix")
    while done < MOST_IMAGES and (rows := list(files.filter(pk__gt=last)[:IMAGES_AT_ONCE])):
        opened = [(pk, picture) for pk, prefix in rows if (picture := _open(prefix)) is not None]
        vectors = images.embed([picture for _pk, picture in opened]) if opened else ()
        _store_images(name, {pk: vector for (pk, _picture), vector in zip(opened, vectors, strict=True)})
        done, last = done + len(opened), rows[-1][0]
    return done


@transaction.atomic
def _store_images(name: str, vectors: dict[int, Vector]) -> None:
    """Writes the vectors of posts that are still visible."""
    visible = SearchEntry.objects.select_for_update(no_key=True).filter(pk__in=vectors).order_by("pk")
    ImageEmbedding.objects.bulk_create(
        (
            ImageEmbedding(entry_id=pk, encoder=name, vector=HalfVector(vectors[pk]))
            for pk in visible.values_list("pk", flat=True)
        ),
        update_conflicts=True,
        unique_fields=["entry"],
        update_fields=["encoder", "vector"],
    )


def find_image_embedding(post_id: int) -> Vector | None:
    """The embedding of a post's picture, if this encoder has made one."""
    if not images.is_available():
        return None
    found = ImageEmbedding.objects.filter(entry=post_id, encoder=images.encoder_name())
    vector = found.values_list("vector", flat=True).first()
    return None if vector is None else np.asarray(vector, dtype=np.float32)


def _open(prefix: str) -> PIL.Image.Image | None:
    try:
        return open_stored(storage.read(f"{prefix}/original.png"))
    except OSError:  # PIL raises it too, for files it cannot read
        return None


def build_image_index() -> None:
    """Creates an HNSW index for this encoder's vectors, whose length only it knows; deletes those of other encoders."""
    name, length = images.encoder_name(), images.dimensions()
    index = f"picturereading_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    delete_image_embeddings(keep=name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON feed_picturereading"
            f" USING hnsw ((vector::halfvec({length})) halfvec_cosine_ops) WHERE encoder = '{name}'"
        )


def delete_image_embeddings(keep: str = "") -> None:
    """Deletes embeddings and their indexes, but for those of the encoder `keep` (an unfinished index goes too)."""
    kept_index = f"picturereading_{hashlib.sha256(keep.encode()).hexdigest()[:16]}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name.relname FROM pg_index JOIN pg_class name ON name.oid = indexrelid"
            " JOIN pg_am method ON method.oid = name.relam AND method.amname = 'hnsw'"
            " WHERE indrelid = 'feed_picturereading'::regclass AND (name.relname <> %s OR NOT indisvalid)",
            [kept_index],
        )
        for (index,) in cursor.fetchall():
            cursor.execute(f'DROP INDEX CONCURRENTLY "{index}"')
    ImageEmbedding.objects.exclude(encoder=keep).delete()
