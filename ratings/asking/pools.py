"""What may be asked of whom: the state that `sampling` draws from, read at a bounded cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Count, Q

from accounts.models import User, level_for
from feed.members.queries import blocked_authors
from feed.models import Challenge, ChallengeEntry, Post
from generation.models import Image, ImageQuerySet, ImageState
from generation.parameters import COLUMNS
from lib.days import local_day
from lib.hooks import load_functions
from ratings.asking.counterparts import AUTHOR as COUNTERPARTS
from ratings.asking.models import Ask, AskOutcome, Comparison
from ratings.asking.pairing import FROM_CHALLENGES, Picture, Strategy, eligible_pairs, entry_pairs
from ratings.asking.sampling import GOLD, REPEAT, Candidate, Parameters, PastAsk

if TYPE_CHECKING:
    from django.db.models import QuerySet

PUBLIC_PICTURES = 400  # the newest; pairs are looked for among these
OWN_PICTURES = 100
RECENT_ASKS = 20
REPEATS = 100
REPEAT_AFTER = timedelta(minutes=10)
GOLD_PAIRS = 50
ENTRIES = 200  # the latest entries of the challenges of the last days
CHALLENGE_DAYS = 7
SETTINGS = tuple(sorted({*COLUMNS} - {"prompt", "checkpoint_id", "width", "height"}))  # a pair names those itself


def askable_images(rater: User, at: datetime) -> ImageQuerySet:
    """Pictures that `rater` may be asked about: their own finished ones, and public ones up to their content level
    whose author has not blocked them and is not blocked by them.

    Narrower than `visible_to`: a moderator is not asked about pictures that only moderators see.
    """
    public = Image.objects.public(at).filter(content_level__lte=level_for(rater))
    own = Q(author=rater, state=ImageState.READY, deleted_at=None)
    return Image.objects.filter(own | Q(pk__in=public.exclude(blocked_authors(rater)).values("pk")))


def recent_asks(rater: User, parameters: Parameters) -> list[PastAsk]:
    """The member's latest asks about one picture, newest first: enough for every limit."""
    rows = Ask.objects.about_one().filter(rater=rater).order_by("-created_at", "-pk")
    rows_wanted = max(RECENT_ASKS, parameters.asks_per_day)
    return [PastAsk(*row) for row in rows.values_list("created_at", "outcome", "closed_at")[:rows_wanted]]


@dataclass(frozen=True, slots=True)
class EligiblePairs:
    """Pairs of ids (low first) that a member may be shown and was not shown before, by strategy, the newest first."""

    by_strategy: Mapping[Strategy, list[tuple[int, int]]]
    pictures: list[Picture]


def find_pairs(rater: User, parameters: Parameters, at: datetime, *, with_own: bool = False) -> EligiblePairs:
    """Pairs of the newest pictures, of challenges and of `PAIR_SOURCES`.

    Args:
        with_own: whether pairs with a picture of the rater's own are among them; they come last.
    """
    pictures = list(_pictures(rater, at))
    entries = list(_entries(rater, at))
    excluded = _shown_before(rater, [*(picture.id for picture in pictures), *(image for _, image, _ in entries)])
    limit = parameters.pool_size
    wanted = [picture for picture in pictures if with_own or not picture.is_own]
    pairs = eligible_pairs(wanted, excluded=excluded, limit=limit)
    pairs[Strategy.CHALLENGE] = entry_pairs(entries, excluded=excluded, limit=limit)
    sources = load_functions(settings.PAIR_SOURCES.values())
    for strategy, source in zip(settings.PAIR_SOURCES, sources, strict=True):
        pairs[Strategy(strategy)] = source(rater, limit=limit, at=at)
    return EligiblePairs(pairs, pictures)


def comparison_pools(
    rater: User, parameters: Parameters, at: datetime, *, with_own: bool = False
) -> dict[str, list[Candidate]]:
    """Pairs for “which is better”, by strategy, with repeats and hidden checks."""
    return pools_of(find_pairs(rater, parameters, at, with_own=with_own), rater, at)


def pools_of(found: EligiblePairs, rater: User, at: datetime) -> dict[str, list[Candidate]]:
    """The same as `comparison_pools` of pairs that are known."""
    votes = Comparison.objects.votes()
    pools = with_raters(found.by_strategy, votes)
    return pools | {REPEAT: _repeats(rater, at), GOLD: _gold(found.by_strategy, found.pictures)}


def with_raters(
    pairs: Mapping[Strategy, list[tuple[int, int]]], answers: "QuerySet[Any, Any]"
) -> dict[str, list[Candidate]]:
    """The pairs as candidates, each with how many members gave one of `answers` about it."""
    answered = _raters_by_pair(chain.from_iterable(pairs.values()), answers)
    return {
        str(strategy): [Candidate(low, high, answered.get((low, high), 0)) for low, high in these]
        for strategy, these in pairs.items()
    }


def theme_of(ask: Ask) -> str | None:
    """The challenge theme that both pictures of a pair entered, if they were paired for it."""
    pair = {"image_low": ask.image_low_id, "image_high": ask.image_high_id}
    if ask.strategy == REPEAT:
        ask = Ask.objects.about_pair().filter(rater=ask.rater_id, repeat_no=0, **pair).order_by("pk").first() or ask
    if ask.strategy not in FROM_CHALLENGES:
        return None
    both = Challenge.objects.filter(entries__post__image=ask.image_low_id).filter(
        entries__post__image=ask.image_high_id
    )
    return both.order_by("-day").values_list("theme", flat=True).first() or ""


