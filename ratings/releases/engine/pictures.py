"""``release_picture``: every picture of an ask, with caption, split and the reason why it may not be published, if any.

Whole sets in a few statements. Only captions pass through Python, once per generation: the split of a prompt must not
depend on the version of PostgreSQL.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from generation.models import Image
from generation.parameters import STYLED_PROMPT_SQL, dataset_sql, model_sql
from ratings.asking.models import Ask
from ratings.releases.engine import splits, sql
from ratings.releases.engine.eligibility import ReleaseFilter, image_reason
from ratings.releases.engine.identity import picture_digest
from ratings.releases.models import DeletedPicture

_TABLES = """
CREATE TEMP TABLE release_caption (generation_id bigint PRIMARY KEY, caption text, prompt text, split text)
  ON COMMIT DROP;
CREATE TEMP TABLE release_asked (id bigint, generation_id bigint, reason text NOT NULL) ON COMMIT DROP
"""
# The text that the model was given: the prompt inside its style.
_CAPTION = STYLED_PROMPT_SQL
_CAPTIONS = f"""SELECT made.id, {_CAPTION} FROM generation_generation made
  LEFT JOIN generation_style style ON style.id = made.style_id
 WHERE made.id IN (SELECT generation_id FROM release_asked)"""  # noqa: S608 (literals of ours)
_PICTURES = f"""CREATE TEMP TABLE release_picture ON COMMIT DROP AS
SELECT image.id, image.author_id, asked.reason, captions.split, image.jpeg_sha256::text AS sha256, captions.caption,
  captions.prompt, ({model_sql("checkpoint")})::text AS model, image.width, image.height, image.seed, image.prefix,
  image.jpeg_bytes::bigint AS size,
  {dataset_sql()}::text AS settings
  FROM release_asked asked JOIN generation_image image ON image.id = asked.id
  JOIN release_caption captions ON captions.generation_id = asked.generation_id
  JOIN generation_generation made ON made.id = asked.generation_id
  JOIN generation_checkpoint checkpoint ON checkpoint.id = made.checkpoint_id
  LEFT JOIN generation_style style ON style.id = made.style_id"""  # noqa: S608 (literals of ours)


def create_table(chosen: ReleaseFilter, as_of: datetime, secret: str, about: Sequence[str]) -> None:
    """Creates the table of the pictures that the fields `about` of asks name. Call inside a transaction."""
    sql.execute(_TABLES)
    if about:
        sql.insert_from("release_asked", _asked(chosen, as_of, about))
    sql.execute("ANALYZE release_asked (id, generation_id)")
    sql.copy_rows("release_caption", _split_captions(secret), ("int8", "text", "text", "text"))
    sql.execute("ANALYZE release_caption (generation_id)")
    sql.execute(_PICTURES)
    sql.execute("CREATE UNIQUE INDEX ON release_picture (id)")
    sql.execute("ANALYZE release_picture (id, reason, split)")  # texts take longer and do not help the planner
    _exclude("deleted", _copies_of_deleted(secret))
    _exclude("image_in_other_split", _first_in_other_split(secret))


def _asked(chosen: ReleaseFilter, as_of: datetime, about: Sequence[str]) -> "QuerySet[Image, Any]":
    # "is not null" lets PostgreSQL use the partial indexes.
    asked = (Ask.objects.filter(**{name: OuterRef("pk"), f"{name}__isnull": False}) for name in about)
    pictures = Image.objects.filter(reduce(or_, (Q(Exists(asks)) for asks in asked)))
    return pictures.annotate(reason=image_reason(chosen, as_of)).values_list("pk", "generation_id", "reason")


def _split_captions(secret: str) -> Iterator[tuple[Any, ...]]:
    for found in sql.fetch_chunks(_CAPTIONS):
        prompts = [splits.normalise_prompt(caption) for _generation, caption in found]
        for row, prompt, split in zip(found, prompts, splits.splits_of_normalised(secret, prompts), strict=True):
            yield *row, prompt, split


def _exclude(reason: str, ids: list[int]) -> None:
    """Marks pictures that nothing else excludes."""
    sql.execute("UPDATE release_picture SET reason = %s WHERE reason = '' AND id = ANY(%s::bigint[])", [reason, ids])


def _copies_of_deleted(secret: str) -> list[int]:
    """Pictures with the bytes of a deleted one that was in a release (ids)."""
    deleted = set(DeletedPicture.objects.values_list("digest", flat=True))
    rest = sql.fetch_all("SELECT id, sha256 FROM release_picture WHERE reason = ''") if deleted else []
    return [pk for pk, sha256 in rest if picture_digest(secret, sha256) in deleted]


def _first_in_other_split(secret: str) -> list[int]:
    """Pictures whose bytes were first made for a prompt of another split (ids); few, as prompts seldom share bytes."""
    alike = Image.objects.exclude(jpeg_sha256="").values("jpeg_sha256").annotate(n=Count("pk")).filter(n__gt=1)
    statement, params = alike.values("jpeg_sha256").query.sql_with_params()
    first = f"""SELECT DISTINCT ON (image.jpeg_sha256) image.jpeg_sha256, {_CAPTION} FROM generation_image image
      JOIN generation_generation made ON made.id = image.generation_id
      LEFT JOIN generation_style style ON style.id = made.style_id
     WHERE image.jpeg_sha256 IN ({statement}) ORDER BY image.jpeg_sha256, image.id"""  # noqa: S608
    belongs = {sha256: splits.split_of(secret, caption) for sha256, caption in sql.fetch_all(first, params)}
    statement = "SELECT id, sha256, split FROM release_picture WHERE sha256 = ANY(%s)"
    shared = sql.fetch_all(statement, [list(belongs)]) if belongs else []
    return [pk for pk, sha256, split in shared if belongs[sha256] != split]
