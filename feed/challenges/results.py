"""What comes of a challenge: written once when it is decided, with places that follow from who can be seen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet

from accounts.models import User, Viewer, WebhookEvent
from accounts.services import emit, notify
from feed.challenges.models import RANKED, Challenge, ChallengeEntry
from feed.challenges.places import POINTS, REST, Result, is_resting, places_of, streak_of
from feed.members.queries import visible_members
from feed.posts.models import Post
from lib.days import local_day
from lib.tasks import enqueue_on_commit

LEADERS = 50


@dataclass(frozen=True, slots=True)
class Score:
    """What the votes say of one entry: log-strength with its 95 % interval, and votes won, lost and tied."""

    strength: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Why voting ended, who took part, and the score of each entry (by id); none without a ranking."""

    closing: str
    judges: int
    votes: int
    agreement: float | None
    scores: Mapping[int, Score]


def resting_members(challenge: Challenge) -> set[int]:
    """Members (ids) who won within the two weeks before the challenge's day: their entries take no place."""
    since = challenge.day - REST
    won: dict[int, list[date]] = {}
    wins = ChallengeEntry.objects.filter(place=1, challenge__day__gte=since, challenge__day__lt=challenge.day)
    for member, day in wins.values_list("member", "challenge__day"):
        won.setdefault(member, []).append(day)
    return {member for member, days in won.items() if is_resting(challenge.day, days)}


def store_outcome(*, challenge: Challenge, outcome: Outcome, at: datetime) -> bool:
    """Writes the outcome and notifies who entered; False if somebody else has written it, or the day is not over.

    One conditional UPDATE decides: of two at once, one writes.
    """
    with transaction.atomic():
        undecided = Challenge.objects.filter(pk=challenge.pk, closed_at=None, day__lt=local_day(at))
        written = undecided.update(
            closed_at=at,
            closing=outcome.closing,
            judge_count=outcome.judges,
            vote_count=outcome.votes,
            agreement=outcome.agreement,
        )
        if not written:
            return False
        resting = resting_members(challenge)
        entries = list(ChallengeEntry.objects.filter(challenge=challenge).select_related("member", "post"))
        for entry in entries:
            score = outcome.scores.get(entry.pk)
            entry.is_resting = entry.member_id in resting
            if score is not None:
                entry.strength, entry.strength_low, entry.strength_high = score.strength, score.low, score.high
                entry.wins, entry.losses, entry.ties = score.wins, score.losses, score.ties
        figures = ["strength", "strength_low", "strength_high", "wins", "losses", "ties", "is_resting"]
        ChallengeEntry.objects.bulk_update(entries, figures, batch_size=500)
        refresh_places([challenge.pk], at)
        _announce(entries, at)
        enqueue_on_commit("feed.draw_challenge_card", challenge.pk)
    challenge.refresh_from_db()
    return True


def _announce(entries: Iterable[ChallengeEntry], at: datetime) -> None:
    """One notification a member, about their best entry; and the event for their webhooks."""
    best: dict[int, ChallengeEntry] = {}
    for entry in sorted(entries, key=lambda each: -(each.strength or 0.0)):
        best.setdefault(entry.member_id, entry)
    for entry in best.values():
        notify(recipient=entry.member, kind="challenge.result", target=entry.challenge, at=at)
        emit(user=entry.member, event=WebhookEvent.CHALLENGE_FINISHED, target=entry.post, at=at)


