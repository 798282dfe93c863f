"""What a format is: its columns with their meaning, and how its rows are planned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from ratings.releases.engine.scope import Scope

DAY = pa.timestamp("ns")
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # as the `datasets` library stores an `Image`
IMAGE_ROW_GROUP = 100
ROW_GROUP = 100_000
SHARD_BYTES = 480_000_000  # of pictures, before Parquet's own overhead: a file stays under 500 MB
SHARD_ROWS = 500_000  # some 50 MB, and enough files for workers to share
INDEX = "__index_level_0__"

# Columns of a frozen row that never leave: whose answers it stands on, and which pictures (those it shows come
# first, in the order of `Format.pictures`). They are read again before publication, and rows are erased by them.
# A row with one rater has them as plain numbers, which is many times faster than lists.
RATERS, IMAGES, SIZE = "_raters", "_images", "_size"
RATER, IMAGE_0, IMAGE_1 = SINGLE = ("_rater", "_image_0", "_image_1")

# The fields of `Ask` that name pictures: one was asked about, or two.
ABOUT_PICTURE, ABOUT_PAIR = ("image",), ("image_low", "image_high")

Part = tuple[str, pa.Table]  # a split, and some of its rows with the private columns
Count = dict[str, int]  # {split: rows}


@dataclass(frozen=True, slots=True)
class Column:
    """`sql` is what a plan selects for it; empty where the value is put in later."""

    name: str
    type: pa.DataType
    meaning: str
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """`plan` yields rows in a stable order; `count` tells how many it would yield, and writes nothing.

    What is left out is counted on the scope, by reason. `key` names a row in `tombstones.parquet`, `about` which asks
    the rows speak of. A format whose rows name files (`has_files`) has its pictures written to the shared `images/`.
    """

    kind: str
    title: str
    columns: tuple[Column, ...]
    plan: "Callable[[Scope], Iterator[Part]]"
    count: "Callable[[Scope], Count]"
    splits: tuple[str, ...]
    key: str
    about: tuple[str, ...] = ABOUT_PAIR
    pictures: tuple[str, ...] = ()  # columns filled with the bytes of the first of `IMAGES`
    required: tuple[str, ...] = ()  # splits without which there is no release
    is_json: bool = False
    has_files: bool = False
    is_optional: bool = False  # built only when it is asked for by name
    folder: str = ""

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.type) for column in self.columns])

    @property
    def late(self) -> set[str]:
        """Columns that are no part of a frozen row."""
        return {*self.pictures}

    @property
    def row_group(self) -> int:
        return IMAGE_ROW_GROUP if self.pictures else ROW_GROUP

    @property
    def carries_pictures(self) -> bool:
        return bool(self.pictures) or self.has_files

    def shard_name(self, split: str, index: int, of: int) -> str:
        if self.is_json:
            return f"{self.folder}/{'valid' if self.kind == 'imagereward' and split == 'validation' else split}.json"
        return f"{self.folder or self.kind}/{split}-{index:05d}-of-{of:05d}.parquet"
