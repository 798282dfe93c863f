"""The texts of a release: the dataset card with its configurations, and what the members agreed to."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from accounts.models import EXPLAINED, TEXT_VERSION, Purpose
from ratings.releases.engine.eligibility import describe_reason
from ratings.releases.formats.columns import IMAGE, Column
from ratings.releases.formats.registry import FORMATS

LICENCE = "cdla-permissive-2.0"
_TEXTS = Path(__file__).parent / "texts"
_DTYPES = {"double": "float64", "float": "float32"}


def licence_text() -> str:
    return (_TEXTS / "LICENSE").read_text(encoding="utf-8")


def consent_text() -> str:
    """What the members behind the rows agreed to, in the wording that they saw."""
    purposes = (Purpose.TRAIN, Purpose.PUBLISH)
    wording = "\n".join(f"## {purpose.label}\n\n{EXPLAINED[purpose]}\n" for purpose in purposes)
    return (_TEXTS / "CONSENT.md").read_text(encoding="utf-8").format(version=TEXT_VERSION, words=wording)


def features(columns: Iterable[Column]) -> list[dict[str, Any]]:
    """The columns as the `datasets` library writes them in a card; pictures stay `binary`."""
    return [{"name": column.name, **_feature(column.type)} for column in columns]


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if kind == IMAGE:
        return {"dtype": "image"}
    if pa.types.is_list(kind):
        return {"list": _feature(kind.value_type)["dtype"]}
    return {"dtype": _DTYPES.get(str(kind), str(kind))}


def _type_name(kind: pa.DataType) -> str:
    return "image" if kind == IMAGE else _DTYPES.get(str(kind), str(kind))


def render_card(manifest: dict[str, Any], questions: Iterable[Mapping[str, Any]]) -> str:
    """README.md: a YAML header for loaders, then a description and a data dictionary."""
    header = yaml.safe_dump(_header(manifest), sort_keys=False, allow_unicode=True, width=120)
    parts = [_summary(manifest), _models(manifest), _limitations(manifest), _wordings(questions), _dictionary(manifest)]
    return f"---\n{header}---\n\n" + "\n".join(parts)


def update_header(text: str, manifest: dict[str, Any]) -> str:
    """The card with a header made from the manifest; loaders compare its counts with the files."""
    header = yaml.safe_dump(_header(manifest), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{header}---\n" + text.split("---\n", 2)[2]


def _header(manifest: dict[str, Any]) -> dict[str, Any]:
    rows = {kind: found for kind, found in manifest["rows"].items() if not FORMATS[kind].is_json}
    return {
        "license": LICENCE,
        "pretty_name": manifest["name"],
        "language": ["en"],
        "task_categories": ["text-to-image"],
        "tags": ["human-preference", "pickapic", "diffusion-dpo"],
        "configs": [
            {
                "config_name": kind,
                **({"default": True} if kind == next(iter(rows)) else {}),
                "data_files": [
                    {"split": split, "path": f"{kind}/{split}-*.parquet"} for split in _in_order(kind, rows[kind])
                ],
            }
            for kind in rows
        ],
        "dataset_info": [
            {
                "config_name": kind,
                "features": features(FORMATS[kind].columns),
                "splits": [
                    {"name": split, "num_bytes": _bytes(manifest, kind, split), "num_examples": rows[kind][split]}
                    for split in _in_order(kind, rows[kind])
                ],
            }
            for kind in rows
        ],
    }


def _in_order(kind: str, splits: dict[str, int]) -> list[str]:
    return [split for split in FORMATS[kind].splits if split in splits]


def _bytes(manifest: dict[str, Any], kind: str, split: str) -> int:
    files: dict[str, dict[str, Any]] = manifest["files"]
    return sum(file["bytes"] for name, file in files.items() if name.startswith(f"{kind}/{split}-"))


def _summary(manifest: dict[str, Any]) -> str:
    lines = [f"# {manifest['name']}", "", (_TEXTS / "INTRODUCTION.md").read_text(encoding="utf-8")]
    lines += ["| configuration | what a row is | rows by split |", "|---|---|---|"]
    for kind, splits in manifest["rows"].items():
        counts = ", ".join(f"{split} {splits[split]:,}" for split in _in_order(kind, splits))
        lines.append(f"| `{kind}` | {FORMATS[kind].title} | {counts} |")
    balance = manifest["label_balance"]
    if balance["pairs"]:
        lines += ["", f"The first picture is preferred in {balance['image_0_preferred']:.1%} of the pairs."]
    if alpha := (manifest["agreement"].get("pairs") or {}).get("alpha"):
        lines += ["", f"Raters of the same pair agree with Krippendorff's alpha {alpha:.2f}."]
    lines += ["", f"Answers up to {manifest['as_of'][:10]}; content level: {manifest['filter']['level_name']}."]
    if manifest["simulated_rows"]:
        lines += ["", f"**{manifest['simulated_rows']:,} rows come from simulated members**, not from people."]
    return "\n".join(lines) + "\n"


def _models(manifest: dict[str, Any]) -> str:
    if not manifest["models"]:
        return ""
    lines = ["## Models", "", "The licence is the checkpoint's own; of imported pictures, that of the pictures.", ""]
    lines += ["| model | licence |", "|---|---|"]
    lines += [f"| {_cell(each['model'])} | {_cell(each['licence'])} |" for each in manifest["models"]]
    return "\n".join(lines) + "\n"


def _limitations(manifest: dict[str, Any]) -> str:
    lines = ["## What was left out, and why", "", "| kind | reason | rows |", "|---|---|---|"]
    dropped = [(kind, why, rows) for kind, found in manifest["dropped"].items() for why, rows in found.items()]
    lines += [f"| `{kind}` | {describe_reason(why)} | {rows:,} |" for kind, why, rows in dropped]
    return "\n".join([*lines, "", (_TEXTS / "LIMITS.md").read_text(encoding="utf-8")])


def _wordings(questions: Iterable[Mapping[str, Any]]) -> str:
    lines = ["## Questions", "", "| question_id | version | wording | labels |", "|---|---|---|---|"]
    for question in questions:
        labels = " · ".join(question["labels"])
        lines.append(f"| {question['slug']} | {question['version']} | {_cell(question['text'])} | {_cell(labels)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Words that people typed, in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _dictionary(manifest: dict[str, Any]) -> str:
    lines = ["## Data dictionary"]
    for kind in manifest["rows"]:
        lines += ["", f"### `{kind}`", "", "| column | type | meaning |", "|---|---|---|"]
        lines += [
            f"| `{column.name}` | {_type_name(column.type)} | {column.meaning} |" for column in FORMATS[kind].columns
        ]
    return "\n".join(lines) + "\n"
