"""Counterparts: at night, and while nobody waits, the site generates published prompts on other checkpoints.

A counterpart is never published. Compare shows it beside the picture whose prompt it has, as a pair of two models, as
long as that picture is published and its prompt is not hidden. It is a remix of it (`parent`), so no dataset includes
it without the consent of the prompt's author.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import User
from generation.media.blanks import blank_images
from generation.models import Checkpoint, Generation, Image, ImageQuerySet, ImageState
from generation.services import submit_generation
from lib.content_levels import ContentLevel
from lib.days import day_bounds, local_day
from lib.errors import Refused
from ratings.site_account import site_account

AUTHOR = "counterparts"  # the account that asks for the pictures; nobody can sign in to it
AT_ONCE = 2  # waiting or being made: whoever comes meanwhile waits behind no more
LOOKED_AT = 200  # of the newest published pictures; Compare pairs the newest too
REFUSED_FOR = timedelta(days=30)  # so long, words that the rules refused are not tried again
LOCK = 7_500_000  # of advisory locks: one process at a time spends the budget


def make_counterparts(*, at: datetime | None = None) -> int:
    """Submits a few generations if the night's budget allows and nobody waits; returns how many. Idempotent.

    A picture has at most one counterpart.
    """
    at = at or timezone.now()
    if not settings.COUNTERPARTS_A_NIGHT:
        return 0
    author = site_account(AUTHOR)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        allowed, asked = _allowance(author, at), 0
        for original, checkpoint in _wanted(author, at) if allowed > 0 else ():
            asked += _ask_for(original, checkpoint, author, at)
            if asked == allowed:
                break
    return asked


def _allowance(author: User, at: datetime) -> int:
    """How many generations to submit now: none while a member's picture is queued."""
    if Image.objects.filter(state=ImageState.QUEUED).exclude(author=author).exists():
        return 0
    tonight, _end = day_bounds(local_day(at))
    spent = Generation.objects.filter(author=author, submitted_at__gte=tonight).count()
    pending = Image.objects.filter(author=author).pending().count()
    return min(settings.COUNTERPARTS_A_NIGHT - spent, AT_ONCE - pending)


def _wanted(author: User, at: datetime) -> Iterator[tuple[Image, Checkpoint]]:
    """Published pictures of the general level without a counterpart, the newest first, and what to draw them with.

    One picture of a generation, drawn from words alone. Which checkpoint follows from the picture, so that it is
    the same whenever it is asked.
    """
    checkpoints = list(Checkpoint.objects.enabled().order_by("pk"))
    own = Generation.objects.filter(author=author, parent__generation=OuterRef("generation"))
    plain = Image.objects.public(at).filter(
        post__isnull=False, content_level=ContentLevel.GENERAL, is_prompt_hidden=False,
        generation__source_image=None, generation__upload=None,
    )  # fmt: skip
    newest = plain.exclude(generation__prompt="").select_related("generation__style").order_by("-pk")
    seen: set[int] = set()
    for original in newest.alias(has_one=Exists(own)).filter(has_one=False)[:LOOKED_AT]:
        size = [original.width, original.height]
        others = [row for row in checkpoints if row.pk != original.generation.checkpoint_id and size in row.sizes]
        if others and original.generation_id not in seen:
            seen.add(original.generation_id)
            yield original, random.Random(original.pk).choice(others)


def _ask_for(original: Image, checkpoint: Checkpoint, author: User, at: datetime) -> bool:
    """False if the site's rules refuse the prompt, which is cached."""
    refused = f"counterpart-refused:{original.pk}"
    if cache.get(refused):
        return False
    made = original.generation
    try:
        submit_generation(
            author=author,
            idempotency_key=f"counterpart-{original.pk}",
            prompt=made.prompt,
            negative_prompt=made.negative_prompt,
            style=made.style.slug if made.style else "",
            checkpoint=checkpoint.slug,
            count=1,
            width=original.width,
            height=original.height,
            parent=original,
            confirm_doubtful=True,
            at=at,
        )
    except Refused as refusal:
        if refusal.status not in (429, 503):
            cache.set(refused, 1, REFUSED_FOR.total_seconds())
        return False
    return True


def show_counterparts(*, at: datetime | None = None) -> int:
    """Shows ready counterparts of published originals in Compare and hides the others; returns how many changed.

    The counterpart of a deleted picture is deleted.
    """
    at = at or timezone.now()
    made = Image.objects.filter(author__username=AUTHOR, generation__parent__isnull=False, deleted_at=None)
    published = Image.objects.public(at).filter(post__isnull=False, is_prompt_hidden=False).values("pk")
    paired = made.filter(generation__parent__in=published)
    shown = made.filter(pk__in=paired.values("pk"), is_public=False, state=ImageState.READY).update(is_public=True)
    hidden = made.filter(is_public=True).exclude(pk__in=paired.values("pk")).update(is_public=False)
    return shown + hidden + forget_counterparts(made.filter(generation__parent__deleted_at__isnull=False), at=at)


def forget_counterparts(images: ImageQuerySet, *, at: datetime) -> int:
    """Deletes pictures and words of counterparts, drawn or not; returns how many."""
    ids = list(images.filter(author__username=AUTHOR, deleted_at=None).values_list("pk", flat=True))
    gone = Image.objects.filter(pk__in=ids)
    gone.pending().update(state=ImageState.CANCELLED, lease_expires_at=None)
    Generation.objects.filter(images__in=ids).update(prompt="", negative_prompt="")
    return blank_images(gone, at=at)
