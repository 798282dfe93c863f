"""`imagereward`, `hpsv2`, `hpsv3` and `hpsv3_aspects`: the pairs as JSON for reward models, overall and by aspect.

The pictures are in the shared ``images/``.
"""

from dataclasses import replace

import pyarrow as pa

from ratings.releases.engine import splits
from ratings.releases.formats import by_aspect, pairs
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import Column

_SHA256 = {side: f"picture_{side}.sha256" for side in (0, 1)}
_IS_WINNER = {side: f"CASE WHEN pair.winner = picture_{side}.id THEN 1 ELSE 0 END" for side in (0, 1)}


def _files(name: str) -> Column:
    # Two hexadecimal digits make a folder, so that no folder holds every picture.
    paths = " || ' ' || ".join(f"left({_SHA256[side]}, 2) || '/' || {_SHA256[side]} || '.jpg'" for side in (0, 1))
    return Column(name, pa.list_(pa.string()), "The two pictures, as paths below `images/`.", paths)


_PROMPT = Column("prompt", pa.string(), "The prompt of both pictures.", "picture_0.caption")
_KEY = next(column for column in pairs.COLUMNS if column.name == "ranking_id")
_ID = replace(_KEY, name="id", meaning="Key of the entry, in this table only.")

IMAGEREWARD = (
    _ID,
    _PROMPT,
    _files("generations"),
    Column(
        "ranking",
        pa.list_(pa.int64()),
        "The rank of each picture; lower is better.",
        f"(2 - {_IS_WINNER[0]}) || ' ' || (2 - {_IS_WINNER[1]})",
    ),
)
HPSV2 = (
    _ID,
    _PROMPT,
    _files("file_path"),
    Column(
        "human_preference",
        pa.list_(pa.int64()),
        "1 for the preferred picture, 0 for the other.",
        f"{_IS_WINNER[0]} || ' ' || {_IS_WINNER[1]}",
    ),
)

_PATH = {side: f"left({sha256}, 2) || '/' || {sha256} || '.jpg'" for side, sha256 in _SHA256.items()}
_IS_FIRST = "pair.winner = picture_0.id"
_COUNTS = "greatest(pair.n_low, pair.n_high) || ' ' || least(pair.n_low, pair.n_high)"
HPSV3 = (
    _ID,
    _PROMPT,
    Column(
        "path1",
        pa.string(),
        "The preferred picture, as a path below `images/`.",
        f"CASE WHEN {_IS_FIRST} THEN {_PATH[0]} ELSE {_PATH[1]} END",
    ),
    Column(
        "path2",
        pa.string(),
        "The other picture, as a path below `images/`.",
        f"CASE WHEN {_IS_FIRST} THEN {_PATH[1]} ELSE {_PATH[0]} END",
    ),
    Column("choice_dist", pa.list_(pa.int64()), "Votes for the preferred picture and for the other.", _COUNTS),
    replace(next(column for column in pairs.COLUMNS if column.name == "consensus"), name="confidence"),
)
HPSV3_ASPECTS = (*HPSV3, by_aspect.ASPECT)


def _format(kind: str, title: str, columns: tuple[Column, ...]) -> Format:
    return Format(
        kind=kind,
        title=title,
        columns=columns,
        plan=lambda scope: pairs.plan_pairs(scope, kind, columns),
        count=lambda scope: pairs.count_pairs(scope, kind),
        splits=splits.SPLITS,
        key="id",
        is_json=True,
        has_files=True,
        is_optional=True,
        folder=f"reward/{kind}",
    )


FORMATS = (
    _format("imagereward", "The pairs in the format of ImageReward's trainer", IMAGEREWARD),
    _format("hpsv2", "The pairs in the format of HPSv2's trainer", HPSV2),
    _format("hpsv3", "The pairs in the format of HPSv3's trainer", HPSV3),
    replace(
        _format("hpsv3_aspects", "The pairs by aspect in the format of HPSv3's trainer", HPSV3_ASPECTS),
        plan=lambda scope: by_aspect.plan_aspects(scope, "hpsv3_aspects", HPSV3_ASPECTS),
        count=lambda scope: by_aspect.count_aspects(scope, "hpsv3_aspects"),
    ),
)
