"""The pictures of a release that people preferred or not, as rows to encode: in pairs, or singly with a label."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from ratings.alignment.buckets import Grid, Size

PAIRS, SINGLES = "pairs", "kto"
_NEEDED = {
    PAIRS: {"jpg_0", "jpg_1", "label_0", "caption", "prompt_id", "width_0", "height_0"},
    SINGLES: {"image", "label", "caption"},
}


class AlignmentError(Exception):
    """A release or checkpoint cannot be aligned with; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Examples:
    """What is encoded: N examples, those of one bucket together, each of k pictures of one prompt."""

    rows: datasets.Dataset
    kind: str
    order: NDArray[np.int64]  # (N,) rows of the dataset
    sizes: list[Size]  # (N,) each example's bucket
    labels: NDArray[np.bool_]  # (N, k) whether people liked each picture; the preferred one of a pair comes first
    captions: list[str]  # distinct
    words: NDArray[np.int64]  # (N,) index into captions
    groups: NDArray[np.int64]  # (N,) prompts that differ for the release
    swapped: NDArray[np.bool_]  # (N,) whether the second picture of the row is the preferred one

    def __len__(self) -> int:
        return len(self.order)

    def pictures(self, example: int) -> list[bytes]:
        """The files of the example's pictures, the preferred one first."""
        row = self.rows[int(self.order[example])]
        if self.kind == SINGLES:
            return [row["image"]]
        both = [row["jpg_0"], row["jpg_1"]]
        return both[::-1] if self.swapped[example] else both


def read_rows(folder: Path, split: str, *, kind: str, cache: Path, most: int | None = None) -> datasets.Dataset:
    """One split of a configuration of a release, read with `datasets`. Raises AlignmentError."""
    name = None if kind == PAIRS else kind  # pairs are the default configuration
    try:
        rows = datasets.load_dataset(str(folder), name, cache_dir=str(cache), split=split)
    except (ValueError, OSError, datasets.exceptions.DatasetNotFoundError) as error:
        raise AlignmentError(f"{folder} has no split {split} of {kind}: {error}") from error
    if not _NEEDED[kind] <= set(rows.column_names):
        raise AlignmentError(f"{folder} has no split {split} of {kind}: its columns are others.")
    return rows if most is None else rows.shuffle(seed=0).select(range(min(most, len(rows))))


def kind_for(method: str, folder: Path) -> str:
    """What a method learns from: single pictures for KTO where the release was built with them, else pairs."""
    has_singles = any((folder / SINGLES).glob("train-*.parquet"))
    return SINGLES if method == "kto" and has_singles else PAIRS


def arrange(rows: datasets.Dataset, kind: str, grid: Grid) -> Examples:
    """Puts the rows in the order of their buckets, and numbers their prompts; reads no picture but for its size."""
    captions: dict[str, int] = {}
    words = [captions.setdefault(caption, len(captions)) for caption in _column(rows, "caption")]
    groups = words
    if kind == PAIRS:
        prompts: dict[str, int] = {}
        groups = [prompts.setdefault(prompt, len(prompts)) for prompt in _column(rows, "prompt_id")]
        swapped = np.array([label != 1.0 for label in _column(rows, "label_0")], dtype=bool)
        labels = np.tile([True, False], (len(rows), 1))
        shapes = list(zip(_column(rows, "width_0"), _column(rows, "height_0"), strict=True))
    else:
        swapped = np.zeros(len(rows), dtype=bool)
        labels = np.array(_column(rows, "label"), dtype=bool)[:, None]
        shapes = [_size(row["image"]) for row in rows.select_columns(["image"])]
    sizes = [grid.bucket_of(width, height) for width, height in shapes]
    order = np.array(sorted(range(len(rows)), key=lambda row: sizes[row]), dtype=np.int64)
    numbers = [np.asarray(each, dtype=np.int64)[order] for each in (words, groups)]
    return Examples(
        rows=rows,
        kind=kind,
        order=order,
        sizes=[sizes[row] for row in order],
        labels=labels[order],
        captions=list(captions),
        words=numbers[0],
        groups=numbers[1],
        swapped=swapped[order],
    )


def _column(rows: datasets.Dataset, name: str) -> Sequence[Any]:
    return list(rows[name])


def _size(content: bytes) -> tuple[int, int]:
    with PIL.Image.open(io.BytesIO(content)) as picture:
        return picture.size
