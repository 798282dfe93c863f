"""Columns of a dataset format, and the types and sizes that all formats share."""

from dataclasses import dataclass

import pyarrow as pa

DAY = pa.timestamp("ns")
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # as the `datasets` library stores an `Image`
IMAGE_ROW_GROUP = 100
ROW_GROUP = 100_000
SHARD_BYTES = 480_000_000  # of pictures, before Parquet's own overhead: a file stays under 500 MB
SHARD_ROWS = 500_000  # some 50 MB, and enough files for workers to share
INDEX = "__index_level_0__"

# Private columns of a planned row, which are never published: the raters and the pictures that the row depends on (the
# pictures it shows come first, in the order of `Format.pictures`). They are checked again before publication, and rows
# are deleted by them. A row with one rater has them as plain numbers, which is many times faster than lists.
RATERS, IMAGES, SIZE = "_raters", "_images", "_size"
RATER, IMAGE_0, IMAGE_1 = SINGLE = ("_rater", "_image_0", "_image_1")

# The fields of `Ask` that name pictures: a question about one picture, or about two.
ABOUT_PICTURE, ABOUT_PAIR, ABOUT_SEVERAL = ("image",), ("image_low", "image_high"), ("ranked__image",)

Part = tuple[str, pa.Table]  # a split, and some of its rows with the private columns
Count = dict[str, int]  # {split: rows}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a format.

    Args:
        meaning: its line in the data dictionary of the dataset card.
        sql: the expression that a plan selects for it; empty where the value is filled in later.
    """

    name: str
    type: pa.DataType
    meaning: str
    sql: str = ""
