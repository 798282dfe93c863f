"""What may be asked of whom: the state that sampling draws from, read from the database at a bounded cost."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain

from django.db.models import Count, Q

from accounts.models import User, level_for
from generation.models import Image, ImageQuerySet, ImageState
from ratings.models import Ask, Comparison
from ratings.pairing import Picture, eligible_pairs
from ratings.sampling import REPEAT, Candidate, Parameters, PastAsk

PUBLIC_PICTURES = 400  # the newest; pairs are looked for among these
OWN_PICTURES = 100
RECENT_ASKS = 20
REPEATS = 100
REPEAT_AFTER = timedelta(minutes=10)
SETTINGS = ("negative_prompt", "style_id", "scheduler", "steps", "guidance", "loras", "source_image_id", "strength")


def askable_images(rater: User, at: datetime) -> ImageQuerySet:
    """Pictures that `rater` may be asked about: their own finished ones, and public ones up to their level.

    Narrower than `visible_to`: what a moderator may inspect is no subject of a question.
    """
    public = Image.objects.public(at).filter(content_level__lte=level_for(rater)).values("pk")
    own = Q(author=rater, state=ImageState.READY, deleted_at=None)
    return Image.objects.filter(own | Q(pk__in=public))


def recent_asks(rater: User, parameters: Parameters) -> list[PastAsk]:
    """The member's latest asks about one picture, newest first: enough for every limit."""
    rows = Ask.objects.about_one().filter(rater=rater).order_by("-created_at", "-pk")
    rows_wanted = max(RECENT_ASKS, parameters.asks_per_day)
    return [PastAsk(*row) for row in rows.values_list("created_at", "outcome", "closed_at")[:rows_wanted]]


def comparison_pools(rater: User, parameters: Parameters, at: datetime) -> dict[str, list[Candidate]]:
    """Eligible pairs by strategy, the newest pictures first, without pairs that `rater` was shown before."""
    pictures = list(_pictures(rater, at))
    ids = [picture.id for picture in pictures]
    asked = Ask.objects.about_pair().filter(rater=rater, image_low__in=ids)
    excluded = frozenset((low, high) for low, high in asked.values_list("image_low", "image_high") if low and high)
    pairs = eligible_pairs(pictures, excluded=excluded, limit=parameters.pool_size)
    answered = _raters_by_pair(chain.from_iterable(pairs.values()))
    pools = {
        str(strategy): [Candidate(low, high, answered.get((low, high), 0)) for low, high in found]
        for strategy, found in pairs.items()
    }
    return pools | {REPEAT: _repeats(rater, at)}


def _pictures(rater: User, at: datetime) -> Iterable[Picture]:
    """The newest pictures to pair, own and public; none by others whose prompt is hidden, for Compare shows it."""
    images = askable_images(rater, at).filter(~Q(is_prompt_hidden=True) | Q(author=rater)).order_by("-pk")
    fields = [*(f"generation__{name}" for name in SETTINGS), "generation__checkpoint_id", "generation__prompt"]
    rows = [
        *images.filter(is_public=True).values("pk", "width", "height", "seed", "jpeg_sha256", *fields)[
            :PUBLIC_PICTURES
        ],
        *images.filter(author=rater, is_public=False).values("pk", "width", "height", "seed", "jpeg_sha256", *fields)[
            :OWN_PICTURES
        ],
    ]
    for row in rows:
        settings = {name: str(row[f"generation__{name}"]) for name in SETTINGS}
        yield Picture(
            id=row["pk"],
            prompt=row["generation__prompt"].strip(),
            size=(row["width"], row["height"]),
            checkpoint=row["generation__checkpoint_id"],
            seed=row["seed"],
            digest=row["jpeg_sha256"],
            settings=settings,
        )


def _raters_by_pair(pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """How many people have answered each pair."""
    lows, highs = zip(*pairs, strict=True) if (pairs := list(pairs)) else ((), ())
    rows = Comparison.objects.filter(image_low__in=lows, image_high__in=highs).values_list("image_low", "image_high")
    return {(low, high): raters for low, high, raters in rows.annotate(raters=Count("rater", distinct=True))}


def _repeats(rater: User, at: datetime) -> list[Candidate]:
    """Pairs that `rater` answered a while ago and may see once more, with the sides swapped."""
    shown = askable_images(rater, at).values("pk")
    repeated = Ask.objects.about_pair().filter(rater=rater, repeat_no__gt=0).values("image_low", "image_high")
    again = set(repeated.values_list("image_low", "image_high"))
    rows = Comparison.objects.filter(
        rater=rater, repeat_no=0, created_at__lte=at - REPEAT_AFTER, image_low__in=shown, image_high__in=shown
    ).order_by("-pk")
    found = rows.values_list("image_low", "image_high", "ask__is_side_swapped")[:REPEATS]
    return [Candidate(low, high, swap=not swapped) for low, high, swapped in found if (low, high) not in again]
