"""`verify_release` finds no problem in a fresh release of every format, and the right one in each spoilt release."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing.tombstones import _update_metadata
from ratings.releases.publishing.verification import verify_release

pytestmark = pytest.mark.django_db


def test_a_fresh_release_has_no_problems(release_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = verify_release(release_folder)
    assert report.problems == []
    assert report.notes == []  # Croissant was checked
    assert report.rows == sum(
        file["rows"]
        for name, file in json.loads((release_folder / "manifest.json").read_text("utf-8"))["files"].items()
        if not name.endswith(".csv")
    )
    call_command("verify_release", str(release_folder))
    assert "No problems found" in capsys.readouterr().out


def test_croissants_loader_reads_every_record_of_every_table(release_folder: Path) -> None:
    import mlcroissant

    described = mlcroissant.Dataset(jsonld=str(release_folder / "croissant.json"))
    manifest = json.loads((release_folder / "manifest.json").read_text("utf-8"))
    kinds = {kind for kind, form in FORMATS.items() if not form.is_json}
    assert {records.uuid for records in described.metadata.record_sets} == kinds
    for kind in kinds:
        splits = Counter(record[f"{kind}/split"].decode() for record in described.records(kind))
        assert dict(splits) == manifest["rows"][kind]
    (record, *_rest) = described.records("images")
    assert hashlib.sha256(record["images/image"]).hexdigest() == record["images/image_sha256"].decode()


def test_a_release_of_an_earlier_version_still_verifies(release_folder: Path, tmp_path: Path) -> None:
    """It has fewer tables, and a croissant.json whose records nobody could read."""
    folder = tmp_path / "salon-pickapic-old"
    shutil.copytree(release_folder, folder)
    new = ("images", "aspects", "aspect_votes", "marks", "rankings", "polls", "reward/hpsv3", "reward/hpsv3_aspects")
    for kind in new:
        for path in [*(folder / kind).glob("*.parquet"), *(folder / kind).glob("*.json")]:
            path.unlink()
    _update_metadata(folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema_version": "1.1"}), "utf-8")
    described = json.loads((folder / "croissant.json").read_text("utf-8"))
    described["recordSet"] = [records for records in described["recordSet"] if records["name"] in manifest["rows"]]
    names = {f"{kind}-files" for kind in manifest["rows"]}
    described["distribution"] = [files for files in described["distribution"] if files["name"] in names]
    (folder / "croissant.json").write_text(json.dumps(described), "utf-8")
    _update_metadata(folder)
    report = verify_release(folder)
    assert report.problems == []
    assert "cannot be read" in " ".join(report.notes)


def test_manifest_and_card_say_how_far_people_agree_and_answer(release_folder: Path) -> None:
    manifest = json.loads((release_folder / "manifest.json").read_text("utf-8"))
    assert manifest["response_rate"]["post"] == {"asks": 9, "answered": 8, "rate": 0.8889}
    assert manifest["agreement"]["pairs"]["units"] == 0  # no pair has two votes
    assert manifest["pictures"] == len(list((release_folder / "images").rglob("*.jpg"))) == 14


def _table(folder: Path, kind: str = "pairs", split: str = "train") -> Path:
    return next(folder.glob(f"{kind}/{split}-*.parquet"))


def _with(path: Path, name: str, change: Callable[[pa.Table], pa.Array]) -> None:
    table = pq.read_table(path)
    column = change(table)
    pq.write_table(table.set_column(table.column_names.index(name), name, column), path)


def _cut(folder: Path) -> None:
    path = _table(folder)
    path.write_bytes(path.read_bytes()[:-1000])


def _tie(folder: Path) -> None:
    _with(_table(folder), "label_0", lambda table: pa.array([0.5] * len(table)))


def _null_caption(folder: Path) -> None:
    _with(_table(folder), "caption", lambda table: pa.nulls(len(table), pa.string()))


def _as_image(folder: Path) -> None:
    def wrapped(table: pa.Table) -> pa.Array:
        return pa.array([{"bytes": content, "path": None} for content in table["jpg_0"].to_pylist()])

    _with(_table(folder), "jpg_0", wrapped)


def _declared_as_image(folder: Path) -> None:
    card = folder / "README.md"
    text = card.read_text("utf-8")
    card.write_text(text.replace("- name: jpg_0\n    dtype: binary", "- name: jpg_0\n    dtype: image"), "utf-8")


def _undeclared(folder: Path) -> None:
    _table(folder, split="test").unlink()


def _empty(folder: Path) -> None:
    path = _table(folder)
    pq.write_table(pq.read_table(path).slice(0, 0), path)


def _leak(folder: Path) -> None:
    source = pq.read_table(_table(folder, "ratings"))
    target = _table(folder, "ratings", "validation")
    pq.write_table(pa.concat_tables([pq.read_table(target), source.slice(0, 1)]), target)


def _other_picture(folder: Path) -> None:
    _with(_table(folder), "jpg_0", lambda table: table["jpg_1"].combine_chunks())


def _mail(folder: Path) -> None:
    _with(_table(folder), "model_0", lambda table: pa.array(["alice@salon.test"] * len(table)))


def _one_sided(folder: Path) -> None:
    path = _table(folder)
    pq.write_table(pa.concat_tables([pq.read_table(path).slice(0, 1)] * 60), path)
    for label, value in (("label_0", 1.0), ("label_1", 0.0)):  # sides are drawn anew for each release: say who won
        _with(path, label, lambda table, value=value: pa.array([value] * len(table)))  # type: ignore[misc]


def _stray(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine", "utf-8")


def _lost_picture(folder: Path) -> None:
    next((folder / "images").rglob("*.jpg")).unlink()


def _croissant(folder: Path) -> None:
    path = folder / "croissant.json"
    described = json.loads(path.read_text("utf-8"))
    described["recordSet"][0]["field"][0]["source"]["fileSet"] = {"@id": "nowhere"}
    path.write_text(json.dumps(described), "utf-8")


SPOILED: dict[Callable[[Path], None], str] = {
    _cut: "differs from SHA256SUMS",
    _tie: "a label is neither 0 nor 1",
    _null_caption: "caption is null",
    _as_image: "its columns are not those of the format",
    _declared_as_image: "describes features of pairs that differ",
    _undeclared: "declares pairs/test, but there is no such file",
    _empty: "has no rows",
    _leak: "are in more than one split",
    _other_picture: "is not the picture that image_0_sha256 names",
    _mail: "model_0 holds an address",
    _one_sided: "the sides are not shuffled",
    _stray: "notes.txt does not belong to the release",
    _lost_picture: "is missing",
    _croissant: "croissant.json",
}


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: str(spoil.__name__).strip("_"))
def test_what_is_spoiled_is_found(release_folder: Path, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(release_folder, folder)
    spoil(folder)
    problems = verify_release(folder).problems
    assert any(SPOILED[spoil] in problem for problem in problems), problems


def test_the_command_fails_with_the_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="1 problems"):
        call_command("verify_release", str(tmp_path))
    assert "manifest.json cannot be read" in capsys.readouterr().err
