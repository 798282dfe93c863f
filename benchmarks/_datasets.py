"""Ledgers for `benchmarks.datasets`: people who agreed to everything, pictures with files, ratings and comparisons."""

import io
import uuid
from pathlib import Path
from typing import Any

PAIRS_SIDE = 256  # px
_ASKS = """INSERT INTO ratings_ask (public_id, policy_id, surface, stratum, rater_id, image_id, question_id, strategy,
 p_ask, p_question, p_strategy, p_pair, p_side, repeat_no, is_gold, is_scale_reversed, is_side_swapped, language,
 rater_is_author, created_at, expires_at, shown_at, closed_at, dwell_ms, outcome)
 SELECT substr(md5(image.id || '-' || rater.id), 1, 12), policy.id, 'post', 'settled', rater.id, image.id, question.id,
  '', 0.05, 0.2, 1, 1, 1, 0, false, random() < 0.5, false, 'en', false, now(), now(), now(), now(), 2000, 'answered'
 FROM accounts_user rater CROSS JOIN generation_image image, ratings_question question, ratings_policy policy
 WHERE question.slug = 'lighting' AND question.is_active AND policy.version = 1 AND image.batch_key = %s
   AND rater.username LIKE 'rater-%%'"""
_RATINGS = """INSERT INTO ratings_rating (ask_id, rater_id, image_id, question_id, repeat_no, value, created_at)
 SELECT ask.id, rater_id, image_id, question_id, 0, 1 + (ask.id %% 5), ask.created_at FROM ratings_ask ask
  JOIN generation_image image ON image.id = ask.image_id WHERE image.batch_key = %s"""
_PAIR_ASKS = """INSERT INTO ratings_ask (public_id, policy_id, surface, stratum, rater_id, image_low_id, image_high_id,
 question_id, strategy, p_ask, p_question, p_strategy, p_pair, p_side, repeat_no, is_gold, is_scale_reversed,
 is_side_swapped, language, rater_is_author, created_at, expires_at, shown_at, closed_at, dwell_ms, outcome)
 SELECT substr(md5('pair-' || low.id), 1, 12), policy.id, 'compare', 'new', rater.id, low.id, high.id, question.id,
  'seed', 1, 1, 0.3, 0.01, 0.5, 0, false, false, false, 'en', false, now(), now(), now(), now(), 3000, 'answered'
 FROM generation_image low JOIN generation_image high
   ON high.generation_id = low.generation_id AND high.position = 1 AND low.position = 0,
  (SELECT min(id) AS id FROM accounts_user WHERE username LIKE 'rater-%%') rater, ratings_question question,
  ratings_policy policy
 WHERE question.slug = 'preference' AND question.is_active AND policy.version = 1 AND low.batch_key = %s"""
_COMPARISONS = """INSERT INTO ratings_comparison (ask_id, rater_id, image_low_id, image_high_id, repeat_no, outcome,
 preferred_id, quality_flags, created_at)
 SELECT ask.id, rater_id, image_low_id, image_high_id, 0, CASE WHEN ask.id % 2 = 0 THEN 'left' ELSE 'right' END,
  CASE WHEN ask.id % 2 = 0 THEN image_low_id ELSE image_high_id END, '{}', ask.created_at
 FROM ratings_ask ask WHERE ask.image_low_id IS NOT NULL"""


def prepare(images: int, raters: int) -> None:
    """`images` more pictures, each rated by each of `raters` people who agreed to everything."""
    from django.db import connection

    batch = uuid.uuid4().hex[:12]
    _people(raters)
    _images(batch, images, 1)
    with connection.cursor() as cursor:
        cursor.execute(_ASKS, [batch])
        cursor.execute(_RATINGS, [batch])
        cursor.execute("ANALYZE")


def prepare_pairs(pairs: int) -> None:
    """`pairs` pairs of pictures with training JPEGs of some 20 kB, each judged once."""
    from django.db import connection

    batch = uuid.uuid4().hex[:12]
    _images(batch, pairs, 2)
    _write_files(batch)
    with connection.cursor() as cursor:
        cursor.execute(_PAIR_ASKS, [batch])
        cursor.execute(_COMPARISONS)
        cursor.execute("ANALYZE")


