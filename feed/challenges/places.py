"""Who stands where once a challenge is decided, and runs of days. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

LEVEL = 1e-6  # of log-strengths: closer is a tie
REST = timedelta(days=14)  # after a win
POINTS = {1: 3, 2: 2, 3: 1}  # for the leaderboards, by place


@dataclass(frozen=True, slots=True)
class Result:
    """A decided entry: its strength, whether it can be seen now, and whether its member rests after a win."""

    entry: int
    strength: float
    is_standing: bool = True
    is_resting: bool = False


def places_of(results: Sequence[Result]) -> dict[int, int | None]:
    """The place of each entry: ties share one, and the next is as far down as entries are ahead of it.

    An entry that was taken down, or whose member rests, has none: who comes after moves up.
    """
    ranked = sorted((each for each in results if each.is_standing and not each.is_resting), key=lambda r: -r.strength)
    places: dict[int, int | None] = dict.fromkeys((each.entry for each in results), None)
    for index, each in enumerate(ranked):
        before = ranked[index - 1] if index else None
        is_tied = before is not None and before.strength - each.strength < LEVEL
        places[each.entry] = places[before.entry] if before is not None and is_tied else index + 1
    return places


def is_resting(day: date, won_on: Collection[date]) -> bool:
    """Whether a member who won on some days rests on `day`."""
    return any(timedelta(0) < day - won <= REST for won in won_on)


def streak_of(days: Collection[date], today: date) -> int:
    """How many days in a row a member entered, up to today; a day that is not over does not end it."""
    entered = set(days)
    day = today if today in entered else today - timedelta(days=1)
    length = 0
    while day in entered:
        length += 1
        day -= timedelta(days=1)
    return length
