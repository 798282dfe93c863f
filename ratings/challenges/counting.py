"""Which votes of a challenge count, and what they add up to."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp

import numpy as np
from django.core.cache import cache

from feed.challenges.models import RANKED, Challenge, ChallengeEntry
from feed.challenges.results import Outcome, Score
from ratings.asking.models import Comparison
from ratings.asking.pairing import FROM_CHALLENGES
from ratings.challenges.standings import Standing, fit_standing, trust, weigh_judges
from ratings.research.statistics import Votes

HISTORY = timedelta(days=30)
TRUST_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Count:
    """The votes of a challenge so far, by places in the standing: `entries`, `images` and `members` are ids."""

    entries: list[int]
    images: list[int]
    members: list[int]
    raters: list[int]  # of each vote
    votes: Votes
    standing: Standing

    @property
    def judges(self) -> set[int]:
        """Members with a vote that counts."""
        return {rater for rater, weight in zip(self.raters, self.votes.weight, strict=True) if weight > 0}

    def outcome(self, closing: str) -> Outcome:
        """What is written when the challenge closes; without a ranking no entry has a score."""
        counted = self.votes.at(np.flatnonzero(self.votes.weight > 0))
        scores = self._scores(counted) if closing in RANKED else {}
        return Outcome(
            closing=closing,
            judges=len(self.judges),
            votes=len(counted),
            agreement=self._agreement(counted) if scores else None,
            scores=scores,
        )

    def _scores(self, counted: Votes) -> dict[int, Score]:
        won: Counter[int] = Counter()
        lost: Counter[int] = Counter()
        tied: Counter[int] = Counter()
        for first, second, score in zip(counted.first, counted.second, counted.score, strict=True):
            if score == 0.5:
                tied.update((int(first), int(second)))
            else:
                winner, loser = (first, second) if score else (second, first)
                won[int(winner)] += 1
                lost[int(loser)] += 1
        theta = self.standing.theta
        return {
            entry: Score(float(theta[n]), *self.standing.interval(n), wins=won[n], losses=lost[n], ties=tied[n])
            for n, entry in enumerate(self.entries)
        }

    def _agreement(self, counted: Votes) -> float | None:
        """The share of votes, ties apart, for the entry that came out stronger."""
        decided = counted.at(np.flatnonzero(counted.score != 0.5))
        if not len(decided):
            return None
        lead = self.standing.theta[decided.first] - self.standing.theta[decided.second]
        return float(((lead > 0) == (decided.score == 1)).mean())


def count_votes(challenge: Challenge, *, most: int) -> Count:
    """Counts the first `most` votes of each judge; those with a quality flag weigh nothing.

    “Both bad” is a tie. Repeats, checks, and votes by the author of either picture are none.
    """
    entries = list(
        ChallengeEntry.objects.filter(challenge=challenge).order_by("pk").values_list("pk", "post__image", "member")
    )
    images = [image for _pk, image, _member in entries]
    place = {image: n for n, image in enumerate(images)}
    author = {image: member for _pk, image, member in entries}
    trusted = trust_of(challenge)
    given: Counter[int] = Counter()
    kept = []
    for rater, low, high, preferred, flags in _votes_on(images, before=challenge.voting_ends_at):
        given[rater] += 1
        if given[rater] <= most:
            weight = trusted.get((rater, author[low]), 1.0) * trusted.get((rater, author[high]), 1.0)
            kept.append((rater, place[low], place[high], _score(preferred, low), 0.0 if flags else weight))
    votes = weigh_judges(_as_votes(kept), len(entries))
    return Count(
        entries=[pk for pk, _image, _member in entries],
        images=images,
        members=[member for _pk, _image, member in entries],
        raters=[row[0] for row in kept],
        votes=votes,
        standing=fit_standing(votes, len(entries)),
    )


def _score(preferred: int | None, low: int) -> float:
    return 0.5 if preferred is None else float(preferred == low)


def _votes_on(images: list[int], *, before: datetime) -> Iterator[tuple[int, int, int, int | None, list[str]]]:
    """(rater, lower image, higher image, preferred, quality flags) of the votes on pairs of some images, in order."""
    rows = Comparison.objects.votes().filter(
        image_low__in=images,
        image_high__in=images,
        ask__strategy__in=FROM_CHALLENGES,
        ask__rater_is_author=False,
        created_at__lt=before,
    )
    columns = ("rater", "image_low", "image_high", "preferred", "quality_flags")
    return rows.order_by("pk").values_list(*columns).iterator()


def trust_of(challenge: Challenge) -> dict[tuple[int, int], float]:
    """Weights below 1 by (judge, member), from the challenges that were decided within `HISTORY` before this one."""
    key = f"ratings:challenge-trust:{challenge.pk}"
    found: dict[tuple[int, int], float] | None = cache.get(key)
    if found is None:
        found = _trust_of(challenge)
        cache.set(key, found, TRUST_SECONDS)
    return found


def _trust_of(challenge: Challenge) -> dict[tuple[int, int], float]:
    earlier = Challenge.objects.finished().filter(day__gte=challenge.day - HISTORY, day__lt=challenge.day)
    sums: defaultdict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for past in earlier:
        entries = past.entries.exclude(strength=None).values_list("post__image", "member", "strength")
        known = {image: (member, strength or 0.0) for image, member, strength in entries}
        for rater, low, high, preferred, _flags in _votes_on(list(known), before=past.voting_ends_at):
            (one, above), (other, below) = known[low], known[high]
            chance = 1 / (1 + exp(below - above))
            surprise, variance = _score(preferred, low) - chance, chance * (1 - chance)
            for member, sign in ((one, 1), (other, -1)):
                cell = sums[rater, member]
                cell[0] += sign * surprise
                cell[1] += variance
    if not sums:
        return {}
    weights = trust(*(np.array(column) for column in zip(*sums.values(), strict=True)))
    return {pair: float(weight) for pair, weight in zip(sums, weights, strict=True) if weight < 1}


def _as_votes(rows: list[tuple[int, int, int, float, float]]) -> Votes:
    numbers: dict[int, int] = {}
    rater = np.array([numbers.setdefault(row[0], len(numbers)) for row in rows], np.int64)
    return Votes(
        first=np.array([row[1] for row in rows], np.int64),
        second=np.array([row[2] for row in rows], np.int64),
        score=np.array([row[3] for row in rows], float),
        rater=rater,
        prompt=rater,
        weight=np.array([row[4] for row in rows], float),
    )
