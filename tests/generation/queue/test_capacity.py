"""How many pictures are drawn at once: measured, kept by device and shape, lowered where memory ran out."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from generation.models import BatchCap, Checkpoint, Image, PoolWorker
from generation.queue import capacity, leases, queries
from generation.queue.capacity import Measured
from tests.generation.requests import submit


def test_the_smallest_batch_with_nearly_the_best_throughput_is_best() -> None:
    measured = [Measured(1, 1.0), Measured(2, 1.9), Measured(4, 1.93), Measured(8, 2.0)]
    assert capacity.best_batch(measured) == Measured(2, 1.9)
    assert capacity.best_batch([Measured(1, 1.0), Measured(2, 1.8), Measured(4, 2.0)]) == Measured(4, 2.0)
    assert capacity.best_batch([Measured(1, 1.0)]) == Measured(1, 1.0)


def test_measuring_ends_at_the_first_batch_that_does_not_fit() -> None:
    now, drawn = 0.0, list[int]()

    def draw(batch: int) -> bool:
        nonlocal now
        now += 1.0 + batch
        drawn.append(batch)
        return batch < 4

    measured = capacity.measure(draw, lambda: now)
    assert [(each.batch, each.images_per_second) for each in measured] == [(1, 1 / 2), (2, 2 / 3)]
    assert drawn == [1, 1, 2, 2, 4]


@pytest.mark.django_db
def test_a_cap_is_lowered_for_good_and_never_raised_by_running_out_of_memory(alice: User, toy: Checkpoint) -> None:
    images = list(submit(alice).images.select_related("generation"))
    shape = (toy.pk, images[0].width, images[0].height)
    for cap, expected in ((4, 4), (2, 2), (4, 2)):
        capacity.lower_cap(images, device="cpu", cap=cap)
        assert queries.measured_caps("cpu") == {shape: expected}
    assert queries.measured_caps("another") == {}
    assert len(leases.claim(pool="default", worker="w", cap=queries.cap_of(queries.measured_caps("cpu")),
                            at=timezone.now())) == 2  # fmt: skip


@pytest.mark.django_db
def test_the_speed_of_a_worker_follows_its_latest_batches() -> None:
    now = timezone.now()
    for cost, speed in ((1000, 100.0), (2000, 130.0)):
        capacity.record_speed(worker="w", pool="default", cost=cost, seconds=10.0, at=now)
        assert PoolWorker.objects.get().units_per_second == pytest.approx(speed)


@pytest.mark.django_db
def test_a_waiting_time_is_the_work_before_it_by_the_speed_of_the_pool(alice: User, bob: User, toy: Checkpoint) -> None:
    now = timezone.now()
    submit(alice, count=2, at=now)
    submit(bob, count=1, at=now)
    cost = Image.objects.filter(author=bob).get().cost_units
    BatchCap.objects.create(checkpoint=toy, device="cpu", width=32, height=32, cap=1, updated_at=now)
    assert {place.eta_s for place in queries.forecast_of("default", now).values()} == {None}
    capacity.record_speed(worker="w", pool="default", cost=cost, seconds=10.0, at=now)
    places = queries.forecast_of("default", now)
    assert sorted((place.place, place.eta_s) for place in places.values()) == [(1, 10), (2, 20), (3, 30)]
    mine = Image.objects.filter(author=bob).get()
    assert places[mine.pk].place == 2  # after alice's first, before her second


@pytest.mark.django_db
def test_profiling_a_checkpoint_keeps_the_best_batch_of_this_device(tiny_checkpoint: Checkpoint) -> None:
    call_command("profile_checkpoint", "tiny", "--sizes", "32x32", "--steps", "1", verbosity=0)
    assert set(queries.measured_caps("cpu")) == {(tiny_checkpoint.pk, 32, 32)}
    row = BatchCap.objects.get()
    assert row.images_per_second is not None
    assert (row.cap in (1, 2, 4, 8), row.images_per_second > 0) == (True, True)
    for arguments in (["nothing"], ["tiny", "--sizes", "5x5"], ["tiny", "--steps", "0"]):
        with pytest.raises(CommandError):
            call_command("profile_checkpoint", *arguments)
