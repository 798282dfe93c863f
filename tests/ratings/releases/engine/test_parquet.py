"""Shard files: the same rows give the same bytes, and memory stays flat."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratings.releases.engine.image_reader import PendingPictures, Picture
from ratings.releases.engine.parquet import write_shard
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import IMAGE_ROW_GROUP, IMAGES, Column

FORM = Format(
    kind="toy",
    title="",
    columns=(Column("word", pa.string(), ""), Column("jpg_0", pa.binary(), "")),
    plan=lambda _scope: iter(()),
    count=lambda _scope: {},
    splits=("train",),
    key="word",
    pictures=("jpg_0",),
)


class Counting:
    """Picture bytes that remember how many were started at a time, and how many groups were not waited for yet."""

    def __init__(self) -> None:
        self.most = self.open = self.most_open = 0

    def start_reading(self, ids: Iterable[int]) -> PendingPictures:
        found = {pk: Picture(f"{pk:064x}", bytes([pk % 256]) * 10) for pk in ids}
        self.most = max(self.most, len(found))
        self.open += 1
        self.most_open = max(self.most_open, self.open)

        def wait() -> dict[int, Picture]:
            self.open -= 1
            return found

        return wait


def _tables(rows: int) -> Iterator[pa.Table]:
    """Blocks of 70 rows, so that no row group ends where a block does."""
    for start in range(0, rows, 70):
        numbers = range(start, min(start + 70, rows))
        yield pa.table(
            {"word": [f"é\n{n}" for n in numbers], "_private": [1 for _ in numbers], IMAGES: [[n] for n in numbers]}
        )


def test_a_shard_holds_two_row_groups_in_memory_and_writes_the_same_bytes_again(tmp_path: Path) -> None:
    pictures = Counting()
    first = write_shard(tmp_path / "a.parquet", FORM, _tables(250), pictures, lambda: None)
    again = write_shard(tmp_path / "b.parquet", FORM, _tables(250), Counting(), lambda: None)
    assert first == again
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pictures.most == IMAGE_ROW_GROUP
    assert pictures.most_open == 2, "the next group is read while one is written, and no more"
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [100, 100, 50]
    assert file.schema_arrow.names == ["word", "jpg_0"]
    assert file.read().to_pylist()[201] == {"word": "é\n201", "jpg_0": bytes([201]) * 10}


def test_a_file_of_zero_rows_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without rows"):
        write_shard(tmp_path / "a.parquet", FORM, [], Counting(), lambda: None)
    assert list(tmp_path.iterdir()) == []
