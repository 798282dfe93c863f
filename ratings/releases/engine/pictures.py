"""``release_picture``: every picture that somebody was asked about, with its words, its split and whether it may leave.

Whole sets in a few statements. Only words go through Python, once a generation: which split a prompt belongs to must
not depend on a version of PostgreSQL.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from generation.models import Image
from generation.parameters import STYLED_PROMPT_SQL, dataset_sql
from ratings.models import Ask, GonePicture
from ratings.releases.engine import splits, sql
from ratings.releases.engine.eligibility import ReleaseFilter, image_reason
from ratings.releases.engine.identity import digest_of

_TABLES = """
CREATE TEMP TABLE release_words (generation_id bigint PRIMARY KEY, caption text, prompt text, split text)
  ON COMMIT DROP;
CREATE TEMP TABLE release_asked (id bigint, generation_id bigint, reason text NOT NULL) ON COMMIT DROP
"""
_CAPTION = STYLED_PROMPT_SQL  # what a release calls the prompt
_WORDS = f"""SELECT made.id, {_CAPTION} FROM generation_generation made
  LEFT JOIN generation_style style ON style.id = made.style_id
 WHERE made.id IN (SELECT generation_id FROM release_asked)"""  # noqa: S608 (literals of ours)
_PICTURES = f"""CREATE TEMP TABLE release_picture ON COMMIT DROP AS
SELECT image.id, image.author_id, asked.reason, words.split, image.jpeg_sha256::text AS sha256, words.caption,
  words.prompt, checkpoint.slug::text AS model, image.width, image.height, image.seed, image.prefix,
  image.jpeg_bytes::bigint AS size,
  {dataset_sql()}::text AS settings
  FROM release_asked asked JOIN generation_image image ON image.id = asked.id
  JOIN release_words words ON words.generation_id = asked.generation_id
  JOIN generation_generation made ON made.id = asked.generation_id
  JOIN generation_checkpoint checkpoint ON checkpoint.id = made.checkpoint_id
  LEFT JOIN generation_style style ON style.id = made.style_id"""  # noqa: S608 (literals of ours)


def make(chosen: ReleaseFilter, as_of: datetime, secret: str, about: Sequence[str]) -> None:
    """Makes the table, of the pictures that the fields `about` of asks name. Call inside a transaction."""
    sql.run(_TABLES)
    sql.insert("release_asked", _asked(chosen, as_of, about))
    sql.run("ANALYZE release_asked (id, generation_id)")
    sql.copy("release_words", _words(secret), ("int8", "text", "text", "text"))
    sql.run("ANALYZE release_words (generation_id)")
    sql.run(_PICTURES)
    sql.run("CREATE UNIQUE INDEX ON release_picture (id)")
    sql.run("ANALYZE release_picture (id, reason, split)")  # the texts would take longer, and tell the planner nothing
    _keep("deleted", _gone(secret))
    _keep("image_in_other_split", _astray(secret))


def _asked(chosen: ReleaseFilter, as_of: datetime, about: Sequence[str]) -> "QuerySet[Image, Any]":
    # What is not null is said for the partial indexes' sake.
    asked = (Ask.objects.filter(**{name: OuterRef("pk"), f"{name}__isnull": False}) for name in about)
    pictures = Image.objects.filter(reduce(or_, (Q(Exists(asks)) for asks in asked)))
    return pictures.annotate(reason=image_reason(chosen, as_of)).values_list("pk", "generation_id", "reason")


def _words(secret: str) -> Iterator[tuple[Any, ...]]:
    for found in sql.each(_WORDS):
        prompts = [splits.normalise_prompt(caption) for _generation, caption in found]
        for row, prompt, split in zip(found, prompts, splits.splits_of_normalised(secret, prompts), strict=True):
            yield *row, prompt, split


def _keep(reason: str, ids: list[int]) -> None:
    """Has pictures stay here that might have left."""
    sql.run("UPDATE release_picture SET reason = %s WHERE reason = '' AND id = ANY(%s::bigint[])", [reason, ids])


def _gone(secret: str) -> list[int]:
    """Copies of deleted pictures that were in a release."""
    gone = set(GonePicture.objects.values_list("digest", flat=True))
    left = sql.rows("SELECT id, sha256 FROM release_picture WHERE reason = ''") if gone else []
    return [pk for pk, sha256 in left if digest_of(secret, sha256) in gone]


def _astray(secret: str) -> list[int]:
    """Pictures whose bytes were first made for a prompt of another split: few, for two prompts seldom share one."""
    alike = Image.objects.exclude(jpeg_sha256="").values("jpeg_sha256").annotate(n=Count("pk")).filter(n__gt=1)
    statement, params = alike.values("jpeg_sha256").query.sql_with_params()
    first = f"""SELECT DISTINCT ON (image.jpeg_sha256) image.jpeg_sha256, {_CAPTION} FROM generation_image image
      JOIN generation_generation made ON made.id = image.generation_id
      LEFT JOIN generation_style style ON style.id = made.style_id
     WHERE image.jpeg_sha256 IN ({statement}) ORDER BY image.jpeg_sha256, image.id"""  # noqa: S608
    belongs = {sha256: splits.split_of(secret, caption) for sha256, caption in sql.rows(first, params)}
    statement = "SELECT id, sha256, split FROM release_picture WHERE sha256 = ANY(%s)"
    shared = sql.rows(statement, [list(belongs)]) if belongs else []
    return [pk for pk, sha256, split in shared if belongs[sha256] != split]
