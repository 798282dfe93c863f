"""Voting on challenges: drawing pairs, reading what the votes add up to, and closing challenges.

Pairs are asks of the ledger as all others, with strategy `challenge-active`; they are answered by
`ratings.asking.services.answer_comparison`. Votes on two entries of a challenge that Compare drew count as well.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from feed.challenges.models import Challenge, ChallengeEntry, Stage
from feed.challenges.results import resting_members, store_outcome
from feed.models import Post
from generation.models import Image
from lib.errors import Refused
from lib.limits import check_rate
from moderation.restrictions.services import require_unrestricted
from ratings.asking import sampling
from ratings.asking.drawing import DRAWS_A_MINUTE, PREFERENCE
from ratings.asking.models import Ask, AskOutcome, AskQuerySet, Policy, Question, Surface
from ratings.asking.pairing import Strategy
from ratings.asking.pools import askable_images
from ratings.challenges.closing import decide_closing
from ratings.challenges.counting import Count, count_votes
from ratings.challenges.design import Field, Pair, draw_pair
from ratings.quality.flags import RATERS, evaluate_raters

VOTES_A_JUDGE = 40  # pairs that one member is shown of one challenge
VISIBLE_SECONDS = 60  # which entries a judge may see is read again after this
SIDES = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How many pairs a judge has answered, and of how many."""

    answered: int
    most: int

    @property
    def is_done(self) -> bool:
        return self.answered >= self.most


def pairs_of(challenge: Challenge, rater: User) -> AskQuerySet:
    """The pairs of a challenge's entries that a judge was drawn, on whichever page; without those never shown."""
    entered = ChallengeEntry.objects.filter(challenge=challenge).values("post__image")
    asked = Ask.objects.about_pair().filter(rater=rater, image_low__in=entered, image_high__in=entered)
    return asked.exclude(outcome=AskOutcome.NOT_RENDERED)


