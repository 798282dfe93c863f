"""Entering challenges, and withdrawing from them."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from pgvector.django import HammingDistance

from accounts.models import User, Viewer
from feed.challenges.models import Brief, Challenge, ChallengeEntry
from feed.challenges.results import refresh_places
from feed.posts.models import Post, PostQuerySet
from feed.posts.services import publish_image
from feed.ranking.models import FeedEntry
from feed.rates import check_member_rate
from generation.models import Image
from lib.days import day_bounds, local_day
from lib.errors import NotFound, Refused
from lib.images import LEAST_PDQ_QUALITY, NEAR_PDQ_DISTANCE, is_reliable
from moderation.restrictions.services import require_unrestricted

ENTRIES_PER_MEMBER = 3


def entries_key(challenge_id: int) -> str:
    """Where the cache keeps which posts are in a challenge."""
    return f"feed:challenge-entries:{challenge_id}"


def _forget_entries(challenge_id: int) -> None:
    """Now, for this transaction, and when others can see what it wrote."""
    cache.delete(entries_key(challenge_id))
    transaction.on_commit(lambda: cache.delete(entries_key(challenge_id)))


def enter_locked(*, challenge: Challenge, post: Post, at: datetime) -> None:
    """Enters a post of the member's own into the challenge of the day; again is nothing new.

    The challenge's row is locked for the checks: a member's third and fourth entry, or an entry and the
    day's closing, never pass each other. Call inside a transaction.

    Raises:
        Refused: 400 `not_open`, `not_today` (the picture was asked for on another day), `too_many_entries`,
            `near_duplicate`, or what the theme asks for and the picture is not.
    """
    locked = Challenge.objects.select_for_update(no_key=True).get(pk=challenge.pk)
    if ChallengeEntry.objects.filter(challenge=locked, post=post).exists():
        return
    if not locked.is_open(at) or locked.closed_at is not None:
        raise Refused("not_open", _("This challenge is not open. Enter today's instead."))
    if local_day(post.image.generation.submitted_at) != locked.day:
        raise Refused("not_today", _("Only pictures made on the day of a challenge can enter it. Make a new one."))
    if ChallengeEntry.objects.filter(challenge=locked, member=post.author).count() >= ENTRIES_PER_MEMBER:
        raise Refused("too_many_entries", _("You have already entered three pictures, the most for one day."))
    _check_conditions(locked, post.image)
    _check_is_new(locked, post.image)
    ChallengeEntry.objects.create(challenge=locked, post=post, member=post.author, created_at=at)
    FeedEntry.objects.filter(post=post).update(challenge_id=locked.pk)
    _forget_entries(locked.pk)


def _check_conditions(challenge: Challenge, image: Image) -> None:
    """Raises Refused (400) for what the theme asks for and the picture is not."""
    made = image.generation
    if challenge.checkpoint is not None and made.checkpoint_id != challenge.checkpoint_id:
        words = _("This challenge asks for a picture made with %(name)s.") % {"name": challenge.checkpoint.name}
        raise Refused("other_checkpoint", words)
    if challenge.style is not None and made.style_id != challenge.style_id:
        raise Refused("other_style", _("This challenge asks for the style %(name)s.") % {"name": challenge.style.name})
    if challenge.aspect and challenge.aspect != _aspect_of(image):
        words = _("This challenge asks for another shape: %(shape)s.") % {"shape": challenge.get_aspect_display()}
        raise Refused("other_aspect", words)
    if challenge.is_remix and (winners := latest_winners(challenge)) and made.parent_id not in winners:
        raise Refused("no_remix", _("This challenge asks for a remix of the latest winner."))


def _aspect_of(image: Image) -> str:
    if image.width == image.height:
        return Brief.Aspect.SQUARE
    return Brief.Aspect.LANDSCAPE if image.width > image.height else Brief.Aspect.PORTRAIT


def latest_winners(challenge: Challenge) -> set[int]:
    """Images that won the challenge which was decided the day before this one; none where it had no winner."""
    decided = challenge.day - timedelta(days=2)
    won = ChallengeEntry.objects.filter(challenge__day=decided, place=1)
    return set(won.values_list("post__image", flat=True))


def _check_is_new(challenge: Challenge, image: Image) -> None:
    """Raises Refused (400) for a picture that looks the same as one in the challenge, whoever made it."""
    others = Image.objects.filter(post__challenge_entries__challenge=challenge).exclude(pk=image.pk)
    is_same = bool(image.jpeg_sha256) and others.filter(jpeg_sha256=image.jpeg_sha256).exists()
    if not is_same and image.pdq is not None and is_reliable(image.pdq_quality):
        compared = others.filter(pdq_quality__gt=LEAST_PDQ_QUALITY)
        near = compared.alias(apart=HammingDistance("pdq", str(image.pdq)))
        is_same = near.filter(apart__lte=NEAR_PDQ_DISTANCE).exists()
    if is_same:
        raise Refused("near_duplicate", _("A picture that looks the same is in this challenge already."))


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
        Refused: 404 not the member's; 400 made or entered on another day, too many entries, a near-duplicate, a
            condition that is not met; 403 restricted; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "publish")
    require_unrestricted(user=member, doing="publish", at=at)
    own = Post.objects.published().filter(pk=post.pk, author=member, image__is_public=True)
    if (found := own.select_related("image__generation").first()) is None:
        raise NotFound(_("You have no such published post."))
    with transaction.atomic():
        enter_locked(challenge=challenge, post=found, at=at)


def withdraw_entry(*, challenge: Challenge, post: Post, member: User, at: datetime | None = None) -> None:
    """Takes the member's own entry out until the challenge is decided; the post stays published. Idempotent.

    Raises:
        Refused: 409 `finished` the result stands: taking the post down takes it off the page.
    """
    with transaction.atomic():
        locked = Challenge.objects.select_for_update(no_key=True).get(pk=challenge.pk)
        own = ChallengeEntry.objects.filter(challenge=locked, post=post, member=member)
        if locked.closed_at is not None and own.exists():
            words = _("This challenge is decided. Take the post down if you don't want it shown.")
            raise Refused("finished", words, status=409)
        if own.delete()[0]:
            FeedEntry.objects.filter(post=post, challenge_id=locked.pk).update(challenge_id=None)
        _forget_entries(locked.pk)


def forget_posts(post_ids: Collection[int]) -> None:
    """Withdraws deleted posts from every challenge (POST_DELETION_HOOKS); who came after a winner moves up."""
    entries = ChallengeEntry.objects.filter(post__in=post_ids)
    decided = list(entries.exclude(challenge__closed_at=None).values_list("challenge", flat=True))
    entries.delete()
    refresh_places(decided, timezone.now())


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
