"""Whom to ask what: every random choice behind an ask, with the probability it had.

Pure: state, `now` and `rng` come in, a decision with exact probabilities goes out. Limits are inputs, so a
member at a limit has p_ask = 0 rather than a hidden correction. A choice that may be made at all has a
probability of at least `FLOOR` (p_ask, p_question, p_strategy); p_pair mixes in a uniform draw; so the
product, the propensity of an ask, is never 0.
"""

import hashlib
import random
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self, TypeVar

FLOOR = 0.01
DAY = timedelta(hours=24)
NEWCOMER = timedelta(days=7)
OVERALL = "overall"
REPEAT = "repeat"  # the strategy that serves a member's own earlier pair again, sides swapped
GOLD = "gold"  # the strategy that shows one side of a pair spoiled, to see who looks

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers of one policy; probabilities in 0…1."""

    p_ask: Mapping[str, float]  # by surface
    asks_per_day: int = 3  # a member, a rolling day
    minutes_between: float = 10
    dismissals_in_row: int = 2  # from here on asking pauses
    pause_hours: float = 24  # doubled by every further dismissal
    longest_pause_hours: float = 14 * 24
    p_overall: float = 0.2
    strategies: Mapping[str, float] = field(default_factory=dict)  # shares of comparison strategies
    p_repeat: float = 0.02
    p_gold: float = 0.0
    uniform_share: float = 0.1  # of p_pair
    overlap_share: float = 0.1  # of the pairs is served again …
    overlap_raters: int = 3  # … until so many have answered, whatever they said
    overlap_weight: float = 20
    pool_size: int = 200  # eligible pairs a strategy, the newest
    expires_minutes: float = 60

    def __post_init__(self) -> None:
        shares = [*self.p_ask.values(), self.p_overall, self.uniform_share, self.overlap_share]
        if not all(0 <= share <= 1 for share in [*shares, self.p_repeat, self.p_gold]):
            raise ValueError("Every probability of a policy lies between 0 and 1.")
        if self.p_repeat + self.p_gold >= 1:
            raise ValueError("Hidden checks cannot be all there is: p_repeat and p_gold add up to less than 1.")
        if self.uniform_share <= 0 or any(share <= 0 for share in self.strategies.values()):
            raise ValueError("uniform_share and the shares of strategies are above 0: a propensity of 0 has no weight.")
        if self.asks_per_day < 0 or self.dismissals_in_row < 1 or self.pool_size < 1 or self.expires_minutes <= 0:
            raise ValueError("asks_per_day is at least 0; dismissals_in_row, pool_size and expires_minutes above it.")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Reads `Policy.parameters`; raises ValueError for a name it does not know or a number out of range."""
        if unknown := set(values) - {each.name for each in fields(cls)}:
            raise ValueError(f"A policy has no parameter {', '.join(sorted(unknown))}.")
        return cls(**values)


