"""The members of `challenge_world` on the site itself: they publish, enter and vote through the services people use.

Only the pictures are made by arithmetic. A day's pictures are entered at noon; on the day after everybody comes once,
in any order, and the scheduler looks now and then whether the challenge is decided.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import numpy as np
from django.core.cache import cache
from django.db import transaction

from accounts.models import User
from benchmarks.support.challenge_world import (
    Day,
    Made,
    Sizes,
    answer,
    judges_of,
    likes_of,
    make_entries,
    position_of,
    wanted_votes,
    weight_of,
)
from feed.challenges.services import enter_challenge
from feed.challenges.themes.calendar import schedule_challenges
from feed.models import Challenge, ChallengeEntry
from feed.posts.services import publish_image
from feed.rates import unlimited
from generation.models import Image
from lib.days import day_bounds, local_day
from lib.errors import Refused
from ratings.asking.models import Ask, Comparison
from ratings.asking.services import answer_comparison, mark_shown
from ratings.asking.tokens import token_for
from ratings.challenges.counting import count_votes, trust_of
from ratings.challenges.services import VOTES_A_JUDGE, close_challenge, draw_vote
from ratings.simulation.state import simulated_user

TRIES = 5  # entries that the flooder makes a day, where three are taken
LOOKS = 20  # of the scheduler at a day of voting
PAUSE = timedelta(seconds=1)  # between two pairs of a judge

MakeImage = Callable[..., Image]


@dataclass
class Month:
    """Days of challenges whose last one was decided before `end`.

    Args:
        make_image: of a member, prompt, seed, time, width and height: a finished picture with its files.
    """

    seed: int
    sizes: Sizes
    end: datetime
    make_image: MakeImage
    refused: int = 0  # entries of the flooder
    members: dict[str, User] = field(default_factory=dict)

    def run(self, days: int) -> Iterator[Day]:
        first = local_day(self.end) - timedelta(days=days + 1)
        joined = day_bounds(first)[0] - timedelta(days=30)
        self.members = {name: simulated_user(name, joined) for name in judges_of(self.sizes)}
        schedule_challenges(today=first, days=days)
        for number in range(days):
            challenge = Challenge.objects.get(day=first + timedelta(days=number))
            with unlimited():  # a month passes in an hour
                day = _DayOfMonth(self, challenge, number).play()
            yield day


@dataclass
class _DayOfMonth:
    month: Month
    challenge: Challenge
    number: int
    rng: random.Random = field(init=False)
    entries: list[Made] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)  # of an image among the entries

    def play(self) -> Day:
        self.rng = random.Random(f"month:{self.month.seed}:{self.number}")
        self._enter()
        self._vote()
        return self._look_back()

    def _enter(self) -> None:
        made = make_entries(self.month.sizes, self.number, self.rng)
        made += [Made("flooder", self.rng.gauss(0.5, 1)) for _ in range(TRIES - 3)]
        noon = datetime.combine(self.challenge.day, time(12), tzinfo=UTC)
        for minute, each in enumerate(made):
            member, at = self.month.members[each.author], noon + timedelta(minutes=minute)
            prompt = f"{self.challenge.theme}, {self.number}-{minute}"
            image = self.month.make_image(member, prompt=prompt, seed=minute, at=at, width=96, height=96)
            post = publish_image(image=image, author=member, at=at)
            try:
                enter_challenge(challenge=self.challenge, post=post, member=member, at=at)
            except Refused as refused:
                if refused.code != "too_many_entries":
                    raise
                self.month.refused += 1
            else:
                self.place[image.pk] = len(self.entries)
                self.entries.append(each)

    def _vote(self) -> None:
        """Everybody comes once; who comes after the end finds the challenge decided."""
        cache.clear()  # rates of the day before
        judges = judges_of(self.month.sizes)
        self.rng.shuffle(judges)
        start, end = self.challenge.entries_end_at, self.challenge.voting_ends_at
        every = max(len(judges) // LOOKS, 1)
        for turn, name in enumerate(judges):
            at = start + (end - start) * (turn + 0.5) / (len(judges) + 1)
            if turn % every == 0 and close_challenge(challenge=self.challenge, at=at):
                return
            self._visit(name, at)
        close_challenge(challenge=self.challenge, at=end)

    def _visit(self, name: str, at: datetime) -> None:
        member = self.month.members[name]
        for _ in range(wanted_votes(name, self.month.sizes, self.rng)):
            ask = draw_vote(challenge=self.challenge, rater=member, at=at, rng=self.rng)
            if ask is None:
                break
            at = self._answer(ask, member, at) + PAUSE

    def _answer(self, ask: Ask, member: User, at: datetime) -> datetime:
        assert ask.left is not None
        assert ask.right is not None
        token = token_for(ask)
        mark_shown(token=token, rater=member, at=at)
        sides = self.place[ask.left.pk], self.place[ask.right.pk]
        score, ms = answer(member.username, self.entries, *sides, self.rng)
        outcome = "left" if score else "right"
        if ask.spoiled and member.username != "clicker":  # who looks does not prefer a spoiled picture
            outcome = "right" if ask.left.pk == ask.spoiled else "left"
        later = at + timedelta(milliseconds=ms)
        answer_comparison(token=token, rater=member, outcome=outcome, dwell_ms=ms, at=later)
        return later

    def _look_back(self) -> Day:
        """What the site made of the day, and what likes would have."""
        self.challenge.refresh_from_db()
        theta, honest_theta = self._strengths(), self._strengths_without_ring()
        best = max(range(len(self.entries)), key=lambda n: self.entries[n].quality)
        ring = next(n for n, made in enumerate(self.entries) if made.author.startswith("ring"))
        likes, honest_likes, liked = likes_of(self.entries, judges_of(self.month.sizes), self.rng)
        won = ChallengeEntry.objects.filter(challenge=self.challenge, place=1).select_related("member").first()
        return Day(
            best_by_votes=position_of(theta, best),
            best_by_likes=position_of(likes, best),
            moved_by_votes=position_of(honest_theta, ring) - position_of(theta, ring),
            moved_by_likes=position_of(honest_likes, ring) - position_of(likes, ring),
            winner_by_votes=won.member.username if won else "",
            winner_by_likes=liked,
            closing=self.challenge.closing,
            votes=self.challenge.vote_count,
            judges=self.challenge.judge_count,
            weight=self._weight(ring),
        )

    def _strengths(self) -> np.ndarray:
        count = count_votes(self.challenge, most=VOTES_A_JUDGE)
        return count.standing.theta[np.argsort([self.place[image] for image in count.images])]

    @transaction.atomic
    def _strengths_without_ring(self) -> np.ndarray:
        Comparison.objects.filter(rater__username__startswith="ring").update(quality_flags=["ring"])
        found = self._strengths()
        transaction.set_rollback(True)
        return found

    def _weight(self, ring: int) -> dict[str, float]:
        trusted = trust_of(self.challenge)
        votes: list[tuple[str, int, int]] = []
        weight: list[float] = []
        rows = Comparison.objects.votes().filter(image_low__in=self.place, image_high__in=self.place)
        for vote in rows.select_related("rater"):
            sides = self.place[vote.image_low_id], self.place[vote.image_high_id]
            authors = [self.month.members[self.entries[n].author].pk for n in sides]
            votes.append((vote.rater.username, *sides))
            kept = [trusted.get((vote.rater_id, author), 1.0) for author in authors]
            weight.append(0.0 if vote.quality_flags else kept[0] * kept[1])
        return weight_of(votes, np.array(weight), ring)
