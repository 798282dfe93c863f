"""The plain ways that `benchmarks.datasets` compares a release with: the same rows and columns, and nothing else."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOCK = 1 << 24  # bytes of CSV that are parsed at a time
_RATINGS = """SELECT image.jpeg_sha256 AS image_sha256, question.slug AS question_id,
 question.version AS question_version, ask.language, rating.value,
 CASE WHEN ask.is_scale_reversed THEN 'descending' ELSE 'ascending' END AS scale_direction, ask.propensity,
 rating.rater_id, rating.id AS rating_id, generation.prompt AS caption, checkpoint.slug AS model, ask.surface,
 ask.stratum, policy.version AS policy_version, ask.p_ask, ask.p_question, ask.p_strategy, ask.p_pair, ask.p_side,
 rating.repeat_no, ask.rater_is_author, ask.dwell_ms, rating.created_at::date AS created_at, '' AS quality_flags
 FROM ratings_rating rating JOIN ratings_ask ask ON ask.id = rating.ask_id
 JOIN ratings_question question ON question.id = rating.question_id
 JOIN ratings_policy policy ON policy.id = ask.policy_id
 JOIN generation_image image ON image.id = rating.image_id
 JOIN generation_generation generation ON generation.id = image.generation_id
 JOIN generation_checkpoint checkpoint ON checkpoint.id = generation.checkpoint_id"""
_PAIRS = """SELECT comparison.id AS ranking_id, comparison.rater_id AS user_id, generation.prompt AS caption,
 date_trunc('day', comparison.created_at AT TIME ZONE 'UTC') AS created_at, low.prefix AS prefix_0,
 high.prefix AS prefix_1, low.id::text AS image_0_uid, high.id::text AS image_1_uid,
 comparison.preferred_id::text AS best_image_uid, low.seed AS seed_0, high.seed AS seed_1,
 low.width AS width_0, low.height AS height_0, high.width AS width_1, high.height AS height_1,
 checkpoint.slug AS model_0, checkpoint.slug AS model_1,
 jsonb_build_object('scheduler', generation.scheduler, 'steps', generation.steps, 'guidance', generation.guidance,
  'versions', low.versions)::text AS settings
 FROM ratings_comparison comparison JOIN generation_image low ON low.id = comparison.image_low_id
 JOIN generation_image high ON high.id = comparison.image_high_id
 JOIN generation_generation generation ON generation.id = low.generation_id
 JOIN generation_checkpoint checkpoint ON checkpoint.id = generation.checkpoint_id ORDER BY comparison.id"""


class _Copied(io.RawIOBase):
    """The output of COPY as a file."""

    def __init__(self, chunks: Iterator[Any]) -> None:
        self.chunks, self.rest = chunks, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found, held = [self.rest], len(self.rest)
        while held < size and (chunk := next(self.chunks, b"")):
            found.append(chunk)
            held += len(chunk)
        whole = b"".join(found)
        self.rest = whole[size:]
        return whole[:size]


def by_copy(path: Path) -> None:
    """Ratings: CSV out of PostgreSQL, parsed and written by pyarrow while more of it comes. Flags stay text."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq
    from django.db import connection

    from ratings.releases.formats.columns import ROW_GROUP
    from ratings.releases.formats.ledgers.ratings import FORMAT

    types = {field.name: pa.string() if pa.types.is_list(field.type) else field.type for field in FORMAT.schema}
    convert = pa_csv.ConvertOptions(
        column_types=types, null_values=[""], true_values=["t"], false_values=["f"], include_columns=list(types)
    )
    with connection.cursor() as cursor, cursor.copy(f"COPY ({_RATINGS}) TO STDOUT (FORMAT csv, HEADER)") as copy:
        source = pa.PythonFile(_Copied(iter(copy)), mode="r")
        read = pa_csv.ReadOptions(block_size=_BLOCK)
        batches = pa_csv.open_csv(source, read_options=read, convert_options=convert)
        with pq.ParquetWriter(path, pa.schema(types), version="2.6", compression="zstd") as writer:
            for batch in batches:
                writer.write_table(pa.Table.from_batches([batch]), row_group_size=ROW_GROUP)


def by_files(path: Path) -> None:
    """Pairs: the same files read and written, with the same columns, a row group at a time.

    Ids stand where a release has pseudonyms; each picture is hashed, for its hash is a column.
    """
    import pyarrow as pa
    from django.db import connection

    from ratings.releases.engine.parquet import parquet_writer
    from ratings.releases.formats.columns import IMAGE_ROW_GROUP
    from ratings.releases.formats.pairs import FORMAT

    with parquet_writer(path, FORMAT) as writer, connection.cursor() as cursor:
        cursor.execute(_PAIRS)
        names = [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(IMAGE_ROW_GROUP):
            table = [_plain_row(dict(zip(names, row, strict=True))) for row in rows]
            writer.write_table(pa.Table.from_pylist(table, schema=FORMAT.schema))


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    from generation.media.storage import read

    contents = [read(f"{row.pop(f'prefix_{side}')}/training.jpg") for side in (0, 1)]
    settings, won = row.pop("settings"), float(row["best_image_uid"] == row["image_0_uid"])
    for side, content in enumerate(contents):
        row |= {f"jpg_{side}": content, f"image_{side}_sha256": hashlib.sha256(content).hexdigest()}
        row |= {f"gen_params_{side}": settings, f"image_{side}_url": "", f"label_{side}": abs(won - side)}
    known: dict[str, Any] = {"are_different": True, "has_label": True, "num_example_per_prompt": 1}
    known |= {"n_votes": 1, "n_tie": 0, "n_both_bad": 0, "margin": 1.0, "consensus": 1.0}
    known |= {"aspect_mismatch": False, "rater_is_author": False}
    known |= {"n_left": int(won), "n_right": int(1 - won), "__index_level_0__": row["ranking_id"]}
    return {**row, **known, "pair_id": str(row["ranking_id"]), "prompt_id": row["caption"]}