def _people(count: int) -> None:
    from django.utils import timezone

    from accounts.models import ConsentEvent, Purpose, User

    if User.objects.filter(username="rater-0").exists():
        return
    people = User.objects.bulk_create(User(username=f"rater-{n}", email=f"rater-{n}@salon.test") for n in range(count))
    ConsentEvent.objects.bulk_create(
        ConsentEvent(user=user, purpose=purpose, text_version="1", granted=True, at=timezone.now())
        for user in people
        for purpose in (Purpose.TRAIN, Purpose.PUBLISH)
    )


def _images(batch: str, generations: int, each: int) -> None:
    from django.utils import timezone

    from accounts.models import User
    from generation.models import Checkpoint, Generation, Image

    author, now = User.objects.get(username="rater-0"), timezone.now()
    checkpoint, _ = Checkpoint.objects.get_or_create(
        slug="bench",
        defaults={
            "name": "Bench",
            "source": "bench",
            "licence": "none",
            "outputs_may_train": True,
            "sizes": [[64, 64]],
        },
    )
    settings = {"scheduler": "DDIMScheduler", "steps": 20, "guidance": 3, "width": 256, "height": 256}
    made = Generation.objects.bulk_create(
        (
            Generation(
                author=author,
                prompt=f"a cat number {n} of {batch}",
                checkpoint=checkpoint,
                idempotency_key=f"{batch}-{n}",
                submitted_at=now,
                **settings,
            )
            for n in range(generations)
        ),
        batch_size=5_000,
    )
    fields = {"batch_key": batch, "cost_units": 1, "pool": "default", "state": "ready", "not_before": now}
    fields |= {"queued_at": now, "width": PAIRS_SIDE, "height": PAIRS_SIDE, "author": author}
    Image.objects.bulk_create(
        (
            Image(
                generation=generation,
                position=position,
                seed=position,
                jpeg_sha256=f"{generation.pk:060x}{position:04x}",
                **fields,
            )
            for generation in made
            for position in range(each)
        ),
        batch_size=5_000,
    )


def _write_files(batch: str) -> None:
    """A JPEG per picture: one noisy picture, made unlike the others by a comment that a decoder skips."""
    import hashlib

    import numpy as np
    import PIL.Image

    from generation import files
    from generation.models import Image

    rng = np.random.default_rng(0)
    noise = rng.normal(128, 30, (PAIRS_SIDE, PAIRS_SIDE, 3)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(noise).save(buffer, "JPEG", quality=75)
    plain = buffer.getvalue()
    images = list(Image.objects.filter(batch_key=batch).order_by("pk"))
    for image in images:
        content = plain[:-2] + f"{image.pk:020d}".encode() + plain[-2:]
        image.prefix = f"images/{image.pk}/1"
        image.jpeg_sha256 = hashlib.sha256(content).hexdigest()
        files.write(f"{image.prefix}/training.jpg", content)
    Image.objects.bulk_update(images, ["prefix", "jpeg_sha256"], batch_size=5_000)


def by_files(path: Path) -> None:
    """The reference for pairs: the same files read and written, a row group at a time, and nothing else."""
    import hashlib

    import pyarrow as pa

    from generation.files import training_jpeg
    from generation.models import Image
    from ratings.datasets.columns import IMAGE_ROW_GROUP
    from ratings.datasets.pairs import FORMAT
    from ratings.datasets.parquet import parquet_writer

    images = Image.objects.exclude(prefix="").order_by("pk").select_related("generation")
    waiting: list[Any] = []
    with parquet_writer(path, FORMAT) as writer:
        for image in images.iterator(chunk_size=200):
            waiting.append(image)
            if len(waiting) < 2 * IMAGE_ROW_GROUP:
                continue
            contents = [training_jpeg(each) for each in waiting]
            hashes = [hashlib.sha256(content).hexdigest() for content in contents]
            rows = [
                {"caption": waiting[n].generation.prompt, "jpg_0": contents[n], "jpg_1": contents[n + 1],
                 "image_0_sha256": hashes[n], "image_1_sha256": hashes[n + 1], "label_0": 1.0, "label_1": 0.0}
                for n in range(0, len(waiting), 2)
            ]  # fmt: skip
            writer.write_table(pa.Table.from_pylist(rows, schema=FORMAT.schema))
            waiting.clear()
