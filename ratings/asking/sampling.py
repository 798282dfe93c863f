"""Every random choice behind an ask, with its probability.

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
REPEAT = "repeat"  # strategy: a pair that the member answered before, sides swapped
ABOUT_ONE = ("result", "post")  # surfaces: a question beside a picture
COMPARE = "compare"  # surface: which of two pictures is better
BESIDE_COMPARE = ("aspect", "marks", "ranking")  # surfaces that Compare's page draws now and then instead
GOLD = "gold"  # strategy: one side of the pair is visibly damaged, as an attention check

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers of one policy; probabilities in 0…1."""

    p_ask: Mapping[str, float]  # by surface; on Compare's page, of the surfaces beside “which is better”
    asks_per_day: int = 3  # a member, a rolling day
    minutes_between: float = 10
    dismissals_in_row: int = 2  # from here on asking pauses
    pause_hours: float = 24  # doubled by every further dismissal
    longest_pause_hours: float = 14 * 24
    p_overall: float = 0.2
    strategies: Mapping[str, float] = field(default_factory=dict)  # weights of comparison strategies
    p_repeat: float = 0.02
    p_gold: float = 0.0
    uniform_share: float = 0.1  # of p_pair
    overlap_share: float = 0.1  # of the pairs is served again …
    overlap_raters: int = 3  # … until so many have answered, whatever the answer
    overlap_weight: float = 20
    pool_size: int = 200  # eligible pairs a strategy, the newest
    expires_minutes: float = 60

    def __post_init__(self) -> None:
        if sum(self.p_ask.get(surface, 0.0) for surface in BESIDE_COMPARE) >= 1:
            raise ValueError("p_ask of the surfaces on Compare's page must add up to less than 1.")
        probabilities = [*self.p_ask.values(), self.p_overall, self.uniform_share, self.overlap_share]
        if not all(0 <= p <= 1 for p in [*probabilities, self.p_repeat, self.p_gold]):
            raise ValueError("Every probability must be between 0 and 1.")
        if self.p_repeat + self.p_gold >= 1:
            raise ValueError("p_repeat and p_gold must add up to less than 1.")
        if self.uniform_share <= 0 or any(share <= 0 for share in self.strategies.values()):
            raise ValueError("uniform_share and every strategy must be above 0: a propensity of 0 has no weight.")
        if self.asks_per_day < 0 or self.dismissals_in_row < 1 or self.pool_size < 1 or self.expires_minutes <= 0:
            raise ValueError(
                "asks_per_day must be at least 0; dismissals_in_row, pool_size and expires_minutes above 0."
            )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Reads `Policy.parameters`; raises ValueError for a name it does not know or a number out of range."""
        if unknown := set(values) - {each.name for each in fields(cls)}:
            raise ValueError(f"A policy has no parameter {', '.join(sorted(unknown))}.")
        return cls(**values)


class Limit(StrEnum):
    """The limit that makes p_ask 0; empty: none."""

    NONE = ""
    DAY = "day"
    SPACING = "spacing"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class PastAsk:
    """An earlier ask of the same member on the result or post page."""

    created_at: datetime
    outcome: str
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AskDraw:
    """Whether to ask, with p_ask; if so, which question and in which direction its scale is shown."""

    is_asked: bool
    p_ask: float
    limit: Limit
    question: str = ""
    p_question: float = 1.0
    is_scale_reversed: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that may be shown: ids, the lower first, how many members answered it, and for a repeat its sides."""

    low: int
    high: int
    raters: int = 0
    swap: bool | None = None  # None: drawn at random; True: the higher id on the left


@dataclass(frozen=True, slots=True)
class PairDraw:
    candidate: Candidate
    strategy: str
    p_strategy: float
    p_pair: float
    is_side_swapped: bool
    p_side: float
    is_high_spoiled: bool | None = None  # of a gold pair


def floored(weights: Mapping[Key, float]) -> dict[Key, float]:
    """Probabilities in proportion to `weights` (at most 100, not all 0); those below `FLOOR` are raised to it."""
    most = max(weights.values())
    weights = {key: weight / most for key, weight in weights.items()}  # however small they are, their sum divides
    total = sum(weights.values())
    raised: set[Key] = set()
    while True:
        rest = sum(weight for key, weight in weights.items() if key not in raised) or total
        scale = (1 - FLOOR * len(raised)) / rest
        scaled = {key: FLOOR if key in raised else weight * scale for key, weight in weights.items()}
        low = {key for key, weight in scaled.items() if key not in raised and weight < FLOOR}
        if not low:
            return scaled
        raised |= low


def choose(probabilities: Mapping[Key, float], rng: random.Random) -> tuple[Key, float]:
    """One key and the probability it had."""
    key = rng.choices(list(probabilities), list(probabilities.values()))[0]
    return key, probabilities[key]


