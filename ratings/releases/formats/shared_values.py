"""What many rows of a ledger share, looked up once a range: the words of a picture, of a question, who was asked.

A join would have PostgreSQL send a caption with every answer about it. Here a row brings ids, and texts become
dictionaries, which a frozen block holds once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
_PEOPLE = """SELECT person.id, nullif(person.reason, '') AS reason, rater.key, rater.self_key
 FROM release_person person LEFT JOIN release_rater rater ON rater.id = person.id"""
# The tables that the SQL of a shared column names, and the private column with the id of a row of theirs.
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
class Known:
    """Rows of one table in the order of their ids."""

    rows: pa.Table

    @classmethod
    def read(cls, source: "Connection[Any]", query: str, params: Sequence[Any], types: dict[str, pa.DataType]) -> Self:
        return cls(arrow_fetch.in_order(arrow_fetch.columns(source, query, params, types), "id"))

    def places(self, ids: pa.ChunkedArray) -> pa.Array:
        """Where each id stands; null for a null and for an id that is not there."""
        wanted = ids.fill_null(-1).to_numpy()
        known = self.rows["id"].to_numpy()
        found: NDArray[np.int64] = np.searchsorted(known, wanted)
        absent = np.append(known, -2)[found] != wanted
        return pa.array(found.astype(np.int32), mask=absent)

    def column(self, name: str, places: pa.Array) -> pa.Array:
        """A value for each place, null for none: a text as a dictionary."""
        values = self.rows[name].combine_chunks()
        if not pa.types.is_string(values.type):
            return values.take(places)
        encoded = values.dictionary_encode()
        return pa.DictionaryArray.from_arrays(encoded.indices.take(places), encoded.dictionary)


def pictures_of(source: "Connection[Any]", table: pa.Table) -> Known:
    """The pictures that rows of a ledger are about."""
    shown = [*table[IMAGE_0].chunks, *table[IMAGE_1].chunks]
    ids = pc.unique(pa.chunked_array(shown)).drop_null().to_pylist()
    return Known.read(source, _PICTURES, [ids], _PICTURE)


class Shared:
    """Turns the ids in rows of a ledger into what they stand for. Call `scope.use_keys` before."""

    def __init__(self, source: "Connection[Any]") -> None:
        question = {"id": _INT, "slug": _TEXT, "version": pa.int32()}
        policy = {"id": _INT, "version": pa.int32()}
        self.known = {
            QUESTION_ID: Known.read(source, "SELECT id, slug, version FROM ratings_question", [], question),
            POLICY_ID: Known.read(source, "SELECT id, version FROM ratings_policy", [], policy),
            RATER: Known.read(source, _PEOPLE, [], _PERSON),
        }

    def put_in(self, table: pa.Table, pictures: Known, columns: Sequence[Column]) -> pa.Table:
        """The rows with the shared ones of `columns`, ``_split``, and ``_reason`` why they may not leave, or null."""
        for place, field in enumerate(table.schema):
            if pa.types.is_string(field.type):
                table = table.set_column(place, field.name, table[field.name].dictionary_encode())
        known = {**self.known, IMAGE_0: pictures, IMAGE_1: pictures}
        places = {name: rows.places(table[name]) for name, rows in known.items()}

        def told(name: str, column: str) -> pa.Array:
            return known[name].column(column, places[name])

        found = {"_split": told(IMAGE_0, "split")}
        for column in filter(is_shared, columns):
            source, _, name = column.sql.partition(".")
            found[column.name] = told(SHARED[source], name)
        # Self-ratings stand beside a public picture that names the rater: they get ids of their own.
        keys = pc.if_else(table["rater_is_author"], told(RATER, "self_key"), told(RATER, "key"))
        apart = pc.not_equal(told(IMAGE_0, "split").cast(_TEXT), told(IMAGE_1, "split").cast(_TEXT))
        reasons = [told(name, "reason").cast(_TEXT) for name in (RATER, IMAGE_0, IMAGE_1)]
        found["rater_id"] = keys
        found["_reason"] = pc.coalesce(*reasons, pc.if_else(apart, "prompts_in_two_splits", None))
        for name, values in found.items():
            table = table.append_column(name, values)
        return table
