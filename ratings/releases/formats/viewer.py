"""`viewer`: the pairs with pictures as the `Image` feature, for dataset viewers, not for trainers."""

import pyarrow as pa

from ratings.releases.engine import splits
from ratings.releases.formats import pairs
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import IMAGE, Column

KIND = "viewer"
_NAMES = ("caption", "label_0", "label_1", "model_0", "model_1", "n_votes", "margin")
COLUMNS = (
    *(column for column in pairs.COLUMNS if column.name == "ranking_id"),
    Column("image_0", IMAGE, "The first picture."),
    Column("image_1", IMAGE, "The second picture."),
    *(column for column in pairs.COLUMNS if column.name in _NAMES),
    Column("image_0_name", pa.string(), "SHA-256 of the first picture's JPEG.", "picture_0.sha256"),
    Column("image_1_name", pa.string(), "SHA-256 of the second picture's JPEG.", "picture_1.sha256"),
)

FORMAT = Format(
    kind=KIND,
    title="Pairs with pictures for dataset viewers",
    columns=COLUMNS,
    plan=lambda scope: pairs.plan_pairs(scope, KIND, COLUMNS),
    count=lambda scope: pairs.count_pairs(scope, KIND),
    splits=splits.SPLITS,
    key="ranking_id",
    pictures=("image_0", "image_1"),
    is_optional=True,
)