def progress_of(challenge: Challenge, rater: User, *, at: datetime) -> Progress:
    outcomes = list(pairs_of(challenge, rater).values_list("outcome", flat=True))
    entries = len(_visible_entries(challenge, rater, at))
    answered = sum(outcome in {AskOutcome.ANSWERED, AskOutcome.SKIPPED} for outcome in outcomes)
    return Progress(answered, min(VOTES_A_JUDGE, entries * (entries - 1) // 2))


@transaction.atomic
def draw_vote(
    *, challenge: Challenge, rater: User, at: datetime | None = None, rng: random.Random | None = None
) -> Ask | None:
    """The next pair of a challenge for `rater`: the one left open, else a new draw; None where none is left.

    Raises:
        Refused: 403 for a member who may not vote; 409 `not_voting` before the day is over and once it is decided;
            429 for too many draws.
    """
    at = at or timezone.now()
    check_rate(key=f"compare:{rater.pk}", limit=DRAWS_A_MINUTE, seconds=60)
    require_unrestricted(user=rater, doing="vote", at=at)
    if challenge.stage(at) != Stage.VOTING or at >= challenge.voting_ends_at:
        raise Refused("not_voting", _("Voting on this challenge is not open."), status=409)
    User.objects.select_for_update(no_key=True).only("pk").get(pk=rater.pk)  # two tabs draw one after the other
    asked = pairs_of(challenge, rater)
    open_pairs = asked.select_related("question", "image_low", "image_high")
    left_open = open_pairs.answerable(askable_images(rater, at), at).order_by("-pk").first()
    if left_open is not None:
        return left_open
    seen = set(asked.values_list("image_low", "image_high"))
    if len(seen) >= VOTES_A_JUDGE:
        return None
    rng = rng or random.SystemRandom()
    drawn = draw_pair(_field_of(challenge, rater, at), seen=seen, rng=rng)
    return _create_ask(drawn, challenge, rater, at, rng) if drawn else None


def _create_ask(pair: Pair, challenge: Challenge, rater: User, at: datetime, rng: random.Random) -> Ask:
    """Writes the pair to the ledger; now and then one side is shown spoiled, as a check that does not count."""
    policy = Policy.objects.current()
    parameters = sampling.Parameters.from_json(policy.parameters)
    p_gold = parameters.p_gold
    is_gold = rng.random() < p_gold
    images = Image.objects.in_bulk([pair.low, pair.high])
    question = Question.objects.active().get(slug=PREFERENCE)
    spoiled = sampling.is_high_spoiled(sampling.Candidate(pair.low, pair.high)) if is_gold else None
    return Ask.objects.create(
        policy=policy,
        surface=Surface.COMPARE,
        stratum=sampling.tenure_of(rater.date_joined, at),
        rater=rater,
        image_low=images[pair.low],
        image_high=images[pair.high],
        question=question,
        language=question.wording().language,
        strategy=sampling.GOLD if is_gold else Strategy.CHALLENGE_ACTIVE,
        p_ask=1.0,
        p_question=1.0,
        p_strategy=p_gold if is_gold else 1.0 - p_gold,
        p_pair=pair.p_pair,
        p_side=SIDES,
        is_side_swapped=rng.random() < SIDES,
        is_gold=is_gold,
        is_high_spoiled=spoiled,
        rater_is_author=False,
        created_at=at,
        expires_at=min(at + timedelta(minutes=parameters.expires_minutes), challenge.voting_ends_at),
    )


def _field_of(challenge: Challenge, rater: User, at: datetime) -> Field:
    """The entries that `rater` may be shown, with the standing so far."""
    visible = _visible_entries(challenge, rater, at)
    count = cache.get(_state_key(challenge)) or refresh_count(challenge)
    known = {image: place for place, image in enumerate(count.images)}
    rows = [(image, digest) for image, digest in visible if image in known]
    places = [known[image] for image, _digest in rows]
    groups: dict[str, int] = {}
    alike = [groups.setdefault(digest or f"#{image}", len(groups)) for image, digest in rows]
    standing = count.standing
    return Field(
        ids=np.array([image for image, _digest in rows], np.int64),
        alike=np.array(alike, np.int64),
        theta=standing.theta[places],
        variance=standing.variance[places],
        appearances=standing.appearances[places],
    )


def _visible_entries(challenge: Challenge, rater: User, at: datetime) -> list[tuple[int, str]]:
    """(image, digest) of the entries by others that `rater` may see, as of the last minute."""
    key = f"ratings:challenge-visible:{challenge.pk}:{rater.pk}"
    found: list[tuple[int, str]] | None = cache.get(key)
    if found is None:
        entries = ChallengeEntry.objects.filter(
            challenge=challenge,
            post__in=Post.objects.listed_for(rater, at).values("pk"),
            post__image__in=askable_images(rater, at).values("pk"),
        )
        rows = entries.exclude(member=rater).exclude(post__author=rater).order_by("pk")
        found = list(rows.values_list("post__image", "post__image__jpeg_sha256"))
        cache.set(key, found, VISIBLE_SECONDS)
    return found


def _state_key(challenge: Challenge) -> str:
    return f"ratings:challenge-count:{challenge.pk}"


def refresh_count(challenge: Challenge) -> Count:
    """Counts the votes so far and keeps the count for the draws of the next minute."""
    count = count_votes(challenge, most=VOTES_A_JUDGE)
    cache.set(_state_key(challenge), count, VISIBLE_SECONDS)
    return count


def close_challenge(*, challenge: Challenge, at: datetime) -> bool:
    """Closes a challenge if it is decided at `at`; True for the one call that did.

    The quality flags of everybody who voted are brought up to date first, so that what is written is what counts.
    """
    if challenge.stage(at) != Stage.VOTING:
        return False
    count = refresh_count(challenge)
    if _closing_of(challenge, count, at) is None:
        return False
    raters = sorted(set(count.raters))
    for start in range(0, len(raters), RATERS):
        evaluate_raters(raters=raters[start : start + RATERS], at=at)
    count = refresh_count(challenge)
    closing = _closing_of(challenge, count, at)
    return closing is not None and store_outcome(challenge=challenge, outcome=count.outcome(str(closing)), at=at)


def _closing_of(challenge: Challenge, count: Count, at: datetime) -> str | None:
    public = set(Post.objects.public(at).filter(challenge_entries__challenge=challenge).values_list("image", flat=True))
    resting = resting_members(challenge)
    return decide_closing(
        count.standing,
        shown=[place for place, image in enumerate(count.images) if image in public],
        resting=[place for place, member in enumerate(count.members) if member in resting],
        judges=len(count.judges),
        at=at,
        ends_at=challenge.voting_ends_at,
    )


def close_challenges(*, at: datetime | None = None) -> int:
    """Closes every challenge that is decided; returns how many."""
    at = at or timezone.now()
    return sum(close_challenge(challenge=challenge, at=at) for challenge in Challenge.objects.voting(at))
