"""Recent activity of members as chances to ask: the input of a policy's preview."""

import random
from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Count, Sum

from generation.models import Image
from ratings.asking.models import Ask, AskOutcome, DrawCount, Surface
from ratings.asking.policies.forecast import MOST_DRAWS, Activity

DAYS = 7


def recent_activity(*, at: datetime, rng: random.Random) -> Activity:
    """The last week. Result pages are known picture by picture; looks at posts are only counted, and spread evenly
    over the members who made or answered something. A busy site is represented by some of its members."""
    since = at - timedelta(days=DAYS)
    made = Image.objects.filter(ready_at__gt=since, ready_at__lte=at).order_by("-pk")
    chances: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    for author, ready_at in made.values_list("author_id", "ready_at")[:MOST_DRAWS]:
        if ready_at is not None:
            chances[author].append((ready_at, Surface.RESULT.value))
    asks = Ask.objects.about_one().filter(created_at__gt=since, created_at__lte=at)
    looks = asks.filter(surface=Surface.POST).count()
    counts = DrawCount.objects.filter(day__gte=since.date(), surface=Surface.POST)
    looks += counts.aggregate(draws=Sum("draws"))["draws"] or 0
    people = sorted({*chances, *asks.values_list("rater", flat=True).distinct()})
    share = min(1.0, MOST_DRAWS / max(1, looks + sum(map(len, chances.values()))))
    chosen = rng.sample(people, max(1, round(share * len(people)))) if people else []
    played = {person: list(chances.get(person, [])) for person in chosen}
    for _ in range(round(looks * share) if chosen else 0):
        played[rng.choice(chosen)].append((since + timedelta(days=DAYS) * rng.random(), Surface.POST.value))
    outcomes = dict(asks.exclude(outcome=AskOutcome.OPEN).values_list("outcome").annotate(n=Count("pk")))
    return Activity(
        days=DAYS,
        chances={person: sorted(events) for person, events in played.items()},
        outcomes=outcomes or {AskOutcome.ANSWERED.value: 1.0},
        share=len(chosen) / len(people) if people else 1.0,
    )
