"""A folder in the layout of a release whose raters all prefer brighter pictures: enough to learn within a test."""

import hashlib
import io
import json
import random
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa
import yaml

from ratings.releases.engine import splits
from ratings.releases.engine.parquet import parquet_writer
from ratings.releases.formats import kto, pairs
from ratings.releases.formats.base import Format
from ratings.releases.publishing import card

Picture = PIL.Image.Image
SECRET = "examples"
ERROR_RATE = 0.1  # how often a rater prefers the darker picture


def brightness(picture: Picture) -> float:
    """What these raters prefer: the mean of all pixels, 0 to 255."""
    return float(np.asarray(picture.convert("L")).mean())


def write_examples(
    folder: Path, drawn: Iterable[tuple[str, Picture, Picture]], *, seed: int = 0, has_singles: bool = False
) -> dict[str, int]:
    """Writes (prompt, one picture, another) as the pairs of a release; returns {split: rows}.

    The brighter picture is preferred, but for one answer in ten. With `has_singles` the pictures are in `kto` as well.
    """
    rng = random.Random(seed)
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, (words, *pictures) in enumerate(drawn):
        split = splits.split_of(SECRET, words)
        first_wins = (brightness(pictures[0]) > brightness(pictures[1])) != (rng.random() < ERROR_RATE)
        found = rows.setdefault(split, [])
        found.append(_row(number, len(found), words, [_jpeg(picture) for picture in pictures], first_wins))
    for split, found in rows.items():
        _write_table(folder, pairs.FORMAT, split, found)
        if has_singles:
            _write_table(folder, kto.FORMAT, split, _singles(found))
    counts = {split: len(found) for split, found in rows.items()}
    _describe(folder, counts, [pairs.FORMAT, kto.FORMAT] if has_singles else [pairs.FORMAT])
    return counts


def _write_table(folder: Path, form: Format, split: str, rows: list[dict[str, Any]]) -> None:
    path = folder / form.shard_name(split, 0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with parquet_writer(path, form) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=form.schema), row_group_size=form.row_group)


def _singles(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each picture of the pairs with whether it was preferred."""
    return [
        {
            "caption": row["caption"],
            "image": row[f"jpg_{side}"],
            "label": row[f"label_{side}"] == 1.0,
            "image_sha256": row[f"image_{side}_sha256"],
            "n_for": int(row[f"label_{side}"]),
            "n_against": 1 - int(row[f"label_{side}"]),
            "kto_id": 2 * number + side,
        }
        for number, row in enumerate(rows)
        for side in (0, 1)
    ]


def _describe(folder: Path, counts: dict[str, int], forms: list[Format]) -> None:
    """Writes the header that loaders read, and a manifest."""
    configs: list[dict[str, Any]] = []
    for form in forms:
        files = [{"split": split, "path": f"{form.kind}/{split}-*.parquet"} for split in counts]
        configs.append({"config_name": form.kind, "default": form is pairs.FORMAT, "data_files": files})
    info = [{"config_name": form.kind, "features": card.features(form.columns)} for form in forms]
    header = {"configs": configs, "dataset_info": info}
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n", "utf-8")
    (folder / "manifest.json").write_text(json.dumps({"name": folder.name, "release": None}) + "\n", "utf-8")


def _jpeg(picture: Picture) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def _row(number: int, position: int, words: str, pictures: list[bytes], first_wins: bool) -> dict[str, Any]:
    prompt = hashlib.sha256(splits.normalise_prompt(words).encode()).hexdigest()[:16]
    hashes = [hashlib.sha256(content).hexdigest() for content in pictures]
    row: dict[str, Any] = {
        "are_different": True,
        "has_label": True,
        "caption": words,
        "created_at": datetime(2026, 1, 1),  # noqa: DTZ001 (a day, without a zone, as the column has it)
        "best_image_uid": hashes[0 if first_wins else 1],
        "ranking_id": number,
        "user_id": 0,
        "num_example_per_prompt": 1,
        "__index_level_0__": position,
        "pair_id": f"{number:016x}",
        "prompt_id": prompt,
        "n_votes": 1,
        "n_left": int(first_wins),
        "n_right": int(not first_wins),
        "n_tie": 0,
        "n_both_bad": 0,
        "margin": 1.0,
        "consensus": 1.0,
        "aspect_mismatch": False,
        "rater_is_author": False,
    }
    for side, content in enumerate(pictures):
        with PIL.Image.open(io.BytesIO(content)) as opened:
            width, height = opened.size
        row |= {
            f"jpg_{side}": content,
            f"label_{side}": float(first_wins == (side == 0)),
            f"image_{side}_uid": hashes[side],
            f"image_{side}_url": "",
            f"image_{side}_sha256": hashes[side],
            f"model_{side}": "example",
            f"width_{side}": width,
            f"height_{side}": height,
            f"seed_{side}": side,
            f"gen_params_{side}": "{}",
        }
    return row
