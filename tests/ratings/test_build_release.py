"""``manage.py build_release``: one clear line on refusal, and a build that outlives being killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from generation.models import Image
from ratings import building
from ratings.models import Release
from tests.processes import environ, manage
from tests.ratings.test_releases import build, bytes_of, community, make_pair
from tests.services import ROOT

__all__ = ["community", "make_pair"]  # fixtures


@pytest.mark.django_db
def test_it_says_what_it_built_and_how_to_read_it(community: Any, tmp_path: Path, capsys: Any) -> None:
    call_command("build_release", str(tmp_path / "salon-pickapic"), "--kinds", "pairs,asks")
    out = capsys.readouterr().out
    assert "pairs: test 1" in out
    assert f"datasets.load_dataset('{tmp_path}/salon-pickapic')" in out
    assert sorted(path.name for path in (tmp_path / "salon-pickapic").iterdir() if path.is_dir()) == ["asks", "pairs"]


@pytest.mark.django_db
def test_what_cannot_be_done_is_one_sentence(alice: User, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    for arguments, words in {
        (out,): "Nothing would leave",
        (out, "--kinds", "pears"): "Choose among pairs",
        (out, "--checkpoint", "none"): "no checkpoint “none”",
        (out, "--resume"): "No build into",
    }.items():
        with pytest.raises(CommandError, match=words):
            call_command("build_release", *arguments)
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.django_db
def test_a_release_goes_to_s3_as_to_a_folder(community: Any, s3_storage: None, tmp_path: Path) -> None:
    """Pictures are read from S3 and the release is written there."""
    for image in Image.objects.all():
        from generation import files
        from tests.generation.fixtures import drawn, recipe

        files.write_outputs(prefix=image.prefix, picture=drawn(image), recipe=recipe(image))
    release = build(None)
    store = storages["releases"]
    for name, file in release.manifest["files"].items():
        assert store.size(f"{release.public_id}/{name}") == file["bytes"]
    Release.objects.update(state=Release.State.CANCELLED)
    from ratings import releases

    releases.discard_release(release=release)
    assert not store.exists(f"{release.public_id}/README.md")


@pytest.mark.django_db(transaction=True)
def test_a_killed_build_resumes_at_its_last_finished_file(community: Any, media: Path, tmp_path: Path) -> None:
    """SIGKILL between two files: the finished ones are not built again, and the bytes are those of a quiet build."""
    quiet = build(tmp_path / "quiet")
    out = tmp_path / "out"
    Release.objects.filter(pk=quiet.pk).update(state=Release.State.BUILDING, destination=str(out))
    quiet.shards.update(built_at=None)
    more = {"VAR_DIR": str(media.parent)}
    command = [sys.executable, "manage.py", "build_release", str(out), "--resume"]
    process = subprocess.Popen(command, env=environ(**more), cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not quiet.shards.exclude(built_at=None).exists() and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    built = dict(quiet.shards.exclude(built_at=None).values_list("pk", "built_at"))
    assert 0 < len(built) < quiet.shards.count()
    resumed = manage("build_release", str(out), "--resume", **more)
    assert resumed.returncode == 0, resumed.stderr
    assert bytes_of(out) == bytes_of(tmp_path / "quiet")
    assert dict(quiet.shards.filter(pk__in=built).values_list("pk", "built_at")) == built
    assert list(tmp_path.glob(".out*")) == []


@pytest.mark.django_db
def test_a_finished_file_that_was_cut_short_is_built_again(community: Any, tmp_path: Path) -> None:
    from ratings import releases
    from ratings.datasets.eligibility import ReleaseFilter

    release = releases.plan_release(filter=ReleaseFilter(), kinds=("pairs",), destination=tmp_path / "out")
    shard = release.shards.order_by("pk")[0]
    assert building.build_shard(shard=shard, at=timezone.now())
    (staged,) = tmp_path.glob(".out*/pairs/*.parquet")
    staged.write_bytes(staged.read_bytes()[:100])
    building.check_built(release=release)
    building.build_release(release=release)
    assert release.manifest["rows"]["pairs"]["train"] == 4
