"""What of a member leaves in datasets, by what they agree to now, and in which releases it stands already."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import ConsentEvent, Purpose, User
from generation.models import Image, ImageState
from ratings.models import Ask, AskOutcome, Release, ReleaseBlock

MOST_RELEASES = 20


@dataclass(frozen=True, slots=True)
class Held:
    """A release that stands on the member's pictures or answers."""

    release: Release
    pictures: int
    has_answers: bool


@dataclass(frozen=True, slots=True)
class Share:
    """`leaves` is whether the next release takes anything of the member; counts say how much it could take."""

    leaves: bool
    pictures: int
    answers: int
    held: list[Held]


def share_of(*, user: User, at: datetime) -> Share:
    agreed = ConsentEvent.objects.granted
    leaves = all(
        User.objects.filter(pk=user.pk, pk__in=agreed(purpose, at)).exists()
        for purpose in (Purpose.TRAIN, Purpose.PUBLISH)
    )
    own = Image.objects.filter(author=user, state=ImageState.READY, deleted_at=None)
    answers = Ask.objects.filter(rater=user, outcome=AskOutcome.ANSWERED)
    return Share(leaves, own.filter(is_prompt_hidden=False).count(), answers.count(), releases_holding(user))


def releases_holding(user: User) -> list[Held]:
    """Published releases with something of the member, the newest first."""
    own = set(Image.objects.filter(author=user).values_list("pk", flat=True))
    blocks = ReleaseBlock.objects.filter(shard__release__state=Release.State.PUBLISHED)
    blocks = blocks.filter(Q(raters__contains=[user.pk]) | Q(images__overlap=list(own)))
    pictures: dict[int, set[int]] = {}
    answered: set[int] = set()
    for release, raters, images in blocks.values_list("shard__release", "raters", "images").iterator(chunk_size=50):
        pictures.setdefault(release, set()).update(own.intersection(images))
        if user.pk in raters:
            answered.add(release)
    found = Release.objects.filter(pk__in=pictures).order_by("-published_at", "-pk")[:MOST_RELEASES]
    return [Held(release, len(pictures[release.pk]), release.pk in answered) for release in found]
