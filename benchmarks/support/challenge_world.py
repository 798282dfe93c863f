"""A community of made-up members who enter challenges and vote on them: honest ones, and four who are not. Pure.

Each day the same entries are also ranked by likes, without any of the rules, so that every figure has one beside it.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import exp

import numpy as np

from feed.challenges.places import Result, is_resting, places_of
from ratings.challenges.closing import decide_closing
from ratings.challenges.design import Field, draw_pair
from ratings.challenges.services import VOTES_A_JUDGE
from ratings.challenges.standings import Standing, fit_standing, trust, weigh_judges
from ratings.quality.rules import Answer, flags_of
from ratings.research.statistics import Votes

SITE_MEDIANS = {True: 6000.0, False: 4000.0}  # ms
START = date(2026, 1, 1)
SLOPE = 1.2  # log-odds of a vote for one standard deviation of quality
TASTE = 0.6  # a member's own liking of a picture, beside the quality common to all
REFIT_EVERY = 400  # votes
FLOOD = 80  # entries that the flooder would like to make; three are taken
RING = 20  # of whom a few enter, one a day, and all vote for that entry
RING_AUTHORS = 4
HISTORY = 30  # days


@dataclass(frozen=True)
class Made:
    """An entry: who made it, and how good it is to everybody."""

    author: str
    quality: float


@dataclass(frozen=True)
class Sizes:
    judges: int = 200  # honest ones
    entrants: int = 30
    ring: int = RING
    pairs: tuple[int, int] = (5, 35)  # how many an honest judge answers: from, to
    greedy: int = VOTES_A_JUDGE  # and how many those of the ring and the clicker


@dataclass
class Day:
    """What came of one day: positions by votes and by likes, 0 the first; and how far each moved the ring's entry."""

    best_by_votes: int
    best_by_likes: int
    moved_by_votes: int
    moved_by_likes: int
    winner_by_votes: str
    winner_by_likes: str
    closing: str
    votes: int
    judges: int  # with a vote that counted
    weight: dict[
        str, float
    ]  # what flags and trust leave of a vote, on average: of honest judges, the clicker, the ring


@dataclass
class World:
    seed: int
    sizes: Sizes = field(default_factory=Sizes)
    won_on: dict[str, list[date]] = field(default_factory=dict)
    history: list["_Cast"] = field(default_factory=list)  # of the last days

    def run(self, days: int) -> Iterator[Day]:
        return map(self._day, range(days))

    def _day(self, number: int) -> Day:
        rng = random.Random(f"{self.seed}:{number}")
        entries = make_entries(self.sizes, number, rng)
        day = START + timedelta(days=number)
        judges = judges_of(self.sizes)
        cast = _Cast(entries, judges, self.sizes, rng, _trust(self.history[-HISTORY:]))
        cast.vote()
        cast.weight = cast.counted(cast.votes).weight
        cast.final = cast.standing()
        self.history.append(cast)
        standing, honest = cast.final, cast.standing(without="ring")
        resting = [is_resting(day, self.won_on.get(made.author, [])) for made in entries]
        places = places_of([Result(n, float(standing.theta[n]), is_resting=resting[n]) for n in range(len(entries))])
        winner = next(entries[n].author for n, place in places.items() if place == 1)
        self.won_on.setdefault(winner, []).append(day)
        likes, honest_likes, flooded = likes_of(entries, judges, rng)
        best = max(range(len(entries)), key=lambda n: entries[n].quality)
        ring = next(n for n, made in enumerate(entries) if made.author.startswith("ring"))
        ends = datetime(2026, 1, 2, tzinfo=UTC)
        shown = range(len(entries))
        closing = decide_closing(standing, shown=shown, judges=len(judges), at=ends, ends_at=ends)
        return Day(
            best_by_votes=position_of(standing.theta, best),
            best_by_likes=position_of(likes, best),
            moved_by_votes=position_of(honest.theta, ring) - position_of(standing.theta, ring),
            moved_by_likes=position_of(honest_likes, ring) - position_of(likes, ring),
            winner_by_votes=winner,
            winner_by_likes=flooded,
            closing=str(closing),
            votes=len(cast.votes),
            judges=len({vote[3] for vote, weight in zip(cast.votes, cast.weight, strict=True) if weight > 0}),
            weight=weight_of([(judges[vote[3]], vote[0], vote[1]) for vote in cast.votes], cast.weight, ring),
        )


