"""What one plan works with: the filter, the moment it reads, its keys, and who and what may leave.

`prepare` works out once, for every picture and every member, whether they may leave, and keeps it in temporary
tables; the formats join them, so that a plan is a few statements over a ledger instead of a loop over its rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q

from accounts.models import User
from generation.models import Image
from ratings.datasets import splits, sql
from ratings.datasets.eligibility import ReleaseFilter, image_reason, person_reason
from ratings.datasets.identity import Keys, derived_key, digest_of
from ratings.datasets.pictures import Picture, caption_of, fields
from ratings.models import Ask, GonePicture

CHUNK = 2_000
# Every temporary table of a plan; a second plan in the same transaction makes its own.
MADE = ("key", "person", "picture", "flag", "rater", "vote", "tally", "pair", "size", "said", "side", "row")
# One key per purpose and table, as `identity.Keys` derives them.
PURPOSES = ("rater", "self-rater", "row", "side", "image", "pair", "prompt", "author")

_TABLES = """
CREATE TEMP TABLE release_key (purpose text PRIMARY KEY, inner_pad bytea, outer_pad bytea) ON COMMIT DROP;
CREATE TEMP TABLE release_person (id bigint PRIMARY KEY, reason text NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE release_picture (
  id bigint PRIMARY KEY, author_id bigint, reason text NOT NULL, split text NOT NULL, sha256 text, caption text,
  prompt text, model text, width integer, height integer, seed bigint, settings text, prefix text
) ON COMMIT DROP
"""
# Flags of the newest rules that are in force, and those that were put on an answer itself.
_FLAGS = """CREATE TEMP TABLE release_flag ON COMMIT DROP AS
SELECT ask_id, string_agg(DISTINCT flag, ' ') AS flags FROM (
  SELECT ask_id, flag FROM ratings_qualityflag
   WHERE lifted_at IS NULL AND version = (SELECT max(version) FROM ratings_qualityflag)
   UNION SELECT ask_id, unnest(quality_flags) FROM ratings_comparison WHERE quality_flags <> '{}') AS raised
 GROUP BY ask_id"""


@dataclass
class Scope:
    """Use inside a transaction: its temporary tables end with it."""

    chosen: ReleaseFilter
    as_of: datetime
    secret: str
    release: str
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)  # temporary tables that formats share

    def keys(self, table: str) -> Keys:
        return Keys(self.secret, self.release, table)

    def drop(self, kind: str, reason: str, rows: int = 1) -> None:
        self.dropped.setdefault(kind, Counter())[reason] += rows

    def split(self, caption: str) -> str:
        return splits.split_of(self.secret, caption)

    def since(self, table: str) -> tuple[str, list[Any]]:
        """SQL (and its parameters) for the rows of a ledger up to `as_of`, and since the day chosen."""
        condition, params = f"{table}.created_at <= %s", [self.as_of]
        if self.chosen.since:
            return f"{condition} AND ({table}.created_at AT TIME ZONE 'UTC')::date >= %s", [*params, self.chosen.since]
        return condition, params

    def prepare(self) -> None:
        """Fills the temporary tables. Call inside a transaction, once."""
        # A range of rows is a short query: compiling it would cost more than running it.
        sql.run("SET LOCAL jit = off")
        sql.run("SET LOCAL work_mem = '64MB'")
        sql.run(f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.release_{name}' for name in MADE)}")
        sql.run(_TABLES)
        copy_rows("release_person (id, reason)", self._people())
        columns = "id, author_id, reason, split, sha256, caption, prompt, model, width, height, seed, settings, prefix"
        copy_rows(f"release_picture ({columns})", self._pictures())
        sql.run(_FLAGS)
        sql.run("ANALYZE release_person, release_picture, release_flag")

    def use_keys(self, table: str) -> None:
        """Puts the keys of a table of the release where SQL finds them, and its raters' pseudonyms beside them."""
        secret = (self.secret, "release", self.release, table)
        sql.run("TRUNCATE release_key")
        copy_rows("release_key", ((name, *sql.pads(derived_key(*secret, name))) for name in PURPOSES))
        sql.run("DROP TABLE IF EXISTS pg_temp.release_rater")
        own, other = (sql.number(purpose, sql.listed("id")) for purpose in ("self-rater", "rater"))
        sql.run(
            f"CREATE TEMP TABLE release_rater ON COMMIT DROP AS SELECT id, {other} AS key, {own} AS self_key"  # noqa: S608
            " FROM release_person WHERE reason = ''"
        )
        sql.run("CREATE UNIQUE INDEX ON release_rater (id)")
        sql.run("ANALYZE release_rater")

    def _people(self) -> Iterator[tuple[Any, ...]]:
        asked = Ask.objects.filter(rater=OuterRef("pk"))
        members = User.objects.filter(Exists(asked)).annotate(reason=person_reason(self.chosen, self.as_of))
        yield from members.order_by("pk").values_list("pk", "reason").iterator(chunk_size=CHUNK)

    def _pictures(self) -> Iterator[tuple[Any, ...]]:
        """A row a picture that somebody was asked about."""
        asked = [Exists(Ask.objects.filter(**{name: OuterRef("pk")})) for name in ("image", "image_low", "image_high")]
        pictures = Image.objects.filter(Q(asked[0]) | Q(asked[1]) | Q(asked[2]))
        pictures = pictures.annotate(reason=image_reason(self.chosen, self.as_of)).order_by("pk")
        first_made, gone = self._first_captions(), set(GonePicture.objects.values_list("digest", flat=True))
        for row in pictures.values(*fields(""), "reason").iterator(chunk_size=CHUNK):
            picture = Picture.of(row, "")
            reason, split = row["reason"], self.split(picture.caption)
            if not reason and gone and digest_of(self.secret, picture.sha256) in gone:
                reason = "deleted"
            if not reason and self.split(first_made.get(picture.sha256, picture.caption)) != split:
                reason = "image_in_other_split"
            yield _picture_row(picture, reason, split)

    def _first_captions(self) -> dict[str, str]:
        """{sha256: the caption it was first made for}, of the few pictures that two prompts share."""
        alike = Image.objects.exclude(jpeg_sha256="").values("jpeg_sha256").annotate(n=Count("pk")).filter(n__gt=1)
        rows = Image.objects.filter(jpeg_sha256__in=alike.values("jpeg_sha256")).order_by("-pk")
        found = rows.values_list("jpeg_sha256", "generation__prompt", "generation__style__template")
        return {sha256: caption_of(prompt, template) for sha256, prompt, template in found}


def _picture_row(picture: Picture, reason: str, split: str) -> tuple[Any, ...]:
    prompt = splits.normalise_prompt(picture.caption)
    made = (picture.model, picture.width, picture.height, picture.seed, picture.settings_json, picture.prefix)
    return (picture.pk, picture.author_id, reason, split, picture.sha256, picture.caption, prompt, *made)


def copy_rows(target: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Fills a table of ours. A chunk at a time: `rows` may be read from the same connection, which a COPY occupies."""
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
            for row in chunk:
                copy.write_row(row)
