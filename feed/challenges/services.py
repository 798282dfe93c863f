"""Daily challenges: planning them, and entering pictures."""

import json
from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from accounts.models import User, Viewer
from feed.challenges.models import Challenge, ChallengeEntry
from feed.posts.models import Post, PostQuerySet
from feed.posts.services import publish_image
from feed.ranking.models import FeedEntry
from feed.rates import check_member_rate
from generation.models import Image
from lib.days import day_bounds, local_day
from lib.errors import NotFound, Refused
from moderation.restrictions.services import require_unrestricted

ENTRIES_PER_MEMBER = 3
DAYS_AHEAD = 30
BANK = Path(__file__).parent / "themes.json"


def enter_locked(*, challenge: Challenge, post: Post, at: datetime) -> None:
    """Enters a post of the member's own into the challenge of the day; again is nothing new.

    The challenge's row is locked for the checks: a member's third and fourth entry, or an entry and the
    day's settling, never pass each other. Call inside a transaction.

    Raises:
        Refused: 400 `not_open`, `not_today` (the picture was asked for on another day) or `too_many_entries`.
    """
    locked = Challenge.objects.select_for_update(no_key=True).get(pk=challenge.pk)
    if ChallengeEntry.objects.filter(challenge=locked, post=post).exists():
        return
    if not locked.is_open(at):
        raise Refused("not_open", _("This challenge is not open. Enter today's instead."))
    if local_day(post.image.generation.submitted_at) != locked.day:
        raise Refused("not_today", _("Only pictures made on the day of a challenge can enter it. Make a new one."))
    if ChallengeEntry.objects.filter(challenge=locked, member=post.author).count() >= ENTRIES_PER_MEMBER:
        raise Refused("too_many_entries", _("You have already entered three pictures, the most for one day."))
    ChallengeEntry.objects.create(challenge=locked, post=post, member=post.author, created_at=at)
    FeedEntry.objects.filter(post=post).update(challenge_id=locked.pk)


def publish_into_challenge(
    *,
    image: Image,
    author: User,
    challenge: Challenge | None,
    at: datetime | None = None,
    before_commit: Callable[[Post], None] | None = None,
    **fields: Any,
) -> Post:
    """`publish_image` with its `fields`, and in the same transaction enters the post, if there is a challenge.

    Raises:
        Refused: as `publish_image` and `enter_locked`; then nothing is published.
    """
    at = at or timezone.now()

    def enter(post: Post) -> None:
        if challenge is not None:
            enter_locked(challenge=challenge, post=post, at=at)
        if before_commit is not None:
            before_commit(post)

    return publish_image(image=image, author=author, at=at, before_commit=enter, **fields)


def enter_challenge(*, challenge: Challenge, post: Post, member: User, at: datetime | None = None) -> None:
    """Enters the member's own post. Idempotent. The rules are in `enter_locked`.

    Raises:
        Refused: 404 not the member's; 400 made or entered on another day, too many entries; 403 restricted; 429 too
            often.
    """
    at = at or timezone.now()
    check_member_rate(member, "publish")
    require_unrestricted(user=member, doing="publish", at=at)
    own = Post.objects.published().filter(pk=post.pk, author=member, image__is_public=True)
    if (found := own.select_related("image__generation").first()) is None:
        raise NotFound(_("You have no such published post."))
    with transaction.atomic():
        enter_locked(challenge=challenge, post=found, at=at)


@cache
def theme_bank() -> list[dict[str, str]]:
    """``[{"theme", "hint"}, …]`` from the file that staff edit."""
    bank: list[dict[str, str]] = json.loads(BANK.read_text(encoding="utf-8"))
    return bank


def schedule_challenges(*, today: date, days: int = DAYS_AHEAD) -> int:
    """Plans a challenge for each day from `today` on that has none, and returns how many it added.

    Themes are taken from the bank in turn, so none repeats before all others were used.
    """
    bank = theme_bank()
    wanted = [today + timedelta(days=ahead) for ahead in range(days + 1)]
    taken = set(Challenge.objects.filter(day__in=wanted).values_list("day", flat=True))
    missing = [Challenge(day=day, **bank[day.toordinal() % len(bank)]) for day in wanted if day not in taken]
    return len(Challenge.objects.bulk_create(missing, ignore_conflicts=True))


def forget_posts(post_ids: Collection[int]) -> None:
    """Withdraws deleted posts from every challenge (POST_DELETION_HOOKS)."""
    ChallengeEntry.objects.filter(post__in=post_ids).delete()


def entries_of(challenge: Challenge, viewer: Viewer, at: datetime) -> PostQuerySet:
    """The entries that `viewer` may see."""
    return Post.objects.listed_for(viewer, at).filter(challenge_entries__challenge=challenge)


def enterable_posts(challenge: Challenge, member: User) -> PostQuerySet:
    """The member's published pictures that were made on the challenge's day and are not in it."""
    start, end = day_bounds(challenge.day)
    published = Post.objects.published().filter(author=member, image__is_public=True)
    made = published.filter(image__generation__submitted_at__gte=start, image__generation__submitted_at__lt=end)
    return made.exclude(challenge_entries__challenge=challenge)


def begun_on(day: str, at: datetime) -> Challenge:
    """The challenge of a day written ``YYYY-MM-DD``; future themes stay secret.

    Raises:
        NotFound: no date, no challenge that day, or not yet.
    """
    try:
        wanted = parse_date(day)
    except ValueError:
        wanted = None
    found = Challenge.objects.begun(at).filter(day=wanted).first() if wanted else None
    if found is None:
        raise NotFound(_("There is no challenge on that day."))
    return found
