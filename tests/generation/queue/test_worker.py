"""One batch from lease to files, in this process, with a real pipeline."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import PIL.Image
import pytest
import redis
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from prometheus_client import REGISTRY
from pytest_django.fixtures import Settings

from accounts.models import User
from generation import services
from generation.media import storage
from generation.models import Checkpoint, Generation, Image, ImageState, Upload
from generation.queue import leases, worker
from generation.queue.batches import Finisher
from generation.requests import waiting
from moderation.hashes.services import block_hash
from tests.conftest import ApiAs, As

Draw = Callable[..., int]
Counted = Callable[..., float]


@pytest.fixture
def counted() -> Counted:
    """``counted("salon_…_total", pool="default")``: by how much a number grew since the test began."""
    before = {(s.name, *sorted(s.labels.items())): s.value for each in REGISTRY.collect() for s in each.samples}

    def grown(name: str, **labels: str) -> float:
        return (REGISTRY.get_sample_value(name, labels) or 0.0) - before.get((name, *sorted(labels.items())), 0.0)

    return grown


def _pixels(image: Image) -> Any:
    with PIL.Image.open(io.BytesIO(storage.original_png(image))) as picture:
        return np.asarray(picture).astype(int)


def _submit(author: User, key: str, **fields: Any) -> Generation:
    wanted: dict[str, Any] = {"prompt": "a cat", "checkpoint": "tiny", "count": 1, **fields}
    return services.submit_generation(author=author, idempotency_key=key, **wanted)


@pytest.mark.usefixtures("tiny_checkpoint")
def test_images_of_two_members_are_drawn_in_one_batch_and_become_ready(
    alice: User, bob: User, run_gpu_worker_inline: Draw, counted: Counted
) -> None:
    _submit(alice, "a", count=3)
    _submit(bob, "b", prompt="a dog on a blue background")
    assert run_gpu_worker_inline() == 4
    images = list(Image.objects.all())
    assert {image.state for image in images} == {ImageState.READY}
    assert {image.bucket for image in images} == {4}
    assert all((image.attempts, image.interruptions, image.lease_no) == (0, 0, 2) for image in images)
    assert all(storage.training_jpeg(image) and image.versions["torch"] for image in images)
    assert alice.notifications.filter(kind="generation.done").count() == 1
    assert counted("salon_images_drawn_total", pool="default") == 4
    assert counted("salon_images_settled_total", state="ready") == 4
    assert counted("salon_gpu_seconds_total", pool="default", outcome="drawn") > 0


@pytest.mark.usefixtures("tiny_checkpoint")
@pytest.mark.parametrize(("steps", "wakeups"), [((2,), 0), ((2, 3), 1)])
def test_a_worker_that_leaves_something_waiting_wakes_another_at_once(
    steps: tuple[int, ...], wakeups: int, alice: User, run_gpu_worker_inline: Draw, settings: Settings
) -> None:
    for number in steps:  # each a batch of its own
        _submit(alice, str(number), steps=number)
    assert run_gpu_worker_inline() == len(steps)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.llen("gpu.default") == wakeups


@pytest.mark.usefixtures("tiny_checkpoint")
def test_the_same_seed_alone_and_in_a_batch_is_the_same_picture(
    alice: User, bob: User, run_gpu_worker_inline: Draw
) -> None:
    alone = _submit(alice, "alone", seed=11, prompt="a red tree").images.get()
    run_gpu_worker_inline()
    _submit(bob, "other", count=3, seed=500)
    together = _submit(alice, "together", seed=11, prompt="a red tree").images.get()
    run_gpu_worker_inline()
    alone.refresh_from_db()
    together.refresh_from_db()
    assert (alone.bucket, together.bucket) == (1, 4)
    assert np.abs(_pixels(alone) - _pixels(together)).max() <= 1
    assert np.abs(_pixels(alone) - _pixels(Image.objects.filter(seed=500).get())).max() > 1


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_late_result_of_an_old_lease_is_dropped_and_its_files_go(alice: User, run_gpu_worker_inline: Draw) -> None:
    at = timezone.now()
    _submit(alice, "k", at=at - timedelta(hours=2))
    old = leases.claim(pool="default", worker="slow", cap=lambda _: 1, at=at - timedelta(hours=1))
    leases.reap(at=at, failure="lost")
    run_gpu_worker_inline()
    drawn = Image.objects.get()
    assert (drawn.state, drawn.prefix) == (ImageState.READY, f"images/{drawn.pk}/2")
    with Finisher() as finisher:
        worker.run_batch(old, finisher)
    again = Image.objects.get()
    assert (again.prefix, again.png_sha256, again.lease_no) == (drawn.prefix, drawn.png_sha256, drawn.lease_no)
    assert storage.folders(f"images/{drawn.pk}") == ["2"]


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_picture_on_the_blocklist_is_held_and_nobody_else_reaches_it(
    alice: User, mallory: User, mod: User, run_gpu_worker_inline: Draw, as_user: As, api_as: ApiAs
) -> None:
    _submit(alice, "first", seed=3)
    run_gpu_worker_inline()
    first = Image.objects.get()
    assert first.state == ImageState.READY
    block_hash(pdq=first.pdq, source="operator", note="a real hit")
    _submit(alice, "second", seed=3)
    run_gpu_worker_inline()
    held = Image.objects.latest("pk")
    assert held.state == ImageState.HELD
    browser = as_user(alice)
    signed = browser.get(f"/api/images/{held.public_id}/").json()["url"]
    page = f"/mine/{held.generation.public_id}/"
    for person in (None, mallory):
        assert as_user(person).get(signed).status_code == 404
        assert as_user(person).get(signed.partition("?")[0]).status_code == 404
        assert api_as(person).get(f"/api/images/{held.public_id}/").status_code == 404
        assert as_user(person).get(page).status_code in ({302} if person is None else {404})
        viewer = person or AnonymousUser()
        assert not Image.objects.visible_to(viewer, timezone.now()).filter(pk=held.pk).exists()
    assert as_user(alice).get(page).status_code == 200
    assert browser.get(signed).status_code == 200
    assert as_user(mod).get(signed).status_code == 404
    moderator = as_user(mod)
    assert moderator.get(moderator.get(f"/api/images/{held.public_id}/").json()["url"]).status_code == 200
    for person in (alice, mod):
        assert api_as(person).get(f"/api/images/{held.public_id}/").status_code == 200


@pytest.mark.usefixtures("tiny_checkpoint")
def test_img2img_starts_from_an_image_and_shares_the_weights(alice: User, run_gpu_worker_inline: Draw) -> None:
    _submit(alice, "first", seed=1)
    run_gpu_worker_inline()
    source = Image.objects.get()
    generation = _submit(alice, "second", seed=2, source_image=source, strength="0.4", steps=10)
    run_gpu_worker_inline()
    image = generation.images.get()
    assert image.state == ImageState.READY
    assert (image.width, image.height) == (source.width, source.height)
    assert np.abs(_pixels(image) - _pixels(source)).mean() < np.abs(_pixels(source) - 255 + _pixels(source)).mean()


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_cancelled_batch_stops_at_its_next_step_and_leaves_nothing(
    alice: User, run_gpu_worker_inline: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = _submit(alice, "k", count=2, steps=20)
    steps: list[int] = []
    on_step = worker._Steps.on_step

    def cancel_at_two(self: worker._Steps, step: int, previews: Any) -> None:
        steps.append(step)
        if step == 2:
            assert waiting.cancel_generation(generation=generation, author=alice) == 2
        on_step(self, step, previews)

    monkeypatch.setattr(worker._Steps, "on_step", cancel_at_two)
    run_gpu_worker_inline()
    assert steps == [1, 2]
    assert set(generation.images.values_list("state", flat=True)) == {ImageState.CANCELLED}
    assert not any(default_storage.exists(f"images/{image.pk}") for image in generation.images.all())


def test_a_checkpoint_that_cannot_be_loaded_fails_after_three_attempts_with_a_reason(
    alice: User, tiny_checkpoint: Checkpoint, run_gpu_worker_inline: Draw, counted: Counted
) -> None:
    generation = _submit(alice, "k")
    Checkpoint.objects.filter(pk=tiny_checkpoint.pk).update(source="/nowhere/at/all", revision="f" * 40)
    for _attempt in range(3):
        Image.objects.update(not_before=timezone.now())
        run_gpu_worker_inline()
    image = generation.images.get()
    assert (image.state, image.attempts) == (ImageState.FAILED, 3)
    assert "Choose another one" in image.message()
    assert counted("salon_image_failures_total", pool="default", reason="checkpoint") == 3
    assert counted("salon_images_settled_total", state="failed") == 1
    assert counted("salon_gpu_seconds_total", pool="default", outcome="lost") > 0
    assert counted("salon_images_drawn_total", pool="default") == 0
    assert services.retry_image(image=image, author=alice).state == ImageState.QUEUED


@pytest.mark.usefixtures("tiny_checkpoint")
def test_an_edit_goes_through_the_whole_queue_and_its_file_says_so(alice: User, run_gpu_worker_inline: Draw) -> None:
    source, painted = PIL.Image.effect_noise((60, 44), 90).convert("RGB"), PIL.Image.new("L", (60, 44))
    painted.paste(255, (20, 10, 30, 20))
    kept = {name: _uploaded(alice, picture) for name, picture in (("source", source), ("mask", painted))}
    made = _submit(alice, "edit", source_upload=kept["source"], mask=kept["mask"], mask_margin=1, mask_feather=2)
    wider = _submit(alice, "wider", kind="outpaint", source_upload=kept["source"], borders={"right": 12}, steps=4)
    near = _submit(alice, "near", kind="variation", seed=7, variation_strength=0.2)
    run_gpu_worker_inline()
    (image,), (grown,), (varied,) = ([*each.images.order_by("position")] for each in (made, wider, near))
    assert [each.state for each in (image, grown, varied)] == [ImageState.READY] * 3, image.failure
    drawn = PIL.Image.open(io.BytesIO(storage.original_png(image)))
    before, after = np.asarray(source), np.asarray(drawn)
    far = np.ones((44, 60), bool)
    far[10 - 4 : 20 + 4, 20 - 4 : 30 + 4] = False
    assert np.array_equal(before[far], after[far])
    assert not np.array_equal(before, after)
    assert (grown.width, grown.height) == (72, 44)
    assert b"Variation seed: " in storage.original_png(varied)
    assert json.loads(drawn.text["salon"])["kind"] == "inpaint"  # type: ignore[attr-defined]


@pytest.mark.usefixtures("tiny_checkpoint")
def test_an_edit_whose_mask_was_deleted_fails_with_a_reason(alice: User, run_gpu_worker_inline: Draw) -> None:
    picture = PIL.Image.new("L", (60, 44), 255)
    mask = _uploaded(alice, picture)
    made = _submit(alice, "edit", source_upload=_uploaded(alice, picture), mask=mask)
    services.delete_upload(upload=mask, author=alice)
    run_gpu_worker_inline()
    image = made.images.get()
    assert image.state == ImageState.FAILED
    assert "was deleted" in image.failure


def _uploaded(author: User, picture: PIL.Image.Image) -> Upload:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return services.upload_picture(author=author, file=ContentFile(stream.getvalue(), "picture.png"))
