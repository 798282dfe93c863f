"""Values that many rows of a ledger share, looked up once per range: captions, questions, raters' pseudonyms.

With a join PostgreSQL would send a caption with every answer about it. Here rows carry ids, and texts become Arrow
dictionaries, which a block stores once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ratings.asking.questions.models import MARKS_SUFFIX, PAIR_SUFFIX
from ratings.releases.engine import arrow_fetch
from ratings.releases.formats.columns import IMAGE_0, IMAGE_1, RATER, Column

if TYPE_CHECKING:
    from psycopg import Connection

QUESTION_ID, POLICY_ID = "_question", "_policy"
_TEXT, _INT = pa.string(), pa.int64()
_PICTURE = {"id": _INT, "reason": _TEXT, "split": _TEXT, "sha256": _TEXT, "caption": _TEXT, "model": _TEXT}
_PERSON = {"id": _INT, "reason": _TEXT, "key": _INT, "self_key": _INT}
_PICTURES = """SELECT id, nullif(reason, '') AS reason, split, sha256, caption, model FROM release_picture
 WHERE id = ANY(%s)"""
_QUESTIONS = f"""SELECT id, slug, regexp_replace(slug, '({PAIR_SUFFIX}|{MARKS_SUFFIX})$', '') AS aspect, version
 FROM ratings_question"""  # noqa: S608 (literals of ours)
_PEOPLE = """SELECT person.id, nullif(person.reason, '') AS reason, rater.key, rater.self_key
 FROM release_person person LEFT JOIN release_rater rater ON rater.id = person.id"""
# The tables that the SQL of a shared column names, and the private column with the id of a row in them.
SHARED = {
    "question": QUESTION_ID,
    "policy": POLICY_ID,
    "left_picture": IMAGE_0,
    "right_picture": IMAGE_1,
    "rater": RATER,
}


def is_shared(column: Column) -> bool:
    return column.sql.partition(".")[0] in SHARED


@dataclass(frozen=True)
class LookupTable:
    """Rows of one table, sorted by id."""

    rows: pa.Table

    @classmethod
    def fetch(cls, source: "Connection[Any]", query: str, params: Sequence[Any], types: dict[str, pa.DataType]) -> Self:
        return cls(arrow_fetch.sort_by(arrow_fetch.fetch_table(source, query, params, types), "id"))

    def positions(self, ids: pa.ChunkedArray) -> pa.Array:
        """The position of each id; null for null and for an id that is not in the table."""
        wanted = ids.fill_null(-1).to_numpy()
        sorted_ids = self.rows["id"].to_numpy()
        found: NDArray[np.int64] = np.searchsorted(sorted_ids, wanted)
        absent = np.append(sorted_ids, -2)[found] != wanted
        return pa.array(found.astype(np.int32), mask=absent)

    def take(self, name: str, positions: pa.Array) -> pa.Array:
        """The value at each position, null for null; texts as a dictionary."""
        values = self.rows[name].combine_chunks()
        if not pa.types.is_string(values.type):
            return values.take(positions)
        encoded = values.dictionary_encode()
        return pa.DictionaryArray.from_arrays(encoded.indices.take(positions), encoded.dictionary)


def fetch_pictures(source: "Connection[Any]", table: pa.Table) -> LookupTable:
    """The pictures that rows of a ledger are about."""
    shown = [*table[IMAGE_0].chunks, *table[IMAGE_1].chunks]
    ids = pc.unique(pa.chunked_array(shown)).drop_null().to_pylist()
    return LookupTable.fetch(source, _PICTURES, [ids], _PICTURE)


class SharedValues:
    """Replaces the ids in rows of a ledger by the values they refer to. Call `scope.use_keys` before."""

    def __init__(self, source: "Connection[Any]") -> None:
        question = {"id": _INT, "slug": _TEXT, "aspect": _TEXT, "version": pa.int32()}
        policy = {"id": _INT, "version": pa.int32()}
        self.tables = {
            QUESTION_ID: LookupTable.fetch(source, _QUESTIONS, [], question),
            POLICY_ID: LookupTable.fetch(source, "SELECT id, version FROM ratings_policy", [], policy),
            RATER: LookupTable.fetch(source, _PEOPLE, [], _PERSON),
        }

    def resolve(self, table: pa.Table, pictures: LookupTable, columns: Sequence[Column]) -> pa.Table:
        """The rows with the shared columns, ``_split``, and ``_reason`` why a row may not be published, or null."""
        for position, field in enumerate(table.schema):
            if pa.types.is_string(field.type):
                table = table.set_column(position, field.name, table[field.name].dictionary_encode())
        tables = {**self.tables, IMAGE_0: pictures, IMAGE_1: pictures}
        positions = {name: rows.positions(table[name]) for name, rows in tables.items()}

        def look_up(name: str, column: str) -> pa.Array:
            return tables[name].take(column, positions[name])

        resolved = {"_split": look_up(IMAGE_0, "split")}
        for column in filter(is_shared, columns):
            source, _, name = column.sql.partition(".")
            resolved[column.name] = look_up(SHARED[source], name)
        # Self-ratings have ids of their own: the picture beside them is public and names its author, the rater.
        keys = pc.if_else(table["rater_is_author"], look_up(RATER, "self_key"), look_up(RATER, "key"))
        is_in_two_splits = pc.not_equal(look_up(IMAGE_0, "split").cast(_TEXT), look_up(IMAGE_1, "split").cast(_TEXT))
        reasons = [look_up(name, "reason").cast(_TEXT) for name in (RATER, IMAGE_0, IMAGE_1)]
        resolved["rater_id"] = keys
        resolved["_reason"] = pc.coalesce(*reasons, pc.if_else(is_in_two_splits, "prompts_in_two_splits", None))
        for name, values in resolved.items():
            table = table.append_column(name, values)
        return table
