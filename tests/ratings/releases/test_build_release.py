"""``manage.py build_release``: one sentence on refusal, and builds that survive being killed."""

import hashlib
import io
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from generation.media import storage
from generation.models import Image
from generation.parameters import Parameters
from ratings.models import Release
from ratings.releases import building, tasks
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.publishing.verification import verify_release
from tests.generation.fixtures import drawn
from tests.processes import environ, manage
from tests.ratings.releases.folders import build, bytes_of
from tests.services import ROOT


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
        (out,): "would be empty",
        (out, "--kinds", "pears"): "Choose among pairs",
        (out, "--checkpoint", "none"): "no checkpoint “none”",
        (out, "--resume"): "no unfinished build into",
    }.items():
        with pytest.raises(CommandError, match=words):
            call_command("build_release", *arguments)
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.django_db
def test_a_release_goes_to_s3_as_to_a_folder(community: Any, s3_storage: None, tmp_path: Path) -> None:
    """Pictures are read from S3 and the release is written there."""
    for image in Image.objects.all():
        parameters = Parameters.of(image)
        storage.write_outputs(
            prefix=image.prefix, picture=drawn(image), parameters=parameters, public_id=image.public_id
        )
    release = build(None)
    store = storages["releases"]
    for name, file in release.manifest["files"].items():
        assert store.size(f"{release.public_id}/{name}") == file["bytes"]
    Release.objects.update(state=Release.State.CANCELLED)
    releases_services.discard_release(release=release)
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


def in_a_child(work: Callable[[], None]) -> int:
    """Forks a process that does `work` on a connection of its own and ends; returns its id."""
    connections.close_all()  # a child that closed ours would end it for us too
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def carry_on(release_id: int) -> None:
    """What `build_release --resume` does."""
    release = Release.objects.get(pk=release_id)
    releases_services.write_plan(release=release)
    building.clear_claims(release=release)
    building.check_built(release=release)
    building.build_release(release=release)


@pytest.mark.django_db(transaction=True)
def test_ten_kills_at_random_moments_change_no_byte(community: Any, media: Path, tmp_path: Path) -> None:
    """SIGKILL while it plans, builds or publishes; each time another process carries on."""
    started = time.monotonic()
    quiet = build(tmp_path / "quiet")
    took = time.monotonic() - started
    quiet.shards.all().delete()
    again = {"state": Release.State.REQUESTED, "destination": str(tmp_path / "out"), "published_at": None}
    Release.objects.filter(pk=quiet.pk).update(**again)
    chance, killed = random.Random(20), 0
    # the first come soonest: one that comes too late finishes the build, and nothing is left to kill
    for share in sorted(chance.random() for _ in range(10)):
        child = in_a_child(lambda: carry_on(quiet.pk))
        signal.sigtimedwait([], took * share)  # a pause: nothing is waited for
        os.kill(child, signal.SIGKILL)
        killed += ended(child) == -signal.SIGKILL
        assert not (tmp_path / "out").exists() or bytes_of(tmp_path / "out") == bytes_of(tmp_path / "quiet")
    assert killed > 0
    if Release.objects.get(pk=quiet.pk).state != Release.State.PUBLISHED:
        carry_on(quiet.pk)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "quiet")
    assert list(tmp_path.glob(".out*")) == []


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_a_sentence_and_nothing_that_looks_finished(community: Any, media: Path, tmp_path: Path) -> None:
    """No file of more than 4 KiB can be written; with space again it resumes."""
    out, words = tmp_path / "out", tmp_path / "words"

    def without_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            call_command("build_release", str(out), "--kinds", "pairs", stdout=io.StringIO())
        except CommandError as error:
            words.write_text(str(error))

    assert ended(in_a_child(without_space)) == 0
    assert "File too large" in words.read_text()
    assert f"{out} was not created. Run the command again with --resume." in words.read_text()
    assert not out.exists()
    call_command("build_release", str(out), "--resume")
    assert verify_release(out).problems == []


@pytest.mark.django_db
def test_a_worker_without_space_ends_the_release_with_a_sentence(community: Any, tmp_path: Path) -> None:
    release = releases_services.plan_release(filter=ReleaseFilter(), kinds=("pairs",), destination=tmp_path / "out")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        tasks.build_shard(release.shards.order_by("pk")[0].pk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    release.refresh_from_db()
    assert release.state == Release.State.FAILED
    assert "no space left" in release.failure
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.django_db(transaction=True)
def test_an_unreachable_store_is_retried_until_it_is_back(
    community: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SeaweedFS stops after the first file and comes back: the release goes on and is whole."""
    from config import environment
    from config.local import seaweed

    service, variables = seaweed.start(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stored = environment.storage("releases", variables["S3_BUCKET"], settings.RELEASES_ROOT)
    settings.S3_BUCKET = variables["S3_BUCKET"]
    settings.STORAGES = {**settings.STORAGES, "releases": stored}
    again: list[threading.Thread] = []

    def come_back() -> None:
        keys = {"AWS_ACCESS_KEY_ID": variables["S3_ACCESS_KEY_ID"]}
        keys |= {"AWS_SECRET_ACCESS_KEY": variables["S3_SECRET_ACCESS_KEY"]}
        service.process = subprocess.Popen(
            service.process.args, stdin=subprocess.PIPE, env={**os.environ, **keys}, cwd=tmp_path / "seaweed"
        )

    def progress(_kind: str, _rows: int) -> None:
        if not again:
            service.stop()
            again.append(threading.Timer(2.0, come_back))
            again[0].start()

    try:
        release = releases_services.plan_release(filter=ReleaseFilter(), kinds=("pairs", "votes"))
        building.build_release(release=release, progress=progress)
        again[0].join()
        store = storages["releases"]
        for name, file in release.manifest["files"].items():
            with store.open(f"{release.public_id}/{name}") as stream:
                assert hashlib.sha256(stream.read()).hexdigest() == file["sha256"]
    finally:
        if again:
            again[0].join()
        service.stop()


@pytest.mark.django_db
def test_a_finished_file_that_was_cut_short_is_built_again(community: Any, tmp_path: Path) -> None:
    release = releases_services.plan_release(filter=ReleaseFilter(), kinds=("pairs",), destination=tmp_path / "out")
    shard = release.shards.order_by("pk")[0]
    assert building.build_shard(shard=shard, at=timezone.now())
    (staged,) = tmp_path.glob(".out*/pairs/*.parquet")
    staged.write_bytes(staged.read_bytes()[:100])
    building.check_built(release=release)
    building.build_release(release=release)
    assert release.manifest["rows"]["pairs"]["train"] == 4
