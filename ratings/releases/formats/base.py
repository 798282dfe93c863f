"""What every dataset format offers: its columns, its splits, and how its rows are planned and counted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from ratings.releases.engine.scope import Scope
from ratings.releases.formats.columns import ABOUT_PAIR, IMAGE_ROW_GROUP, ROW_GROUP, Column, Count, Part


@dataclass(frozen=True, slots=True)
class Format:
    """One table of a release.

    Args:
        plan: yields the rows in a stable order; rows left out are counted on the scope, by reason.
        count: how many rows `plan` would yield, by split; writes nothing.
        key: the column that names a row in ``tombstones.parquet``.
        about: the fields of `Ask` whose questions the rows are about.
        pictures: columns filled with the bytes of the first of `IMAGES`.
        required: splits without which a release is refused.
        has_files: rows name picture files, which are written to the shared ``images/``.
        is_optional: built only when it is chosen by name.
    """

    kind: str
    title: str
    columns: tuple[Column, ...]
    plan: Callable[[Scope], Iterator[Part]]
    count: Callable[[Scope], Count]
    splits: tuple[str, ...]
    key: str
    about: tuple[str, ...] = ABOUT_PAIR
    pictures: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    is_json: bool = False
    has_files: bool = False
    is_optional: bool = False
    folder: str = ""

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.type) for column in self.columns])

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
