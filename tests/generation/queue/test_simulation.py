"""What `benchmarks.scale` simulates is the queue that we have."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from benchmarks.support.queue_simulation import Plan, Pool, Simulation, percentile
from generation.models import Checkpoint, Image, QueueShare
from generation.queue.ordering import Standing
from generation.queue.queries import clock_of, queued_candidates


@pytest.mark.django_db
def test_the_simulation_sees_of_a_queue_what_a_claim_reads_from_the_database(toy: Checkpoint) -> None:
    rng, now = random.Random(3), timezone.now()
    members = User.objects.bulk_create(User(username=f"m{n}", email=f"m{n}@salon.test") for n in range(12))
    from tests.generation.fixtures import _generation

    for member in members:
        generation = _generation(member, now, {"checkpoint": toy})
        Image.objects.bulk_create(
            Image(
                generation=generation, author=member, position=position, seed=position, batch_key="-", cost_units=5,
                pool="default", not_before=now, queued_at=now - timedelta(seconds=60 - position), width=48, height=48,
            )
            for position in range(rng.randrange(1, 40))
        )  # fmt: skip
        QueueShare.objects.create(pool="default", author=member, started=rng.randrange(50), finished=rng.randrange(90))
    found = queued_candidates("default", now)
    shares = dict(QueueShare.objects.values_list("author_id", "finished"))
    pool = Pool()
    pool.standing = Standing(clock_of("default"), shares)
    for each in sorted(found, key=lambda each: (each.queued_at, each.id)):
        pool.add(each)
    assert [each.id for each in pool.candidates()] == [each.id for each in found]


def test_members_who_flood_do_not_make_others_wait_who_had_nothing_in_the_queue() -> None:
    calm = Simulation(Plan(workers=4, members=200, load=0.5, floods=0, duration=400, seed=2)).run()
    flooded = Simulation(Plan(workers=4, members=200, load=0.5, floods=8, duration=400, seed=2)).run()
    assert min(len(calm.first_waits), len(flooded.first_waits), len(flooded.flood_waits)) > 50
    assert flooded.busy > 0.97 * 4 * 400 > 1.5 * calm.busy
    assert percentile(flooded.first_waits, 0.5) < 6.62 < percentile(flooded.flood_waits, 0.5) / 9  # a batch takes 6.62
    assert percentile(flooded.first_waits, 0.99) < 25