def prompt_of(ask: Ask, rater: User, theme: str | None) -> str | None:
    """The prompt of a picture, or of a pair without a theme, if `rater` may read it.

    A prompt may have been hidden since the ask was drawn.
    """
    images = [image for image in (ask.image, ask.image_low, ask.image_high) if image is not None]
    if theme is not None or not all(image.may_read_prompt(rater) for image in images):  # each would tell the other's
        return None
    return images[0].generation.prompt


def _shown_before(rater: User, images: list[int]) -> frozenset[tuple[int, int]]:
    """Pairs of these images that `rater` was shown; pairs that never reached the screen may come again."""
    asked = Ask.objects.showing_pair().filter(rater=rater, image_low__in=images)
    seen = asked.exclude(outcome=AskOutcome.NOT_RENDERED).values_list("image_low", "image_high")
    return frozenset((low, high) for low, high in seen if low and high)


def _gold(pairs: Mapping[Strategy, Iterable[tuple[int, int]]], pictures: Iterable[Picture]) -> list[Candidate]:
    """Pairs of one prompt to show with one side spoiled; never of the rater's own pictures."""
    others = {picture.id for picture in pictures if not picture.is_own}
    same_prompt = (pair for name, found in pairs.items() if name != Strategy.CHALLENGE for pair in found)
    return [Candidate(*pair) for pair in same_prompt if others.issuperset(pair)][:GOLD_PAIRS]


def _entries(rater: User, at: datetime) -> Iterable[tuple[int, int, str]]:
    """(challenge, image, digest) of recent entries by others that `rater` may see."""
    today = local_day(at)
    entries = ChallengeEntry.objects.filter(
        challenge__day__range=(today - timedelta(days=CHALLENGE_DAYS), today),
        post__in=Post.objects.listed_for(rater, at).values("pk"),
        post__image__in=askable_images(rater, at).values("pk"),
    )
    rows = entries.exclude(member=rater).exclude(post__author=rater).order_by("-challenge__day", "-pk")
    return rows.values_list("challenge", "post__image", "post__image__jpeg_sha256")[:ENTRIES]


def _pictures(rater: User, at: datetime) -> Iterable[Picture]:
    """The newest pictures to pair, own and public; none of others with a hidden prompt, as Compare shows the prompt."""
    images = askable_images(rater, at).filter(~Q(is_prompt_hidden=True) | Q(author=rater))
    images = images.filter(benchmark_picture=None).order_by("-pk")
    fields = ["pk", "width", "height", "seed", "jpeg_sha256", "author_id", "generation__checkpoint_id"]
    fields += ["generation__prompt", *(f"generation__{name}" for name in SETTINGS)]
    site = User.objects.filter(username=COUNTERPARTS).values_list("pk", flat=True).first()
    public, own = images.filter(is_public=True), images.filter(author=rater, is_public=False)
    rows = list(public.exclude(author=site).values(*fields)[:PUBLIC_PICTURES])
    if site is not None:  # only those of the pictures above: a counterpart is compared with its original or not at all
        beside = public.filter(author=site, generation__parent__in=[row["pk"] for row in rows])
        rows += beside.values(*fields)[:PUBLIC_PICTURES]
    for row in [*rows, *own.values(*fields)[:OWN_PICTURES]]:
        yield Picture(
            id=row["pk"],
            prompt=row["generation__prompt"].strip(),
            size=(row["width"], row["height"]),
            checkpoint=row["generation__checkpoint_id"],
            seed=row["seed"],
            digest=row["jpeg_sha256"],
            settings={name: str(row[f"generation__{name}"]) for name in SETTINGS},
            is_own=row["author_id"] == rater.pk,
            is_counterpart=row["author_id"] == site,
        )


def _raters_by_pair(pairs: Iterable[tuple[int, int]], answers: "QuerySet[Any, Any]") -> dict[tuple[int, int], int]:
    """How many members gave one of `answers` about each pair."""
    lows, highs = zip(*pairs, strict=True) if (pairs := list(pairs)) else ((), ())
    found = answers.filter(image_low__in=lows, image_high__in=highs)
    rows = found.values_list("image_low", "image_high")
    return {(low, high): raters for low, high, raters in rows.annotate(raters=Count("rater", distinct=True))}


def _repeats(rater: User, at: datetime) -> list[Candidate]:
    """Pairs that `rater` answered a while ago and may see once more, with the sides swapped."""
    shown = askable_images(rater, at).values("pk")
    repeated = Ask.objects.about_pair().filter(rater=rater, repeat_no__gt=0).values("image_low", "image_high")
    again = set(repeated.values_list("image_low", "image_high"))
    rows = (
        Comparison.objects.votes()
        .filter(rater=rater, created_at__lte=at - REPEAT_AFTER, image_low__in=shown, image_high__in=shown)
        .order_by("-pk")
    )
    found = rows.values_list("image_low", "image_high", "ask__is_side_swapped")[:REPEATS]
    return [Candidate(low, high, swap=not swapped) for low, high, swapped in found if (low, high) not in again]
