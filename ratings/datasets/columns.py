"""What a format is: its columns with their meaning, and how its rows are planned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from ratings.datasets.scope import Scope

DAY = pa.timestamp("ns")
IMAGE_ROW_GROUP = 100
ROW_GROUP = 100_000
SHARD_BYTES = 480_000_000  # of pictures, before Parquet's own overhead: a file stays under 500 MB
SHARD_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: pa.DataType
    meaning: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One row as it will be written, pictures apart.

    `people` are the members it stands on (authors and raters), `images` the pictures it shows, left column
    first: both are what consent and screening are read for again before publication.
    """

    split: str
    row_id: int
    values: dict[str, Any]
    people: tuple[int, ...]
    images: tuple[int, ...]
    size: int = 0  # bytes of pictures that the row will carry


@dataclass(frozen=True, slots=True)
class Format:
    """`plan` yields rows in a stable order; what it leaves out it counts on the scope, by reason."""

    kind: str
    title: str
    columns: tuple[Column, ...]
    plan: "Callable[[Scope], Iterator[Planned]]"
    splits: tuple[str, ...]
    pictures: tuple[str, ...] = ()  # binary columns filled from `Planned.images`, in that order
    required: tuple[str, ...] = ()  # splits without which there is no release
    unique: dict[str, str] = field(default_factory=dict)  # {split: the split that keeps one row a prompt and author}

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.type) for column in self.columns])

    @property
    def row_group(self) -> int:
        return IMAGE_ROW_GROUP if self.pictures else ROW_GROUP

    def shard_name(self, split: str, index: int, of: int) -> str:
        return f"{self.kind}/{split}-{index:05d}-of-{of:05d}.parquet"
