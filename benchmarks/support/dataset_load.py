"""Ledgers for `benchmarks.datasets`: people who agreed to everything, pictures with files, ratings and comparisons."""

import hashlib
import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

AGO = timedelta(days=2)  # when the first tenth was asked; the rest an hour ago
_ASKS = """INSERT INTO ratings_ask (public_id, policy_id, surface, stratum, rater_id, image_id, question_id, strategy,
 p_ask, p_question, p_strategy, p_pair, p_side, repeat_no, is_gold, is_scale_reversed, is_side_swapped, language,
 rater_is_author, created_at, expires_at, shown_at, closed_at, dwell_ms, outcome)
 SELECT lpad(to_hex(image.id * 10000 + rater.id), 12, 'r'), policy.id, 'post', 'settled', rater.id, image.id,
  question.id, '', 0.05, 0.2, 1, 1, 1, 0, false, (image.id + rater.id) %% 2 = 0, false, 'en', false, at, at, at, at,
  2000, 'answered'
 FROM accounts_user rater CROSS JOIN generation_image image, ratings_question question, ratings_policy policy,
  (SELECT %s::timestamptz AS at) moment
 WHERE question.slug = 'lighting' AND question.is_active AND policy.version = 1 AND image.batch_key = %s
   AND rater.username LIKE 'rater-%%'"""
_RATINGS = """INSERT INTO ratings_rating (ask_id, rater_id, image_id, question_id, repeat_no, value, created_at)
 SELECT ask.id, rater_id, image_id, question_id, 0, 1 + (ask.id %% 5), ask.created_at FROM ratings_ask ask
  JOIN generation_image image ON image.id = ask.image_id WHERE image.batch_key = %s ORDER BY ask.id"""
_PAIR_ASKS = """INSERT INTO ratings_ask (public_id, policy_id, surface, stratum, rater_id, image_low_id, image_high_id,
 question_id, strategy, p_ask, p_question, p_strategy, p_pair, p_side, repeat_no, is_gold, is_scale_reversed,
 is_side_swapped, language, rater_is_author, created_at, expires_at, shown_at, closed_at, dwell_ms, outcome)
 SELECT lpad(to_hex(low.id), 12, 'p'), policy.id, 'compare', 'new', rater.id, low.id, high.id, question.id,
  'seed', 1, 1, 0.3, 0.01, 0.5, 0, false, false, false, 'en', false, at, at, at, at, 3000, 'answered'
 FROM generation_image low JOIN generation_image high
   ON high.generation_id = low.generation_id AND high.position = 1 AND low.position = 0,
  (SELECT max(id) AS id FROM accounts_user WHERE username LIKE 'rater-%%') rater, ratings_question question,
  ratings_policy policy, (SELECT %s::timestamptz AS at) moment
 WHERE question.slug = 'preference' AND question.is_active AND policy.version = 1 AND low.batch_key = %s"""
_COMPARISONS = """INSERT INTO ratings_comparison (ask_id, rater_id, image_low_id, image_high_id, repeat_no, outcome,
 preferred_id, quality_flags, created_at)
 SELECT ask.id, rater_id, image_low_id, image_high_id, 0, CASE WHEN ask.id % 2 = 0 THEN 'left' ELSE 'right' END,
  CASE WHEN ask.id % 2 = 0 THEN image_low_id ELSE image_high_id END, '{}', ask.created_at
 FROM ratings_ask ask WHERE ask.image_low_id IS NOT NULL ORDER BY ask.id"""


def prepare(images: int, raters: int, at: datetime) -> None:
    """`images` more pictures, each rated by each of `raters` people who agreed to everything, at `at`."""
    with _loading("ratings_ask", "ratings_rating") as cursor:
        _people(raters)
        batch = _images(images, 1, 64)
        cursor.execute(_ASKS, [at, batch])
        cursor.execute(_RATINGS, [batch])


def prepare_pairs(pairs: int, side: int, at: datetime) -> None:
    """`pairs` pairs of square pictures of `side` px, as noisy as pictures are, each compared once, at `at`."""
    with _loading("ratings_ask", "ratings_comparison", "generation_image", "generation_generation") as cursor:
        _people(10)
        batch = _images(pairs, 2, side)
        _write_files(batch, side)
        cursor.execute("ANALYZE")
        cursor.execute(_PAIR_ASKS, [at, batch])
        cursor.execute(_COMPARISONS)