class Limit(StrEnum):
    """Why nobody could be asked; empty: nothing stood in the way."""

    NONE = ""
    DAY = "day"
    SPACING = "spacing"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class PastAsk:
    """An earlier question to the same member on the result or post page."""

    created_at: datetime
    outcome: str
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AskDraw:
    """Whether to ask, with p_ask; and if so which question, which way round its scale stands."""

    is_asked: bool
    p_ask: float
    limit: Limit
    question: str = ""
    p_question: float = 1.0
    is_scale_reversed: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that may be shown: ids, low first, how many people have answered it, and for a repeat its side."""

    low: int
    high: int
    raters: int = 0
    swap: bool | None = None  # None: the side is drawn; else the higher id stands on the left iff True


@dataclass(frozen=True, slots=True)
class PairDraw:
    candidate: Candidate
    strategy: str
    p_strategy: float
    p_pair: float
    is_side_swapped: bool
    p_side: float
    is_high_spoiled: bool | None = None  # of a gold pair


def floored(shares: Mapping[Key, float]) -> dict[Key, float]:
    """Probabilities in proportion to `shares` (not all 0), those under `FLOOR` raised to it; at most 100 of them."""
    most = max(shares.values())
    shares = {key: share / most for key, share in shares.items()}  # however small they are, their sum divides
    total = sum(shares.values())
    raised: set[Key] = set()
    while True:
        rest = sum(share for key, share in shares.items() if key not in raised) or total
        scale = (1 - FLOOR * len(raised)) / rest
        scaled = {key: FLOOR if key in raised else share * scale for key, share in shares.items()}
        low = {key for key, share in scaled.items() if key not in raised and share < FLOOR}
        if not low:
            return scaled
        raised |= low


def choose(probabilities: Mapping[Key, float], rng: random.Random) -> tuple[Key, float]:
    """One key and the probability it had."""
    key = rng.choices(list(probabilities), list(probabilities.values()))[0]
    return key, probabilities[key]


def limit_of(parameters: Parameters, recent: Sequence[PastAsk], now: datetime) -> Limit:
    """The limit that a member stands at, given their asks of the result and post pages, newest first."""
    pause = pause_until(parameters, recent)
    if pause is not None and now < pause:
        return Limit.PAUSE
    if sum(ask.created_at > now - DAY for ask in recent) >= parameters.asks_per_day:
        return Limit.DAY
    if recent and now - recent[0].created_at < timedelta(minutes=parameters.minutes_between):
        return Limit.SPACING
    return Limit.NONE


def pause_until(parameters: Parameters, recent: Sequence[PastAsk]) -> datetime | None:
    """When a member who dismissed the latest questions in a row may be asked again; None: no such row.

    Questions that ran out or were never seen neither lengthen the row nor end it.
    """
    told = [ask for ask in recent if ask.outcome in {"answered", "skipped", "dismissed"}]
    row = next((n for n, ask in enumerate(told) if ask.outcome != "dismissed"), len(told))
    if row < parameters.dismissals_in_row:
        return None
    hours = parameters.pause_hours * 2 ** (row - parameters.dismissals_in_row)
    return (told[0].closed_at or told[0].created_at) + timedelta(hours=min(hours, parameters.longest_pause_hours))


def tenure_of(joined_at: datetime, now: datetime) -> str:
    return "new" if now - joined_at < NEWCOMER else "regular"


def stratum_of(joined_at: datetime, recent: Sequence[PastAsk], now: datetime) -> str:
    """The kind of member within which response is estimated: how long here, and what became of the last ask."""
    closed = next((ask.outcome for ask in recent if ask.outcome != "open"), "")
    history = "first" if not closed else "answers" if closed == "answered" else "silent"
    return f"{tenure_of(joined_at, now)}/{history}"


def question_probabilities(parameters: Parameters, questions: Collection[str]) -> dict[str, float]:
    """`overall` has its share where it may be asked; the others divide the rest equally."""
    others = [slug for slug in questions if slug != OVERALL]
    if len(others) == len(questions) or not others:
        return {slug: 1 / len(questions) for slug in questions}
    each = (1 - parameters.p_overall) / len(others)
    return floored(dict.fromkeys(others, each) | {OVERALL: parameters.p_overall})


def draw_ask(
    parameters: Parameters,
    *,
    surface: str,
    recent: Sequence[PastAsk],
    questions: Collection[str],
    now: datetime,
    rng: random.Random,
) -> AskDraw:
    """Whether a member is asked about one picture, and what. `questions` are slugs, at least one."""
    limit = limit_of(parameters, recent, now)
    share = parameters.p_ask.get(surface, 0.0)
    p_ask = 0.0 if limit or not share else max(share, FLOOR)
    if rng.random() >= p_ask:
        return AskDraw(is_asked=False, p_ask=p_ask, limit=limit)
    question, p_question = choose(question_probabilities(parameters, questions), rng)
    return AskDraw(
        is_asked=True,
        p_ask=p_ask,
        limit=limit,
        question=question,
        p_question=p_question,
        is_scale_reversed=rng.random() < 0.5,
    )


def strategy_probabilities(parameters: Parameters, available: Collection[str]) -> dict[str, float]:
    """Shares of the strategies that have a pair; hidden checks keep theirs, and need another strategy beside them."""
    fresh = {name: share for name, share in parameters.strategies.items() if name in available}
    if not fresh:
        return {}
    checks = {REPEAT: parameters.p_repeat, GOLD: parameters.p_gold}
    checks = {name: share for name, share in checks.items() if share and name in available}
    left = (1 - sum(checks.values())) / sum(fresh.values())
    return floored({name: share * left for name, share in fresh.items()} | checks)


def _toss(what: str, candidate: Candidate) -> float:
    """A number in 0…1 that is a property of the pair, alike for everyone."""
    digest = hashlib.blake2b(f"{what}{candidate.low}:{candidate.high}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def is_overlap(parameters: Parameters, candidate: Candidate) -> bool:
    """Whether a pair is one of those that several people judge."""
    return _toss("", candidate) < parameters.overlap_share


def is_high_spoiled(candidate: Candidate) -> bool:
    """Which side of a gold pair is shown spoiled."""
    return _toss("gold:", candidate) < 0.5


def pair_probabilities(parameters: Parameters, candidates: Sequence[Candidate]) -> list[float]:
    """p_pair of each candidate: fresh pairs and unfinished overlaps first, and a share for all alike."""
    weights = [_weight(parameters, candidate) for candidate in candidates]
    total, even = sum(weights), 1 / len(candidates)
    if not total:
        return [even] * len(candidates)
    mixed = parameters.uniform_share
    return [(1 - mixed) * weight / total + mixed * even for weight in weights]


def _weight(parameters: Parameters, candidate: Candidate) -> float:
    if not candidate.raters:
        return 1.0
    unfinished = candidate.raters < parameters.overlap_raters and is_overlap(parameters, candidate)
    return parameters.overlap_weight if unfinished else 0.0


def draw_pair(
    parameters: Parameters, *, pools: Mapping[str, Sequence[Candidate]], rng: random.Random
) -> PairDraw | None:
    """Which pair to show under which strategy, and on which sides; None where no strategy has a pair."""
    probabilities = strategy_probabilities(parameters, [name for name, pool in pools.items() if pool])
    if not probabilities:
        return None
    strategy, p_strategy = choose(probabilities, rng)
    pool = pools[strategy]
    shares = pair_probabilities(parameters, pool)
    index = rng.choices(range(len(pool)), shares)[0]
    candidate = pool[index]
    return PairDraw(
        candidate=candidate,
        strategy=strategy,
        p_strategy=p_strategy,
        p_pair=shares[index],
        is_side_swapped=rng.random() < 0.5 if candidate.swap is None else candidate.swap,
        p_side=0.5 if candidate.swap is None else 1.0,
        is_high_spoiled=is_high_spoiled(candidate) if strategy == GOLD else None,
    )