@dataclass
class _Cast:
    """The votes of one day, drawn by the design that the site uses."""

    entries: Sequence[Made]
    judges: Sequence[str]
    sizes: Sizes
    rng: random.Random
    trusted: dict[tuple[str, str], float] = field(default_factory=dict)  # by judge and author
    final: Standing = field(init=False)
    weight: np.ndarray = field(init=False)  # of each vote by flags and trust
    votes: list[tuple[int, int, float, int, int]] = field(default_factory=list)  # first, second, score, judge, ms

    def vote(self) -> None:
        ids = range(len(self.entries))
        seen: dict[int, set[tuple[int, int]]] = {n: set() for n in range(len(self.judges))}
        turns = [n for n, name in enumerate(self.judges) for _ in range(wanted_votes(name, self.sizes, self.rng))]
        self.rng.shuffle(turns)
        standing = fit_standing(_arrays([]), len(ids))
        for turn, judge in enumerate(turns):
            if turn % REFIT_EVERY == 0:
                standing = fit_standing(_arrays(self.votes), len(ids))
            others = np.array([n for n in range(len(ids)) if self.entries[n].author != self.judges[judge]])
            shown = Field(
                others, others, standing.theta[others], standing.variance[others], standing.appearances[others]
            )
            pair = draw_pair(shown, seen=seen[judge], rng=self.rng)
            if pair is None:
                continue
            seen[judge].add((pair.low, pair.high))
            score, ms = answer(self.judges[judge], self.entries, pair.low, pair.high, self.rng)
            self.votes.append((pair.low, pair.high, score, judge, ms))

    def standing(self, without: str = "-") -> Standing:
        """As the site counts: flagged votes not at all, those of judges who disagree with everybody less."""
        kept = [vote for vote in self.votes if not self.judges[vote[3]].startswith(without)]
        return fit_standing(weigh_judges(self.counted(kept), len(self.entries)), len(self.entries))

    def counted(self, votes: Sequence[tuple[int, int, float, int, int]]) -> Votes:
        """The votes with weights by flags and trust."""
        return _arrays(votes, self._flagged(votes), [self._trust_in(vote) for vote in votes])

    def _trust_in(self, vote: tuple[int, int, float, int, int]) -> float:
        judge = self.judges[vote[3]]
        low, high = self.entries[vote[0]].author, self.entries[vote[1]].author
        return self.trusted.get((judge, low), 1.0) * self.trusted.get((judge, high), 1.0)

    def _flagged(self, votes: Sequence[tuple[int, int, float, int, int]]) -> set[int]:
        """Places of votes with a quality flag, by the rules of the site."""
        at = datetime(2026, 1, 1, tzinfo=UTC)
        by_judge: dict[int, list[Answer]] = {}
        for place, (low, high, score, judge, ms) in enumerate(votes):
            outcome = "left" if score else "right"
            by_judge.setdefault(judge, []).append(Answer(place, at, outcome, ms, (low, high), low if score else high))
        checked = [flags_of(answers, site_medians=SITE_MEDIANS) for answers in by_judge.values()]
        return {place for flags in checked for place in flags}


def _arrays(
    votes: Sequence[tuple[int, int, float, int, int]],
    flagged: Collection[int] = (),
    trusted: Sequence[float] | None = None,
) -> Votes:
    first, second, score, judge = (np.array([vote[column] for vote in votes]) for column in range(4))
    weight = np.array([1.0] * len(votes) if trusted is None else trusted)
    weight[list(flagged)] = 0.0
    numbers = judge.astype(np.int64)
    return Votes(first.astype(np.int64), second.astype(np.int64), score.astype(float), numbers, numbers, weight)


def _trust(days: "Sequence[_Cast]") -> dict[tuple[str, str], float]:
    """As `ratings.challenges.counting.trust_of` reads it from the database."""
    sums: dict[tuple[str, str], list[float]] = {}
    for day in days:
        for low, high, score, judge, _ms in day.votes:
            chance = 1 / (1 + exp(day.final.theta[high] - day.final.theta[low]))
            for entry, sign in ((low, 1), (high, -1)):
                cell = sums.setdefault((day.judges[judge], day.entries[entry].author), [0.0, 0.0])
                cell[0] += sign * (score - chance)
                cell[1] += chance * (1 - chance)
    if not sums:
        return {}
    weights = trust(*(np.array(column) for column in zip(*sums.values(), strict=True)))
    return {pair: float(weight) for pair, weight in zip(sums, weights, strict=True) if weight < 1}


