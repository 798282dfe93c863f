"""Archives that cannot be imported: each is refused beside its field, with the line, and leaves nothing."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from accounts.models import User
from generation.models import Checkpoint
from ratings.benchmarks.models import PromptSet
from ratings.campaigns import services
from ratings.campaigns.imports import archives, metadata
from ratings.campaigns.imports.archives import read_archive
from ratings.models import Campaign, CampaignArchive
from tests.conftest import As
from tests.ratings.answers import refusal
from tests.ratings.campaigns.archives import (
    archive_of,
    import_plan,
    metadata_csv,
    metadata_jsonl,
    packed,
    picture_file,
    rows_of,
)
from tests.ratings.campaigns.example_campaigns import preference
from tests.ratings.campaigns.test_campaign_pages import FORM, NEW

ROWS = rows_of(["A", "B"], ["a fox", "a cat"])
FIRST, SECOND = ROWS[0]["file_name"], ROWS[1]["file_name"]


def changed(n: int, **values: Any) -> SimpleUploadedFile:
    """The archive of ROWS, with other values in one row."""
    rows = [{**row, **values} if number == n else row for number, row in enumerate(ROWS)]
    return archive_of(ROWS, files={"metadata.csv": metadata_csv(rows)})


def with_metadata(text: str | bytes, name: str = "metadata.csv") -> SimpleUploadedFile:
    return packed({name: text, FIRST: picture_file(FIRST)})


def patched(archive: SimpleUploadedFile, mark: bytes, offset: int, value: bytes) -> SimpleUploadedFile:
    """The archive with other bytes at `offset` after the last `mark`."""
    data = bytearray(archive.read())
    at = bytes(data).rindex(mark) + offset
    data[at : at + len(value)] = value
    return SimpleUploadedFile("pictures.zip", bytes(data))


def overwritten(archive: SimpleUploadedFile) -> SimpleUploadedFile:
    """The archive with another byte in the middle of its first picture."""
    data = bytearray(archive.read())
    info = zipfile.ZipFile(io.BytesIO(bytes(data))).getinfo(FIRST)
    data[info.header_offset + 30 + len(FIRST) + info.compress_size // 2] ^= 0xFF
    return SimpleUploadedFile("pictures.zip", bytes(data))


def twice(name: str) -> SimpleUploadedFile:
    stream = io.BytesIO(archive_of(ROWS).read())
    with zipfile.ZipFile(stream, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(name, picture_file(FIRST))
    return SimpleUploadedFile("pictures.zip", stream.getvalue())


BOMB = b"\x89PNG\r\n\x1a\n" + bytes(30_000_000)

BAD: dict[str, tuple[Any, str]] = {
    "no zip": (lambda: SimpleUploadedFile("pictures.zip", b"Rar!\x1a\x07\x00 and more"), "not a ZIP archive"),
    "cut": (lambda: SimpleUploadedFile("pictures.zip", archive_of(ROWS).read()[:-30]), "not a ZIP archive"),
    "directory that lies": (
        lambda: patched(archive_of(ROWS), b"PK\5\6", 12, struct.pack("<I", 0xFFFFFFF0)),
        "not a ZIP archive",
    ),
    "no metadata": (lambda: packed({FIRST: picture_file(FIRST)}), "no metadata.jsonl or metadata.csv"),
    "two of metadata": (
        lambda: archive_of(ROWS, files={"more/metadata.jsonl": metadata_jsonl(ROWS)}),
        "more than one file of metadata",
    ),
    "metadata in another encoding": (lambda: with_metadata("prompt\né".encode("latin-1")), "not text in UTF-8"),
    "no line": (lambda: with_metadata("file_name,prompt,model\n"), "names no picture"),
    "no column": (lambda: with_metadata(f"file_name,model\n{FIRST},A\n"), "Line 2 of the metadata: prompt is missing"),
    "no value": (lambda: changed(2, model=" "), "Line 4 of the metadata: model is missing"),
    "no JSON": (lambda: with_metadata("{}\n", "metadata.jsonl"), "Line 1"),
    "deep JSON": (lambda: with_metadata("\n" + "[" * 100_000, "metadata.jsonl"), "Line 2 of the metadata: this is no"),
    "a number for a prompt": (
        lambda: with_metadata(metadata_jsonl([{**ROWS[0], "prompt": 3}]), "metadata.jsonl"),
        "prompt is missing",
    ),
    "half a character": (
        lambda: with_metadata(metadata_jsonl([{**ROWS[0], "prompt": "a \ud800"}]), "metadata.jsonl"),
        "characters that no text has",
    ),
    "long prompt": (lambda: changed(1, prompt="x" * 2001), "Line 3 of the metadata: the prompt has more than 2000"),
    "long model": (lambda: changed(1, model="x" * 121), "Line 3 of the metadata: the name of a model has at most 120"),
    "model of two lines": (
        lambda: with_metadata(metadata_jsonl([{**ROWS[0], "model": "A\nB"}]), "metadata.jsonl"),
        "on one line",
    ),
    "seed below zero": (lambda: changed(3, seed=-1), "Line 5 of the metadata: the seed is a whole number"),
    "seed too large": (lambda: changed(3, seed=2**63), "the seed is a whole number"),
    "missing file": (lambda: changed(1, file_name="no.png"), "Line 3 of the metadata: there is no file “no"),
    "climbing row": (lambda: changed(1, file_name="../../x.png"), "Line 3 of the metadata: “../../x.png” leads"),
    "climbing file": (lambda: archive_of(ROWS, files={"../x.png": b""}), "Names stay inside the folder"),
    "backslash": (lambda: archive_of(ROWS, files={"..\\x.png": b""}), "Names stay inside the folder"),
    "same picture": (lambda: changed(1, file_name=FIRST), "Line 3 of the metadata: line 2 names the same picture"),
    "same key": (lambda: changed(1, model="A"), "Line 3 of the metadata: line 2 has the same prompt, model and seed"),
    "same file": (lambda: twice(FIRST), "two files"),
    "other kind": (
        lambda: archive_of(ROWS, files={SECOND: b"GIF89a" + bytes(99)}),
        f"Line 3 of the metadata: “{SECOND}” is not a picture that we take",
    ),
    "damaged": (lambda: overwritten(archive_of(ROWS)), "Line 2 of the metadata"),
    "password": (lambda: patched(archive_of(ROWS), b"PK\1\2", 8, b"\1"), "password"),
    "other compression": (
        lambda: packed({"metadata.csv": metadata_csv(ROWS[:1]), FIRST: BOMB}, zipfile.ZIP_BZIP2),
        "compressed in a way",
    ),
    "bomb": (lambda: archive_of(ROWS, files={SECOND: BOMB}), f"Line 3 of the metadata: “{SECOND}” is larger than"),
    "bomb that lies": (
        lambda: patched(
            archive_of(ROWS, files={"z.png": BOMB, "metadata.csv": metadata_csv([{**ROWS[0], "file_name": "z.png"}])}),
            b"PK\1\2", 24, struct.pack("<I", 1000),
        ),
        "damaged inside the archive",
    ),
    "metadata bomb": (lambda: with_metadata(b"file_name,prompt,model\n" + bytes(11_000_000)), "larger than 10 MB"),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("case", BAD)
def test_a_bad_archive_is_refused_with_its_line_and_nothing_is_left(case: str, rita: User, media: Path) -> None:
    make, said = BAD[case]
    found = refusal(services.create_campaign, plan=import_plan(ROWS, archive=make()), created_by=rita)
    assert (found.status, list(found.fields)) == (400, ["archive"])
    assert said in found.message, found.message
    assert not Campaign.objects.exists()
    assert not CampaignArchive.objects.exists()
    assert not PromptSet.objects.exists()
    assert not Checkpoint.with_imported.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_many_small_files_that_are_large_together_are_refused(rita: User, settings: Settings) -> None:
    settings.MAX_ARCHIVE_BYTES = 40_000
    archive = archive_of(ROWS, files={FIRST: BOMB[:50_000], SECOND: BOMB[:50_000]})
    assert archive.size
    assert archive.size < settings.MAX_ARCHIVE_BYTES
    found = refusal(read_archive, file=archive)
    assert "Line 3 of the metadata: up to here" in found.message
    settings.MAX_ARCHIVE_BYTES = 1_000
    assert "larger than 0 MB" in refusal(read_archive, file=archive_of(ROWS)).message


def test_too_many_pictures_models_and_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "MOST_PICTURES", 3)
    assert "Line 5 of the metadata: a campaign has at most 3" in refusal(read_archive, file=archive_of(ROWS)).message
    monkeypatch.setattr(metadata, "MOST_PICTURES", 4)
    monkeypatch.setattr(metadata, "MOST_MODELS", 1)
    assert "at most 1 models" in refusal(read_archive, file=archive_of(ROWS)).message
    monkeypatch.setattr(metadata, "MOST_MODELS", 2)
    assert len(read_archive(archive_of(ROWS))) == 4
    monkeypatch.setattr(archives, "MOST_FILES", 4)
    assert "more than 4 files" in refusal(read_archive, file=archive_of(ROWS)).message


def test_both_forms_of_metadata_say_the_same_and_other_files_are_left_out() -> None:
    rows = [{**row, "note": 'odd, "text"\nof two lines'} for row in ROWS]
    rows[1]["prompt"] = 'a fox\u2028on two lines, "so"'
    others = {"__MACOSX/metadata.csv": b"x", "set/.DS_Store": b"x", "set/README.md": b"x"}
    of_csv = read_archive(archive_of(rows, "set/", others))
    made = {f"set/{row['file_name']}": picture_file(row["file_name"]) for row in rows}
    of_json = read_archive(packed({"set/metadata.jsonl": metadata_jsonl(rows), **made, **others}))
    strip = [(row.file, row.prompt, row.model, row.seed) for row in of_csv]
    assert strip == [(row.file, row.prompt, row.model, row.seed) for row in of_json]
    assert strip == [(f"set/{row['file_name']}", row["prompt"], row["model"], 7) for row in rows]
    bare = [{name: row[name] for name in ("file_name", "prompt", "model")} for row in ROWS]
    assert {row.seed for row in read_archive(archive_of(bare))} == {0}


@pytest.mark.django_db
def test_pairs_need_models_that_share_prompts_and_seeds(rita: User) -> None:
    rows = [*ROWS, {**ROWS[0], "model": "C", "seed": 8, "file_name": "c.png"}]
    found = refusal(services.create_campaign, plan=import_plan(rows, question=preference()), created_by=rita)
    assert (list(found.fields), "of: C." in found.message) == (["archive"], True)
    assert services.create_campaign(plan=import_plan(rows), created_by=rita).pictures.count() == 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("checkpoints", {"checkpoints": ["aurora"]}),
        ("checkpoints", {"archive": None}),
        ("prompts", {"prompts": "a fox"}),
        ("licence", {"licence": ""}),
        ("archive", {"archive": SimpleUploadedFile("empty.zip", b"")}),
        ("archive", {"archive": SimpleUploadedFile("pictures.zip", b"no zip")}),
        ("size", {"archive": None, "checkpoints": ["aurora"], "prompts": "a fox", "size": ""}),
    ],
)
def test_models_or_an_archive_one_of_them_with_what_belongs_to_it(
    field: str, changes: dict[str, Any], two: list[Checkpoint], rita: User, as_user: As
) -> None:
    fields = {**FORM, "prompts": "", "checkpoints": [], "listed": "", "licence": "CC0", "archive": archive_of(ROWS)}
    sent = {name: value for name, value in {**fields, **changes}.items() if value is not None}
    answer = as_user(rita).post(NEW, sent)
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert not Campaign.objects.exists()
