"""Deletion: point releases without the deleted rows, withdrawn releases before them, and updated copies."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from generation.media.blanks import blank_images
from generation.models import Image
from lib.errors import Refused
from ratings.models import DeletedPicture, Release
from ratings.releases import building, point_releases, tasks
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing.tombstones import apply_tombstones
from ratings.releases.publishing.verification import verify_release
from tests.conftest import As
from tests.ratings.answers import consent, rate, vote
from tests.ratings.releases.community import Pair, prompts_of
from tests.ratings.releases.folders import build, every_row, readable_bytes

pytestmark = pytest.mark.django_db
EVERYTHING = tuple(FORMATS)


def picture_of(folder: Path, sha256: str) -> bytes:
    """The JPEG of that hash, as the pairs carry it."""
    sides = [(row[f"image_{side}_sha256"], row[f"jpg_{side}"]) for row in every_row(folder, "pairs") for side in (0, 1)]
    content: bytes = next(content for found, content in sides if found == sha256)
    return content


def follow(release: Release, folder: Path) -> Release:
    return building.build_release(release=point_releases.plan_point_release(release=release, destination=folder))


@pytest.mark.usefixtures("other_answers")
def test_a_deleted_picture_leaves_by_a_point_release_and_a_copy_follows(
    community: dict[str, list[Pair]], tmp_path: Path
) -> None:
    out, copy, after = tmp_path / "salon-pickapic", tmp_path / "copy", tmp_path / "after"
    release = build(out, EVERYTHING)
    shutil.copytree(out, copy)
    doomed = community["train"][0][0]
    sha256 = doomed.jpeg_sha256
    content = picture_of(out, sha256)
    blank_images(Image.objects.filter(pk=doomed.pk), at=timezone.now())
    assert releases_services.forget_deleted_pictures() > 0
    assert releases_services.forget_deleted_pictures() == 0
    release.refresh_from_db()
    assert release.state == Release.State.WITHDRAWN
    follower = follow(release, after)
    assert follower.name == f"{release.name}.p1"
    assert verify_release(after).problems == []
    for folder in (after, _applied(copy, after)):
        assert verify_release(folder).problems == []
        for name, found in readable_bytes(folder).items():
            assert sha256.encode() not in found, name
            assert content not in found, name
    untouched = next(out.glob("ratings/validation-*.parquet")).relative_to(out)
    assert (after / untouched).read_bytes() == (out / untouched).read_bytes()
    for kind in EVERYTHING:
        key = FORMATS[kind].key
        if not FORMATS[kind].is_json:
            assert {row[key] for row in every_row(copy, kind)} == {row[key] for row in every_row(after, kind)}
    assert apply_tombstones(copy, after / "tombstones.parquet").rows == 0


def _applied(copy: Path, after: Path) -> Path:
    done = apply_tombstones(copy, after / "tombstones.parquet")
    assert done.rows == pq.read_metadata(after / "tombstones.parquet").num_rows
    assert done.pictures == 2  # the one it stood beside is named by no row any more
    return copy


def test_tombstones_hold_keys_of_that_release_alone(community: dict[str, list[Pair]], tmp_path: Path) -> None:
    release = build(tmp_path / "out")
    doomed = community["train"][0][0]
    blank_images(Image.objects.filter(pk=doomed.pk), at=timezone.now())
    releases_services.forget_deleted_pictures()
    follow(release, tmp_path / "after")
    deleted = pq.read_table(tmp_path / "after" / "tombstones.parquet").to_pylist()
    assert set(deleted[0]) == {"kind", "key", "gone_on"}
    gone = {(row["kind"], row["key"]) for row in deleted}
    before = {(kind, row[FORMATS[kind].key]) for kind in release.kinds for row in every_row(tmp_path / "out", kind)}
    after = {(kind, row[FORMATS[kind].key]) for kind in release.kinds for row in every_row(tmp_path / "after", kind)}
    assert gone == before - after


def test_copies_of_the_same_bytes_go_together_and_do_not_come_back(
    community: dict[str, list[Pair]], alice: User, bob: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    original = community["train"][0][0]
    sha256 = original.jpeg_sha256
    twin, other = make_pair(alice, original.generation.prompt)
    Image.objects.filter(pk=twin.pk).update(jpeg_sha256=sha256, prefix=original.prefix)
    vote(bob, twin, other, other)
    rate(bob, twin, 3)
    release = build(tmp_path / "out")
    # the twin keeps its file: deleting one of two pictures deletes the files of that one
    Image.objects.filter(pk=original.pk).update(deleted_at=timezone.now(), jpeg_sha256="", prefix="", png_sha256="",
                                                alt_text="", thumbhash="", placeholder="", pdq=None)  # fmt: skip
    releases_services.forget_deleted_pictures()
    assert DeletedPicture.objects.count() == 1
    follow(release, tmp_path / "after")
    build(tmp_path / "next")
    for folder in ("after", "next"):
        assert not any(sha256.encode() in content for content in readable_bytes(tmp_path / folder).values())


def test_consent_taken_back_counts_in_a_point_release(
    community: Any, alice: User, mallory: User, bob: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    consent(mallory)
    pair = make_pair(mallory, prompts_of("train", 9)[8])
    vote(bob, *pair, pair[0])
    release = build(tmp_path / "out")
    consent(mallory, granted=False)
    release.refresh_from_db()
    assert release.state == Release.State.PUBLISHED  # copies cannot be called back; the next ones leave it out
    follow(release, tmp_path / "after")
    assert not any(pair[0].jpeg_sha256.encode() in content for content in readable_bytes(tmp_path / "after").values())
    release.refresh_from_db()
    assert release.state == Release.State.WITHDRAWN


def test_in_the_store_a_deletion_is_followed_by_itself_and_old_links_die(
    community: dict[str, list[Pair]], rita: User, as_user: As, django_capture_on_commit_callbacks: Any
) -> None:
    release = build(None)
    url = as_user(rita).get(f"/research/releases/{release.public_id}/").context["archive_url"]
    stored = Path(settings.RELEASES_ROOT)
    doomed = community["train"][0][0]
    blank_images(Image.objects.filter(pk=doomed.pk), at=timezone.now())
    tasks.forget_deleted_pictures()
    assert as_user(None).get(url).status_code == 404
    tasks.follow_release(release.pk)
    for path in (stored / release.public_id).rglob("*.parquet"):  # gone before the point release is built
        assert doomed.jpeg_sha256.encode() not in path.read_bytes()
    follower = Release.objects.get(parent=release)
    with django_capture_on_commit_callbacks(execute=False):
        building.build_release(release=follower)
    tasks.discard_release(release.pk)
    assert [path for path in (stored / release.public_id).rglob("*") if path.is_file()] == []
    assert "tombstones.parquet" in follower.manifest["files"]
    page = as_user(rita).get(f"/research/releases/{release.public_id}/").content.decode()
    assert follower.public_id in page


def test_what_cannot_be_followed_is_said(community: Any, tmp_path: Path) -> None:
    release = releases_services.plan_release(filter=ReleaseFilter(), kinds=("votes",), destination=tmp_path / "out")
    with pytest.raises(Refused, match="published"):
        point_releases.plan_point_release(release=release)
    building.build_release(release=release)
    point_releases.plan_point_release(release=release)
    with pytest.raises(Refused, match="follows it already"):
        point_releases.plan_point_release(release=release)
    with pytest.raises(CommandError, match="no published release with the id, name or folder nothing"):
        call_command("point_release", "nothing", str(tmp_path / "x"))
    with pytest.raises(CommandError, match="is not a release"):
        call_command("apply_tombstones", str(tmp_path))


def test_the_command_makes_a_point_release_of_a_folder(
    community: dict[str, list[Pair]], bob: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path / "out")
    consent(bob, granted=False)
    with pytest.raises(CommandError, match=r"Trainers need|would be empty"):
        call_command("point_release", str(tmp_path / "out"), str(tmp_path / "after"))
    consent(bob)
    call_command("point_release", str(tmp_path / "out"), str(tmp_path / "after"))
    assert "0 rows were deleted" in capsys.readouterr().out
    shutil.copytree(tmp_path / "after", tmp_path / "copy")
    assert verify_release(tmp_path / "copy").problems == []
