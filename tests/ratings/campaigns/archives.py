"""Archives of pictures, as a researcher packs them."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import PIL.Image
from django.core.files.uploadedfile import SimpleUploadedFile

from ratings.campaigns import services
from tests.ratings.campaigns.example_campaigns import plan

NONE: Mapping[str, str | bytes] = MappingProxyType({})
Rows = Sequence[Mapping[str, Any]]


def pixels(name: str) -> PIL.Image.Image:
    """The same smooth colours for the same name."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    coarse = PIL.Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return coarse.resize((48, 40), PIL.Image.Resampling.BICUBIC)


def picture_file(name: str) -> bytes:
    stream = io.BytesIO()
    pixels(name).save(stream, "PNG")
    return stream.getvalue()


def rows_of(models: Sequence[str], prompts: Sequence[str], seeds: Sequence[int] = (7,)) -> list[dict[str, Any]]:
    """A row for each model, prompt and seed."""
    keys = [(model, prompt, seed) for prompt in prompts for seed in seeds for model in models]
    return [
        {"file_name": f"pictures/{n}.png", "prompt": prompt, "model": model, "seed": seed}
        for n, (model, prompt, seed) in enumerate(keys)
    ]


def metadata_csv(rows: Rows) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def metadata_jsonl(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def packed(files: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> SimpleUploadedFile:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return SimpleUploadedFile("pictures.zip", stream.getvalue())


def archive_of(
    rows: Rows, folder: str = "", files: Mapping[str, str | bytes] = MappingProxyType({})
) -> SimpleUploadedFile:
    """The pictures of some rows with `metadata.csv`; `files` replaces or adds others."""
    made: dict[str, str | bytes] = {f"{folder}{row['file_name']}": picture_file(row["file_name"]) for row in rows}
    return packed({f"{folder}metadata.csv": metadata_csv(rows), **made, **files})


def import_plan(rows: Rows, /, **changes: Any) -> services.Plan:
    fields: dict[str, Any] = {"archive": archive_of(rows), "licence": "CC-BY-4.0", "size": (0, 0), "prompts": ()}
    return plan([], **{**fields, **changes})