def refresh_places(challenge_ids: Iterable[int], at: datetime) -> None:
    """Gives places to the entries of decided challenges that can be seen, by strength; writes only what differs.

    A winner who was taken down passes the place on. Call inside a transaction.
    """
    decided = Challenge.objects.filter(pk__in=set(challenge_ids), closing__in=RANKED)
    for challenge in decided.select_for_update(no_key=True).order_by("pk"):
        entries = list(challenge.entries.exclude(strength=None).order_by("pk"))
        standing = set(
            Post.objects.public(at).filter(challenge_entries__challenge=challenge).values_list("pk", flat=True)
        )
        places = places_of(
            [Result(entry.pk, entry.strength or 0.0, entry.post_id in standing, entry.is_resting) for entry in entries]
        )
        changed = [entry for entry in entries if entry.place != places[entry.pk]]
        for entry in changed:
            entry.place = places[entry.pk]
        ChallengeEntry.objects.bulk_update(changed, ["place"], batch_size=500)
        if changed:
            enqueue_on_commit("feed.mark_challenge_posts", challenge.pk)


def mark_posts(*, challenge_id: int) -> None:
    """Copies the places on a podium to the posts, where cards show them. Idempotent.

    In a transaction of its own: who takes a post down holds its row and waits for the challenge's.
    """
    entries = ChallengeEntry.objects.filter(challenge=challenge_id)
    for place in POINTS:
        won = entries.filter(place=place).values("post")
        Post.objects.filter(pk__in=won).exclude(challenge_place=place).update(challenge_place=place)
    marked = Post.objects.filter(challenge_entries__challenge=challenge_id).exclude(challenge_place=None)
    marked.exclude(pk__in=entries.placed().values("post")).update(challenge_place=None)


def follow_visibility(post_ids: Iterable[int], at: datetime) -> None:
    """Places follow from who can be seen, and so does what stands on a card (POST_VISIBILITY_HOOKS)."""
    entered = ChallengeEntry.objects.filter(post__in=list(post_ids)).exclude(strength=None)
    decided = set(entered.values_list("challenge", flat=True))
    if not decided:
        return
    on_card = set(entered.placed().values_list("challenge", flat=True))
    refresh_places(decided, at)
    on_card |= set(entered.placed().values_list("challenge", flat=True))
    for challenge in on_card:
        Challenge.objects.filter(pk=challenge).exclude(card_hash="").update(card_hash="")
        enqueue_on_commit("feed.draw_challenge_card", challenge)


@dataclass(frozen=True, slots=True)
class Leader:
    username: str
    points: int
    wins: int
    podiums: int


def leaders(viewer: Viewer, *, month: date | None, at: datetime) -> list[Leader]:
    """Members by points: 3 for a first place, 2 for a second, 1 for a third; of a day their best entry counts.

    Args:
        month: any day of the month to look at; None: all time.
    """
    placed: QuerySet[ChallengeEntry] = ChallengeEntry.objects.placed().filter(member__in=visible_members(viewer, at))
    if month is not None:
        placed = placed.filter(challenge__day__year=month.year, challenge__day__month=month.month)
    best = placed.order_by().values("member__username", "challenge").annotate(best=Min("place"))
    points: dict[str, list[int]] = {}
    for username, place in best.values_list("member__username", "best"):
        points.setdefault(username, []).append(place)
    rows = [
        Leader(name, sum(POINTS[place] for place in places), places.count(1), len(places))
        for name, places in points.items()
    ]
    return sorted(rows, key=lambda row: (-row.points, -row.wins, row.username))[:LEADERS]


@dataclass(frozen=True, slots=True)
class Honours:
    """What a profile shows of a member: first, second and third places, and the days that they entered in a row."""

    wins: int
    podiums: int
    streak: int


def days_entered(member: User | int, *, today: date) -> list[date]:
    """The days, the latest first, within a year that a member entered."""
    entered = ChallengeEntry.objects.filter(member=member, challenge__day__lte=today)
    days = entered.order_by("-challenge__day").values_list("challenge__day", flat=True)
    return list(days.distinct()[:366])


def honours_of(member: User, *, at: datetime) -> Honours:
    placed = ChallengeEntry.objects.placed().filter(member=member)
    counted = placed.aggregate(wins=Count("pk", filter=Q(place=1)), podiums=Count("pk"))
    today = local_day(at)
    return Honours(counted["wins"], counted["podiums"], streak_of(days_entered(member, today=today), today))
