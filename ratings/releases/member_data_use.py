"""Which data of a member datasets may use, by what they agree to now, and which releases hold some of it already."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import ConsentEvent, Purpose, User
from generation.models import Image, ImageState
from ratings.asking.models import Ask, AskOutcome
from ratings.releases.models import Release, ReleaseBlock

MOST_RELEASES = 20


@dataclass(frozen=True, slots=True)
class ReleaseUse:
    """What a published release holds of a member."""

    release: Release
    pictures: int
    has_answers: bool


@dataclass(frozen=True, slots=True)
class MemberDataUse:
    """`is_allowed`: whether the next release may use the member's data; the counts say how much there is."""

    is_allowed: bool
    pictures: int
    answers: int
    releases: list[ReleaseUse]


def find_member_data_use(*, user: User, at: datetime) -> MemberDataUse:
    agreed = ConsentEvent.objects.granted
    is_allowed = all(
        User.objects.filter(pk=user.pk, pk__in=agreed(purpose, at)).exists()
        for purpose in (Purpose.TRAIN, Purpose.PUBLISH)
    )
    own = Image.objects.filter(author=user, state=ImageState.READY, deleted_at=None)
    answers = Ask.objects.filter(rater=user, outcome=AskOutcome.ANSWERED)
    pictures = own.filter(is_prompt_hidden=False).count()
    return MemberDataUse(is_allowed, pictures, answers.count(), find_releases_with(user))


def find_releases_with(user: User) -> list[ReleaseUse]:
    """Published releases with data of the member, the newest first."""
    own = set(Image.objects.filter(author=user).values_list("pk", flat=True))
    blocks = ReleaseBlock.objects.filter(shard__release__state=Release.State.PUBLISHED)
    blocks = blocks.filter(Q(raters__contains=[user.pk]) | Q(images__overlap=list(own)))
    pictures: dict[int, set[int]] = {}
    answered: set[int] = set()
    for release, raters, images in blocks.values_list("shard__release", "raters", "images").iterator(chunk_size=50):
        pictures.setdefault(release, set()).update(own.intersection(images))
        if user.pk in raters:
            answered.add(release)
    releases = Release.objects.filter(pk__in=pictures).order_by("-published_at", "-pk")[:MOST_RELEASES]
    return [ReleaseUse(release, len(pictures[release.pk]), release.pk in answered) for release in releases]
