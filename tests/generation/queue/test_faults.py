"""A store or a broker that is away, full or silent, in the middle of the work: nothing is lost and nobody waits."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from generation import services
from generation.media import storage
from generation.models import Checkpoint, Image, ImageState
from generation.queue import leases, queries, screening, wakeup
from tests import processes
from tests.generation.requests import png_bytes
from tests.proxy import Mode, Proxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
WAIT_SECONDS = 250  # imports of torch on a busy machine
DRAWN = (ImageState.GENERATED, ImageState.SCREENING, ImageState.READY)


def _until(is_true: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < ends, "nothing happened for too long"
        threading.Event().wait(0.1)


def _submit(author: User, *counts: int, steps: int = 3) -> None:
    for number, count in enumerate(counts):
        services.submit_generation(
            author=author,
            prompt="a cat",
            checkpoint="tiny",
            count=count,
            steps=steps,
            idempotency_key=f"{number}-{count}",
        )


def _drain_in_thread() -> threading.Thread:
    from generation.queue import worker

    def run() -> None:
        try:
            worker.drain(pool="default", worker="w")
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _assert_each_is_stored_once() -> None:
    for image in Image.objects.all():
        assert (image.state, image.attempts, image.interruptions) == (ImageState.GENERATED, 0, 0)
        assert storage.folders(f"images/{image.pk}") == [str(image.lease_no)]
        assert storage.original_png(image)
        assert screening.check_image(image_id=image.pk) == ImageState.READY


def test_a_store_that_is_away_for_a_while_costs_no_picture(
    alice: User, tiny_checkpoint: Checkpoint, media: Path
) -> None:
    media.mkdir()
    (media / "images").write_text("a file where a folder must be: every write fails")
    _submit(alice, 8, 8)
    thread = _drain_in_thread()
    _until(lambda: Image.objects.filter(state=ImageState.LEASED).count() == 16)
    (media / "images").unlink()
    thread.join(timeout=WAIT_SECONDS)
    assert not thread.is_alive()
    _assert_each_is_stored_once()


@pytest.fixture
def proxied_store(s3_storage: None, s3_variables: dict[str, str], settings: Settings) -> Iterator[Proxy]:
    """The default storage on S3, behind a proxy."""
    port = urlsplit(s3_variables["S3_ENDPOINT_URL"]).port
    assert port is not None
    with Proxy(port) as proxy:
        options = {**settings.STORAGES["default"]["OPTIONS"], "endpoint_url": f"http://127.0.0.1:{proxy.port}"}
        options["location"] = f"media-{proxy.port}"
        options["client_config"] = options["client_config"].merge(type(options["client_config"])(read_timeout=1))
        settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
        yield proxy


@pytest.mark.parametrize("mode", ["away", "full", "silent"])
def test_an_object_store_that_is_away_full_or_silent_costs_no_picture(
    mode: Mode, alice: User, tiny_checkpoint: Checkpoint, proxied_store: Proxy
) -> None:
    assert not default_storage.exists("images")
    proxied_store.set(mode)
    _submit(alice, 8)
    thread = _drain_in_thread()
    _until(lambda: Image.objects.filter(state=ImageState.LEASED).count() == 8)
    proxied_store.set("pass")
    thread.join(timeout=WAIT_SECONDS)
    assert not thread.is_alive()
    _assert_each_is_stored_once()


def test_the_next_batch_is_claimed_while_the_last_is_decoded(
    alice: User, tiny_checkpoint: Checkpoint, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from generation.queue import worker

    _submit(alice, 8, 8)
    claimed: list[int] = []
    begin = worker._Claims.begin

    def wait_for_the_claim(self: worker._Claims) -> None:
        begin(self)
        if not claimed:
            _until(lambda: Image.objects.filter(state=ImageState.LEASED).count() == 16)
        claimed.append(Image.objects.filter(state=ImageState.QUEUED).count())

    monkeypatch.setattr(worker._Claims, "begin", wait_for_the_claim)
    assert worker.drain(pool="default", worker="w") == 16
    assert claimed == [0, 0]
    _assert_each_is_stored_once()


def test_after_the_deadline_of_a_store_the_pictures_go_back_to_the_queue(
    alice: User, tiny_checkpoint: Checkpoint, media: Path, settings: Settings
) -> None:
    settings.STORE_SECONDS = 2
    media.mkdir()
    (media / "images").write_text("a file where a folder must be")
    _submit(alice, 2)
    settings.BATCH_SECONDS, started = 30, time.monotonic()
    from generation.queue import worker

    assert worker.drain(pool="default", worker="w", seconds=1) >= 2
    assert time.monotonic() - started < WAIT_SECONDS
    for image in Image.objects.all():
        assert (image.state, image.attempts) == (ImageState.QUEUED, 0)
        assert image.interruptions >= 1


@pytest.mark.parametrize("mode", ["away", "silent"])
def test_a_broker_that_is_away_or_silent_holds_up_no_drawing_and_loses_no_picture(
    mode: Mode, alice: User, tiny_checkpoint: Checkpoint, media: Path, tmp_path: Path
) -> None:
    """The worker reaches the broker through a proxy; the test, which plays beat, reaches it directly."""
    address = urlsplit(django_settings.REDIS_URL)
    assert address.port is not None
    with Proxy(address.port) as proxy:
        url = address._replace(netloc=address.netloc.replace(f":{address.port}", f":{proxy.port}")).geturl()
        variables = {"VAR_DIR": str(tmp_path), "REDIS_URL": url, "LEASE_SECONDS": "8"}
        with processes.worker("gpu", "gpu.default", tmp_path, **variables):
            _submit(alice, 8, steps=12)
            _until(lambda: Image.objects.filter(state=ImageState.LEASED).exists())
            proxy.set(mode)
            _until(lambda: Image.objects.filter(state__in=DRAWN).count() == 8)
            proxy.set("pass")
            _submit(alice, 2)
            _until(lambda: _wake_until_drawn(10))
            _assert_each_is_stored_once()
            _assert_a_traceback_is_logged(alice, tmp_path / "gpu.log")


def _assert_a_traceback_is_logged(author: User, log: Path) -> None:
    """What nobody foresaw is for the operator to read; the member reads what to do."""
    source = ContentFile(png_bytes((32, 32)), "source.png")
    generation = services.submit_generation(
        author=author, prompt="a cat", checkpoint="tiny", count=1, source_file=source, idempotency_key="broken"
    )
    assert generation.upload is not None
    screening.check_upload(upload_id=generation.upload.pk)
    storage.write(generation.upload.file, b"no picture at all")
    image = generation.images.filter(attempts__gt=0)
    _until(lambda: (_wake_until_drawn(-1), image.exists())[1])
    assert "Something went wrong" in image.get().failure
    assert "Traceback" in log.read_text()
    assert "UnidentifiedImageError" in log.read_text()


def _wake_until_drawn(count: int) -> bool:
    """One beat."""
    leases.reap(at=timezone.now(), failure="lost")
    for pool in queries.pools_waiting(timezone.now()):
        wakeup.wake_workers(pool)
    return Image.objects.filter(state__in=DRAWN).count() == count
