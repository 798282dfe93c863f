"""Running a post's seed again, and how far the new picture is from the old one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from feed.posts.models import Post, Reproduction
from feed.rates import check_member_rate
from generation.models import PENDING, Image, ImageState, Upload
from generation.parameters import Parameters
from generation.queries import source_upload_for
from generation.requests.pictures import pictures_of
from generation.services import submit_generation
from lib.errors import NotFound, Refused
from lib.images import NEAR_PDQ_DISTANCE, hamming_distance, is_reliable

SAME = 10  # PDQ bits: what PDQ's authors call a confident match; NEAR_PDQ_DISTANCE is a match


@dataclass(frozen=True)
class Outcome:
    """What came of it. `distance` is in bits of 256; None while it is not known, or the pictures are too plain."""

    reproduction: Reproduction
    image: Image
    distance: int | None
    verdict: Literal["", "same", "alike", "other"]
    changed: list[str]  # which versions differ from when the post was made

    @property
    def is_pending(self) -> bool:
        return self.image.state in PENDING


def reproduce_post(*, post: Post, member: User, at: datetime | None = None) -> Reproduction:
    """Asks for the post's seed and settings again, as a picture of the member's own; once a post and member.

    It is no remix: it counts for nobody.

    Raises:
        Refused: 404 the post is not shown to them; 403 its prompt is hidden; 409 it was made from a picture that
            cannot be used again; 429 too often; and whatever `submit_generation` raises.
    """
    at = at or timezone.now()
    check_member_rate(member, "reproduce")
    if (known := Reproduction.objects.filter(post=post, member=member).order_by("pk").first()) is not None:
        return known
    if not Post.objects.visible_to(member, at).filter(pk=post.pk).exists():
        raise NotFound(_("This post does not exist."))
    if not post.may_read_prompt(member):
        raise Refused("hidden", _("The author hides the prompt, so it can't be run again."), status=403)
    image, made = post.image, post.image.generation
    upload = _upload_again(image, member)
    with transaction.atomic():
        generation = submit_generation(
            author=member,
            idempotency_key=f"reproduce-{post.public_id}",
            **pictures_of(made) | {"source_upload": upload},
            confirm_doubtful=made.was_doubtful,
            at=at,
            **Parameters.of(image).as_request(),
        )
        return Reproduction.objects.get_or_create(
            generation=generation, defaults={"post": post, "member": member, "created_at": at}
        )[0]


def _upload_again(image: Image, member: User) -> Upload | None:
    """What the member brought and the picture was made from, if so. Raises Refused where it cannot be used again."""
    made, upload = image.generation, source_upload_for(image, member)
    if made.upload_id is not None and upload is None:
        raise Refused("source", _("It was made from an upload of its author. Only they can run it again."), status=409)
    if made.strength is not None and made.source_image is None and upload is None:
        raise Refused("source", _("It was made from a picture that no longer exists."), status=409)
    return upload


def outcome_of(post: Post, member: User) -> Outcome | None:
    """What came of the member's own run; None before there is one."""
    rows = Reproduction.objects.filter(post=post, member=member).select_related("generation")
    reproduction = rows.order_by("pk").first()
    if reproduction is None:
        return None
    image = Image.objects.select_related("generation").get(generation=reproduction.generation_id, position=0)
    distance = distance_of(post.image, image) if image.state == ImageState.READY else None
    before, after = post.image.versions, image.versions
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name)) if distance else []
    return Outcome(reproduction, image, distance, _verdict(distance), changed)


def distance_of(one: Image, other: Image) -> int | None:
    """Bits of 256 in which the PDQ hashes differ; None where a picture is too plain for PDQ."""
    if not (is_reliable(one.pdq_quality) and is_reliable(other.pdq_quality)):
        return None
    return hamming_distance(str(one.pdq), str(other.pdq))


def _verdict(distance: int | None) -> Literal["", "same", "alike", "other"]:
    if distance is None:
        return ""
    return "same" if distance <= SAME else "alike" if distance <= NEAR_PDQ_DISTANCE else "other"
