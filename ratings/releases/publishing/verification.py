"""Checks the files of a release: hashes, schema, labels, splits, pseudonyms, card and Croissant. Needs no database."""

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from scipy.stats import binomtest

from lib.text.regex import compile_linear
from ratings.releases.engine.parquet import file_name
from ratings.releases.engine.splits import UNIQUE, normalise_prompt
from ratings.releases.formats.base import Format
from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing import card
from ratings.releases.publishing.tombstones import CHECKSUMS, TOMBSTONES, picture_names

UNLIKELY = 1e-4  # so uneven a balance of sides occurs by chance once in ten thousand releases
# Texts by members.
_FREE_TEXT = {"caption", "caption_0", "caption_1", "prompt", "gen_params", "gen_params_0", "gen_params_1"}
_ADDRESS = compile_linear(
    r"[\pL\pN_.+-]@[\pL\pN_-]+\.[\pL\pN_]|https?://|(?:^|[^\pL\pN_])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:[^\pL\pN_]|$)"
)
UNREADABLE = {"1.0", "1.1"}  # schemas whose croissant.json named a folder that no loader opens
_BASE = {unique: split for split, unique in UNIQUE.items()}


@dataclass
class VerificationReport:
    """`problems` are sentences, none for a correct release; `notes` say what was not checked."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    rows: int = 0

    def add_problem(self, problem: str) -> None:
        self.problems.append(problem)


@dataclass
class _CrossChecks:
    """What is compared between files: the splits of each prompt and picture, and the balance of labels."""

    prompts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    pictures: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    first_wins: int = 0
    pairs: int = 0


def verify_release(folder: Path) -> VerificationReport:
    """Checks everything under `folder`, a row group in memory at a time; raises nothing for a broken release."""
    report = VerificationReport()
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        report.add_problem(f"manifest.json cannot be read: {error}")
        return report
    _check_sums(folder, manifest, report)
    _check_card(folder, report)
    crosschecks = _CrossChecks()
    for path in sorted([*folder.rglob("*.parquet"), *folder.glob("reward/*/*.json")]):
        if path.name != TOMBSTONES:
            _check_file(folder, path, manifest, crosschecks, report)
    _check_splits(crosschecks, report)
    _check_balance(crosschecks, report)
    _check_croissant(folder, manifest, report)
    return report


def _check_sums(folder: Path, manifest: dict[str, Any], report: VerificationReport) -> None:
    try:
        lines = (folder / CHECKSUMS).read_text("utf-8").splitlines()
    except OSError as error:
        report.add_problem(f"{CHECKSUMS} cannot be read: {error}")
        return
    sums = {line[66:]: line[:64] for line in lines}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {CHECKSUMS}
    for name in sorted(sums.keys() - there):
        report.add_problem(f"{name} is missing.")
    for name in sorted(there - sums.keys()):
        report.add_problem(f"{name} does not belong to the release.")
    for name in sorted(there & sums.keys()):
        with (folder / name).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != sums[name]:
                report.add_problem(f"{name} differs from {CHECKSUMS}.")
    for name, file in manifest["files"].items():
        if sums.get(name, file["sha256"]) != file["sha256"]:
            report.add_problem(f"{name} differs from manifest.json.")
    report.files = len(there)


def _check_card(folder: Path, report: VerificationReport) -> None:
    """Every declared split has a file and every file is declared; pictures that trainers decode are binary."""
    try:
        header = yaml.safe_load((folder / "README.md").read_text("utf-8").split("---\n")[1])
        configs, infos = header["configs"], header["dataset_info"]
    except (OSError, IndexError, KeyError, TypeError, yaml.YAMLError) as error:
        report.add_problem(f"README.md has no header that loaders can read: {error}")
        return
    declared = set()
    for config in configs:
        for part in config["data_files"]:
            files = {path.relative_to(folder).as_posix() for path in folder.glob(part["path"])}
            declared |= files
            if not files:
                report.add_problem(
                    f"README.md declares {config['config_name']}/{part['split']}, but there is no such file."
                )
    tables = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.parquet")}
    for name in sorted(tables - declared):
        report.add_problem(f"README.md does not declare {name}.")
    defaults = [config["config_name"] for config in configs if config.get("default")]
    if "pairs" in {config["config_name"] for config in configs} and defaults != ["pairs"]:
        report.add_problem("README.md must make pairs the default configuration.")
    for info in infos:
        form = FORMATS.get(info["config_name"])
        if form and info["features"] != card.features(form.columns):
            report.add_problem(f"README.md describes features of {form.kind} that differ from its files.")


def _check_file(
    folder: Path, path: Path, manifest: dict[str, Any], crosschecks: _CrossChecks, report: VerificationReport
) -> None:
    name = path.relative_to(folder).as_posix()
    kind = path.parent.name
    form = FORMATS.get(kind)
    if form is None:
        report.add_problem(f"{name} belongs to a table that this version does not know.")
        return
    split = "validation" if path.stem == "valid" else path.name.split("-")[0].removesuffix(".json")
    rows = 0
    try:
        for table in _tables(path, form):
            rows += len(table)
            for problem in _problems(folder, form, split, table, crosschecks):
                report.add_problem(f"{name}: {problem}")
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        report.add_problem(f"{name} cannot be read: {error}")
        return
    if not rows:
        report.add_problem(f"{name} has no rows, which breaks the loading of every split.")
    if manifest["files"].get(name, {}).get("rows") != rows:
        report.add_problem(f"{name} has {rows} rows, unlike manifest.json.")
    report.rows += rows


def _tables(path: Path, form: Format) -> Iterator[pa.Table]:
    if form.is_json:
        yield pa.Table.from_pylist(json.loads(path.read_text("utf-8")), schema=form.schema)
        return
    file = pq.ParquetFile(path)
    if not file.schema_arrow.equals(form.schema, check_metadata=False):
        raise ValueError("its columns are not those of the format")
    for group in range(file.num_row_groups):
        yield file.read_row_group(group)


def _problems(folder: Path, form: Format, split: str, table: pa.Table, crosschecks: _CrossChecks) -> set[str]:
    """The distinct problems of some rows."""
    found = {f"{name} holds an address" for name in _with_addresses(table)}
    base = _BASE.get(split, split)
    for name in ("caption", "caption_0", "prompt"):
        if name in table.column_names:
            if table[name].null_count:
                found.add(f"{name} is null")
            for prompt in set(table[name].drop_null().to_pylist()):
                crosschecks.prompts[hashlib.sha256(normalise_prompt(prompt).encode()).hexdigest()].add(base)
    for name in ("image_sha256", "image_0_sha256", "image_1_sha256", "image_0_name", "image_1_name"):
        if name in table.column_names:
            for sha256 in set(table[name].drop_null().to_pylist()):
                crosschecks.pictures[sha256].add(base)
    if {"label_0", "label_1"} <= set(table.column_names):
        found |= _label_problems(form, split, table, crosschecks)
    for name in form.pictures:
        found |= _picture_problems(name, table)
    if form.is_json:
        files = {file_name(sha256) for sha256 in picture_names(form.kind, table)}
        found |= {f"{name} is missing" for name in files if not (folder / name).is_file()}
    return found


def _label_problems(form: Format, split: str, table: pa.Table, crosschecks: _CrossChecks) -> set[str]:
    first, second = table["label_0"].to_pylist(), table["label_1"].to_pylist()
    if form.kind == "pairs" and split not in _BASE:
        crosschecks.pairs += len(first)
        crosschecks.first_wins += sum(label == 1.0 for label in first)
    found = set()
    if not {(a, b) for a, b in zip(first, second, strict=True)} <= {(0.0, 1.0), (1.0, 0.0)}:
        found.add("a label is neither 0 nor 1, which trainers read as a preference")
    if "aspect_mismatch" in table.column_names and any(table["aspect_mismatch"].to_pylist()):
        found.add("the shapes of a pair differ")
    if "best_image_uid" in table.column_names:
        uids = zip(*(table[name].to_pylist() for name in ("best_image_uid", "image_0_uid", "image_1_uid")), strict=True)
        if any(best != (zero if label == 1.0 else one) for (best, zero, one), label in zip(uids, first, strict=True)):
            found.add("best_image_uid is not the picture that the label prefers")
    return found


def _picture_problems(name: str, table: pa.Table) -> set[str]:
    """Whether the bytes are the JPEG of the row's hash and size, without any metadata."""
    column = {"image": "image_sha256", "jpg_0": "image_0_sha256", "jpg_1": "image_1_sha256"}.get(name, f"{name}_name")
    side = name[-1] if name[-1] in "01" else ""
    found = set()
    for row in table.select([name, column, *(c for c in (f"width_{side}",) if c in table.column_names)]).to_pylist():
        content = row[name]["bytes"] if isinstance(row[name], dict) else row[name]
        if hashlib.sha256(content).hexdigest() != row[column]:
            found.add(f"{name} is not the picture that {column} names")
            continue
        with PIL.Image.open(io.BytesIO(content)) as picture:
            if picture.format != "JPEG":
                found.add(f"{name} is no JPEG")
            if picture.getexif() or {"comment", "exif", "xmp"} & picture.info.keys():
                found.add(f"{name} carries metadata")
            if row.get(f"width_{side}", picture.width) != picture.width:
                found.add(f"{name} has another size than width_{side} says")
    return found


