"""Members and their pictures for the benchmark of the queue, and a worker whose drawing is a step of the clock."""

import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

SECONDS = 2.0  # a picture of the cheaper kind
SMALL = 48  # pixels of a side
STEPS = (10, 20)  # two kinds of request, so that there are two batch keys and two costs


@dataclass(frozen=True)
class Fairness:
    """What members saw; waits in seconds of the clock."""

    members: int
    p50_wait_s: float
    p99_wait_s: float
    jain: float
    newcomer_rounds: float
    claim_ms: float


def jain(values: list[float]) -> float:
    """Jain's index of fairness (1984): 1 where all are equal, 1/n where one has everything."""
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values))


class Site:
    """Members with waiting pictures in the database, drawn by the claims that workers make, on a clock of its own."""

    def __init__(self, members: int, cap: int) -> None:
        from accounts.models import User
        from generation.models import Checkpoint, Image, QueueShare

        Image.objects.all().delete()
        QueueShare.objects.all().delete()
        self.cap, self.now = cap, timezone.now()
        self.checkpoint = Checkpoint.objects.get(slug="fairness")
        known = {user.username: user for user in User.objects.filter(username__startswith="member-")}
        missing = [f"member-{n}" for n in range(members + 1) if f"member-{n}" not in known]
        User.objects.bulk_create([User(username=name, email=f"{name}@salon.test") for name in missing])
        self.users = list(User.objects.filter(username__startswith="member-").order_by("pk")[: members + 1])
        self.waits: list[float] = []
        self.served: Counter[int] = Counter()
        self.claims: list[float] = []

    def submit(self, number: int, count: int) -> None:
        """So many pictures of a member; even members ask for the cheaper kind."""
        from generation.models import Generation, Image

        author, steps = self.users[number], STEPS[number % 2]
        generation = Generation.objects.create(
            author=author, prompt="a cat", checkpoint=self.checkpoint, scheduler="", steps=steps, guidance=3.0,
            width=SMALL, height=SMALL, idempotency_key=f"{number}-{self.now.timestamp()}", submitted_at=self.now,
        )  # fmt: skip
        Image.objects.bulk_create(
            Image(
                generation=generation, author=author, position=position, seed=position, batch_key=f"{steps}",
                cost_units=SMALL * SMALL * steps * 2, pool="fairness", not_before=self.now, queued_at=self.now,
                width=SMALL, height=SMALL,
            )
            for position in range(count)
        )  # fmt: skip

    def draw(self) -> list[Any]:
        """One batch: claimed as a worker does, then the clock moves on by what drawing it would take."""
        from generation.models import Image, ImageState
        from generation.queue import leases

        began = datetime.now(tz=self.now.tzinfo)
        images = leases.claim(pool="fairness", worker="clock", cap=lambda _: self.cap, at=self.now)
        self.claims.append((datetime.now(tz=self.now.tzinfo) - began).total_seconds())
        for image in images:
            self.waits.append((self.now - image.queued_at).total_seconds())
            self.served[image.author_id] += image.cost_units
        Image.objects.filter(pk__in=[image.pk for image in images]).update(state=ImageState.READY)
        cost = sum(image.cost_units for image in images)
        self.now += timedelta(seconds=SECONDS * cost / (SMALL * SMALL * STEPS[0] * 2))
        return images


def fairness(members: int, *, cap: int = 8) -> Fairness:
    """One member submits half of everything; in the middle a newcomer comes with one picture."""
    site = Site(members, cap)
    each = max(6, 600 // members)
    site.submit(0, each * (members - 1))
    for number in range(1, members):
        site.submit(number, each)
    least = each * SMALL * SMALL * STEPS[0] * 2  # what the cheapest backlog of a member costs
    index, newcomer, ahead, is_over = 0.0, 0, 0, False
    total = 2 * each * (members - 1)
    while images := site.draw():
        if not index and max(site.served[user.pk] for user in site.users[1:members]) >= least:
            index = jain([float(site.served[user.pk]) for user in site.users[:members]])
        if newcomer and not is_over:
            authors = [image.author_id for image in images]
            is_over = newcomer in authors
            ahead += authors.index(newcomer) if is_over else len(authors)
        elif not newcomer and len(site.waits) > total // 4:
            newcomer = site.users[members].pk
            site.submit(members, 1)
    waits = sorted(site.waits)
    return Fairness(
        members=members,
        p50_wait_s=round(statistics.median(waits), 1),
        p99_wait_s=round(waits[int(0.99 * (len(waits) - 1))], 1),
        jain=round(index, 4),
        newcomer_rounds=round(ahead / members, 3),
        claim_ms=round(1000 * statistics.median(site.claims), 1),
    )