def weight_of(votes: Sequence[tuple[str, int, int]], weight: np.ndarray, ring: int) -> dict[str, float]:
    """Means of the weights of votes (judge, first, second), by who cast them; of the ring's, those on its entry `ring`.

    A group without a vote is not among them.
    """
    groups: dict[str, list[float]] = {}
    for (judge, first, second), each in zip(votes, weight, strict=True):
        is_ring = judge.startswith("ring")
        if not is_ring or ring in {first, second}:
            group = "ring" if is_ring else judge if judge == "clicker" else "honest"
            groups.setdefault(group, []).append(float(each))
    return {group: sum(each) / len(each) for group, each in groups.items()}


def judges_of(sizes: Sizes) -> list[str]:
    """Names of everybody who votes."""
    honest = [f"judge{n}" for n in range(sizes.judges)]
    return honest + [f"ring{n}" for n in range(sizes.ring)] + ["clicker", "flooder", "equal"]


def make_entries(sizes: Sizes, number: int, rng: random.Random) -> list[Made]:
    """What is entered on day `number`: one to three each; flooder and equal are of one skill, and enter three each."""
    made = [
        Made(f"judge{n}", rng.gauss(0, 1))
        for n in rng.sample(range(sizes.judges), sizes.entrants)
        for _ in range(rng.choice((1, 1, 2)))
    ]
    made += [Made(name, rng.gauss(0.5, 1)) for name in ("flooder", "equal") for _ in range(3)]
    made.append(Made(f"ring{number % RING_AUTHORS}", rng.gauss(0, 1)))
    rng.shuffle(made)
    return made


def wanted_votes(judge: str, sizes: Sizes, rng: random.Random) -> int:
    """How many pairs a judge answers in a day."""
    return sizes.greedy if judge == "clicker" or judge.startswith("ring") else rng.randint(*sizes.pairs)


def answer(judge: str, entries: Sequence[Made], one: int, other: int, rng: random.Random) -> tuple[float, int]:
    """(1 for the first entry or 0 for the other, milliseconds) of a judge who sees two of `entries`."""
    if judge == "clicker":
        return float(rng.random() < 0.5), rng.randint(200, 500)
    if judge.startswith("ring"):
        for own, score in ((one, 1.0), (other, 0.0)):
            if entries[own].author.startswith("ring"):
                return score, rng.randint(2500, 9000)
    lead = SLOPE * (_liking(entries[one], judge, one) - _liking(entries[other], judge, other))
    return float(rng.random() < 1 / (1 + exp(-lead))), rng.randint(2500, 9000)


@lru_cache(maxsize=20_000)  # seeding is slow, and a day asks for the same again and again
def _liking(made: Made, judge: str, entry: int) -> float:
    taste = random.Random(f"{judge}:{entry}:{made.quality}").gauss(0, TASTE)
    return made.quality + taste


def position_of(scores: np.ndarray, entry: int) -> int:
    """How many are ahead of an entry."""
    return int((scores > scores[entry]).sum())


def likes_of(entries: Sequence[Made], judges: Sequence[str], rng: random.Random) -> tuple[np.ndarray, np.ndarray, str]:
    """(likes, likes but for the ring's, who would have won by likes if the flooder entered all he has)."""
    honest, ring = np.zeros(len(entries)), np.zeros(len(entries))
    for judge in judges:
        if judge.startswith("ring"):
            ring += [made.author.startswith("ring") for made in entries]
            continue
        for entry in rng.sample(range(len(entries)), min(12, len(entries))):
            is_liked = judge == "clicker" or _liking(entries[entry], judge, entry) + rng.gauss(0, 0.7) > 0.4
            honest[entry] += is_liked
    ties = np.array([rng.random() for _ in entries]) / 2
    flood = [Made("flooder", rng.gauss(0.5, 1)) for _ in range(FLOOD - 3)]
    seen = [
        sum(_liking(made, judge, -1) > 0.4 for judge in rng.sample(list(judges), min(40, len(judges)))) * 1.3
        for made in flood
    ]
    every = [*zip(honest + ring + ties, (made.author for made in entries), strict=True)]
    every += [(float(likes), "flooder") for likes in seen]
    return honest + ring + ties, honest + ties, max(every)[1]