def _with_addresses(table: pa.Table) -> Iterator[str]:
    for column in table.schema:
        is_ours = pa.types.is_string(column.type) and column.name not in _FREE_TEXT
        if is_ours and any(_ADDRESS.search(value) for value in set(table[column.name].drop_null().to_pylist())):
            yield column.name


def _check_splits(crosschecks: _CrossChecks, report: VerificationReport) -> None:
    for what, found in (("prompts", crosschecks.prompts), ("pictures", crosschecks.pictures)):
        leaking = sum(len(splits) > 1 for splits in found.values())
        if leaking:
            report.add_problem(f"{leaking:,} {what} are in more than one split.")


def _check_balance(crosschecks: _CrossChecks, report: VerificationReport) -> None:
    if crosschecks.pairs and binomtest(crosschecks.first_wins, crosschecks.pairs).pvalue < UNLIKELY:
        share = crosschecks.first_wins / crosschecks.pairs
        report.add_problem(f"Picture 0 is preferred in {share:.1%} of the pairs: the sides are not shuffled.")


def _check_croissant(folder: Path, manifest: dict[str, Any], report: VerificationReport) -> None:
    """The description is valid, and the first record of every record set can be read."""
    try:
        import mlcroissant
    except ImportError:
        report.notes.append("croissant.json was not checked: pip install mlcroissant.")
        return
    try:
        dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    except (mlcroissant.ValidationError, OSError, ValueError) as error:
        report.add_problem(f"croissant.json is not valid: {error}")
        return
    for issue in sorted(dataset.metadata.ctx.issues.errors):
        report.add_problem(f"croissant.json: {issue}")
    if manifest["schema_version"] in UNREADABLE:
        report.notes.append(f"The record sets of releases of schema {manifest['schema_version']} cannot be read.")
        return
    for records in dataset.metadata.record_sets:
        try:
            next(iter(dataset.records(records.name)))
        except mlcroissant.GenerationError as error:
            report.add_problem(f"croissant.json: the records of {records.name} cannot be read: {error}")
        except StopIteration:
            report.add_problem(f"croissant.json: {records.name} has no record.")