def limit_of(parameters: Parameters, recent: Sequence[PastAsk], now: datetime) -> Limit:
    """The limit that applies to a member, given their asks on the result and post pages, newest first."""
    pause = pause_until(parameters, recent)
    if pause is not None and now < pause:
        return Limit.PAUSE
    if sum(ask.created_at > now - DAY for ask in recent) >= parameters.asks_per_day:
        return Limit.DAY
    if recent and now - recent[0].created_at < timedelta(minutes=parameters.minutes_between):
        return Limit.SPACING
    return Limit.NONE


def pause_until(parameters: Parameters, recent: Sequence[PastAsk]) -> datetime | None:
    """When a member who dismissed the latest questions may be asked again; None: asking is not paused.

    Expired asks and those never shown neither lengthen nor end a run of dismissals.
    """
    reactions = [ask for ask in recent if ask.outcome in {"answered", "skipped", "dismissed"}]
    run = next((n for n, ask in enumerate(reactions) if ask.outcome != "dismissed"), len(reactions))
    if run < parameters.dismissals_in_row:
        return None
    hours = parameters.pause_hours * 2 ** (run - parameters.dismissals_in_row)
    return (reactions[0].closed_at or reactions[0].created_at) + timedelta(
        hours=min(hours, parameters.longest_pause_hours)
    )


def tenure_of(joined_at: datetime, now: datetime) -> str:
    return "new" if now - joined_at < NEWCOMER else "regular"


def stratum_of(joined_at: datetime, recent: Sequence[PastAsk], now: datetime) -> str:
    """The stratum within which response is estimated: time since joining, and the outcome of the last ask."""
    closed = next((ask.outcome for ask in recent if ask.outcome != "open"), "")
    history = "first" if not closed else "answers" if closed == "answered" else "silent"
    return f"{tenure_of(joined_at, now)}/{history}"


def question_probabilities(parameters: Parameters, questions: Collection[str]) -> dict[str, float]:
    """`overall` has its own probability if it may be asked; the others divide the rest equally."""
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


def surface_probabilities(parameters: Parameters, available: Collection[str]) -> dict[str, float]:
    """Probabilities of the surfaces of Compare's page that have something to ask and that the policy asks on.

    “Which is better” takes what the others leave; where it has no pair, the others divide it by their shares.
    """
    others = {name: share for name in BESIDE_COMPARE if name in available and (share := parameters.p_ask.get(name, 0))}
    if COMPARE not in available:
        return floored(others) if others else {}
    return floored({COMPARE: 1 - sum(others.values()), **others})


def strategy_probabilities(parameters: Parameters, available: Collection[str]) -> dict[str, float]:
    """Probabilities of the strategies that have a pair. Hidden checks keep theirs and never come alone."""
    fresh = {name: share for name, share in parameters.strategies.items() if name in available}
    if not fresh:
        return {}
    checks = {REPEAT: parameters.p_repeat, GOLD: parameters.p_gold}
    checks = {name: share for name, share in checks.items() if share and name in available}
    left = (1 - sum(checks.values())) / sum(fresh.values())
    return floored({name: share * left for name, share in fresh.items()} | checks)


def _pair_hash(what: str, candidate: Candidate) -> float:
    """A pseudo-random number in 0…1 that depends on the pair alone."""
    digest = hashlib.blake2b(f"{what}{candidate.low}:{candidate.high}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def is_overlap(parameters: Parameters, candidate: Candidate) -> bool:
    """Whether a pair is one of those shown to several members."""
    return _pair_hash("", candidate) < parameters.overlap_share


def is_high_spoiled(candidate: Candidate) -> bool:
    """Whether the higher id of a gold pair is the spoiled side."""
    return _pair_hash("gold:", candidate) < 0.5


def pair_probabilities(parameters: Parameters, candidates: Sequence[Candidate]) -> list[float]:
    """p_pair of each candidate: weight for new pairs and unfinished overlaps, mixed with a uniform share."""
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
    """Which pair to show by which strategy, and on which sides; None if no strategy has a pair."""
    probabilities = strategy_probabilities(parameters, [name for name, pool in pools.items() if pool])
    if not probabilities:
        return None
    strategy, p_strategy = choose(probabilities, rng)
    pool = pools[strategy]
    p_pairs = pair_probabilities(parameters, pool)
    index = rng.choices(range(len(pool)), p_pairs)[0]
    candidate = pool[index]
    return PairDraw(
        candidate=candidate,
        strategy=strategy,
        p_strategy=p_strategy,
        p_pair=p_pairs[index],
        is_side_swapped=rng.random() < 0.5 if candidate.swap is None else candidate.swap,
        p_side=0.5 if candidate.swap is None else 1.0,
        is_high_spoiled=is_high_spoiled(candidate) if strategy == GOLD else None,
    )