@contextmanager
def _loading(*tables: str) -> Iterator[Any]:
    """A cursor that fills tables without looking up their foreign keys; plain indexes are made again at the end."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT indexname, indexdef FROM pg_indexes
                WHERE tablename = ANY(%s) AND indexdef LIKE 'CREATE INDEX%%'""",
            [list(tables)],
        )
        plain = cursor.fetchall()
        for name, _definition in plain:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        yield cursor
        cursor.execute("RESET session_replication_role; SET maintenance_work_mem = '512MB'")
        for _name, definition in plain:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE")


def _people(count: int) -> None:
    from django.utils import timezone

    from accounts.models import ConsentEvent, Purpose, User

    if User.objects.filter(username="rater-0").exists():
        return
    people = User.objects.bulk_create(User(username=f"rater-{n}", email=f"rater-{n}@salon.test") for n in range(count))
    ConsentEvent.objects.bulk_create(
        ConsentEvent(user=user, purpose=purpose, text_version="1", granted=True, at=timezone.now() - 2 * AGO)
        for user in people
        for purpose in (Purpose.TRAIN, Purpose.PUBLISH)
    )


def _images(generations: int, each: int, side: int) -> str:
    """Makes that many generations of `each` pictures of `side` px; returns the key of their batch."""
    from accounts.models import User
    from generation.models import Checkpoint

    author, batch = User.objects.get(username="rater-0"), uuid.uuid4().hex[:12]
    fields = {"name": "Bench", "source": "bench", "licence": "none", "outputs_may_train": True, "sizes": [[64, 64]]}
    checkpoint, _ = Checkpoint.objects.get_or_create(slug="bench", defaults=fields)
    for first in range(0, generations, 5_000):
        _some_images(author, checkpoint, batch, range(first, min(first + 5_000, generations)), each, side)
    return batch


def _some_images(author: Any, checkpoint: Any, batch: str, numbers: range, each: int, side: int) -> None:
    from django.utils import timezone

    from generation.models import Generation, Image

    now = timezone.now() - 2 * AGO
    settings = {"scheduler": "DDIMScheduler", "steps": 20, "guidance": 3, "width": side, "height": side}
    settings |= {"author": author, "checkpoint": checkpoint, "submitted_at": now}
    made = Generation.objects.bulk_create(
        Generation(prompt=f"a cat number {n} of {batch}", idempotency_key=f"{batch}-{n}", **settings) for n in numbers
    )
    fields = {"batch_key": batch, "cost_units": 1, "pool": "default", "state": "ready", "not_before": now}
    fields |= {"queued_at": now, "width": side, "height": side, "author": author}
    Image.objects.bulk_create(
        Image(
            generation=generation,
            position=position,
            seed=position,
            jpeg_sha256=f"{generation.pk:060x}{position:04x}",
            **fields,
        )
        for generation in made
        for position in range(each)
    )


def _write_files(batch: str, side: int) -> None:
    """A JPEG per picture: one noisy picture, made unlike the others by a comment that a decoder skips."""
    import numpy as np
    import PIL.Image
    from django.conf import settings
    from django.db import connection

    from generation.models import Image

    rng = np.random.default_rng(0)
    noise = rng.normal(128, 30, (side, side, 3)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(noise).save(buffer, "JPEG", quality=75)
    plain = buffer.getvalue()
    known = []
    for pk in Image.objects.filter(batch_key=batch).order_by("pk").values_list("pk", flat=True):
        content = plain[:-2] + f"{pk:020d}".encode() + plain[-2:]
        folder = Path(settings.MEDIA_ROOT, "images", str(pk), "1")
        folder.mkdir(parents=True)
        (folder / "training.jpg").write_bytes(content)
        known.append((pk, hashlib.sha256(content).hexdigest(), len(content)))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE known (id bigint, sha256 text, bytes integer)")
        with cursor.copy("COPY known FROM STDIN") as copy:
            for row in known:
                copy.write_row(row)
        cursor.execute(
            """UPDATE generation_image image SET prefix = 'images/' || known.id || '/1', jpeg_sha256 = known.sha256,
                      jpeg_bytes = known.bytes FROM known WHERE known.id = image.id"""
        )
        cursor.execute("DROP TABLE known")
