"""How many questions a policy would ask, by replaying recent activity. Pure."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ratings.asking.sampling import ABOUT_ONE, Parameters, PastAsk, draw_ask

MOST_DRAWS = 20_000  # played: about a second
MOST_RUNS = 20


@dataclass(frozen=True, slots=True)
class Activity:
    """When members could have been asked, on which surface, oldest first; `share` of all members is in it."""

    days: float
    chances: Mapping[int, Sequence[tuple[datetime, str]]]
    outcomes: Mapping[str, float] = field(default_factory=lambda: {"answered": 1.0})
    share: float = 1.0

    @property
    def draws(self) -> int:
        return sum(map(len, self.chances.values()))


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of a day: chances to ask, and questions asked, by surface; `at_limit` is the share of chances at a limit."""

    draws: float
    members: int
    asks: Mapping[str, float]
    at_limit: float

    @property
    def total(self) -> float:
        return sum(self.asks.values())


def forecast(parameters: Parameters, activity: Activity, *, rng: random.Random) -> Forecast:
    """Replays the activity under the policy; each ask closes at once with an outcome drawn from `outcomes`."""
    runs = max(1, min(MOST_RUNS, MOST_DRAWS // max(1, activity.draws)))
    asks: Counter[str] = Counter({surface: 0 for surface in ABOUT_ONE if surface in parameters.p_ask})
    limited = 0
    for _ in range(runs):
        for chances in activity.chances.values():
            limited += _replay(parameters, chances, activity.outcomes, asks, rng)
    a_day = 1 / (activity.days * activity.share)
    return Forecast(
        draws=activity.draws * a_day,
        members=round(len(activity.chances) / activity.share),
        asks={surface: n / runs * a_day for surface, n in asks.items()},
        at_limit=limited / (runs * activity.draws) if activity.draws else 0.0,
    )


def _replay(
    parameters: Parameters,
    chances: Sequence[tuple[datetime, str]],
    outcomes: Mapping[str, float],
    asks: Counter[str],
    rng: random.Random,
) -> int:
    """Counts one member's questions into `asks`; returns how many chances stood at a limit."""
    recent: list[PastAsk] = []
    limited = 0
    for at, surface in chances:
        draw = draw_ask(parameters, surface=surface, recent=recent, questions=["any"], now=at, rng=rng)
        limited += bool(draw.limit)
        if draw.is_asked:
            asks[surface] += 1
            outcome = rng.choices(list(outcomes), list(outcomes.values()))[0]
            recent = [PastAsk(at, outcome, at), *recent[: max(20, parameters.asks_per_day)]]
    return limited
