"""The blocklist: the index answers as a comparison of every row does, and what was published before is held."""

import numpy as np
import PIL.Image
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Notification, User
from feed.models import Post
from feed.posts.services import publish_image
from generation.models import Image, ImageState
from lib.images import hamming_distance, hash_orientations, turn_hash
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case
from moderation.hashes import sweeping
from moderation.hashes.services import block_hash, find_nearest, lift_hash
from moderation.hashes.sweeping import release_lifted, sweep_blocklist
from moderation.models import BlockedHash, Case, Decision
from moderation.pseudonyms import MACHINE
from tests.conftest import As
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
RNG = np.random.default_rng(5)


def random_hash() -> str:
    return "".join(map(str, RNG.integers(0, 2, 256)))


def changed(hash: str, bits: int, within: range = range(256)) -> str:
    """The hash with so many bits changed, all of them at places in a range."""
    values = np.array(list(hash))
    places = RNG.choice(list(within), size=bits, replace=False)
    values[places] = np.where(values[places] == "0", "1", "0")
    return "".join(values)


def fill(count: int) -> None:
    """So many that the list is no short one, which is compared row by row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO moderation_blockedhash (pdq, source, note, created_at)"
            " SELECT (('x' || md5(n::text))::bit(128)"
            " || ('x' || md5(n::text || '#'))::bit(128))::bit(256), 'operator', '', now()"
            " FROM generate_series(1, %s) n",
            [count],
        )


@pytest.mark.parametrize("is_long", [False, True])
def test_a_hash_is_found_within_31_bits_wherever_they_are_and_not_within_32(is_long: bool) -> None:
    fill(60_000 if is_long else 100)
    blocked = random_hash()
    row = block_hash(pdq=blocked)
    for bits in (0, 1, 15, 30, 31):
        found = find_nearest([random_hash(), changed(blocked, bits)])
        assert found is not None
        assert found == (row.pk, bits)
    for start in range(0, 224, 16):  # all in one place, as no random change is
        assert find_nearest([changed(blocked, 31, range(start, start + 32))]) == (row.pk, 31)
    # spread as evenly over the parts of the index as can be
    for _ in range(50):
        assert find_nearest([changed(blocked, 31)]) == (row.pk, 31)
        assert find_nearest([changed(blocked, 32)]) is None
    lift_hash(row=row)
    assert find_nearest([blocked]) is None
    assert find_nearest([]) is None


def test_a_hash_alone_says_what_its_picture_is_turned_and_mirrored() -> None:
    small = RNG.integers(0, 256, size=(12, 12, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(small).resize((512, 512), PIL.Image.Resampling.BICUBIC)
    ways = hash_orientations(picture)
    turned = turn_hash(ways[0].bits)
    assert all(min(hamming_distance(way.bits, other) for other in turned) <= 12 for way in ways)


@pytest.mark.parametrize("is_bulk", [False, True])
def test_what_was_published_before_its_hash_was_blocked_is_held_and_shown_again_when_it_is_lifted(
    is_bulk: bool, alice: User, bob: User, make_image: MakeImage, as_user: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_bulk:
        monkeypatch.setattr(sweeping, "BULK", 0)
    now = timezone.now()
    image, other = make_image(alice), make_image(bob, prompt="another", seed=77)
    Image.objects.filter(pk=other.pk).update(pdq=random_hash(), pdq_quality=100)
    Image.objects.filter(pk=image.pk).update(pdq_quality=100)
    post, untouched = publish_image(image=image, author=alice), publish_image(image=other, author=bob)
    image.refresh_from_db()
    row = block_hash(pdq=changed(str(image.pdq), 20))
    assert sweep_blocklist(at=now) == 1
    assert sweep_blocklist(at=now) == 0
    image.refresh_from_db()
    assert (image.state, image.is_public) == (ImageState.HELD, False)
    assert as_user(bob).get(f"/p/{post.public_id}/").status_code == 404
    assert as_user(alice).get(f"/p/{untouched.public_id}/").status_code == 200
    case, decision = Case.objects.get(), Decision.objects.get()
    assert (case.origin, decision.actor_pseudonym, decision.action) == ("hash", MACHINE, "hold")
    assert Notification.objects.filter(recipient=alice, kind="moderation.decision").exists()
    assert release_lifted(at=now) == 0
    lift_hash(row=row)
    assert release_lifted(at=now) == 1
    image.refresh_from_db()
    assert (image.state, image.is_public) == (ImageState.READY, True)
    assert Case.objects.get().state == Case.State.CLOSED
    assert Post.objects.public(now).filter(pk=post.pk).exists()


def test_a_removal_holds_the_copies_that_others_published(
    alice: User, bob: User, mod: User, make_image: MakeImage
) -> None:
    image, copy = make_image(alice), make_image(bob)
    Image.objects.filter(pk__in=[image.pk, copy.pk]).update(pdq=random_hash(), pdq_quality=100)
    publish_image(image=copy, author=bob)
    image.refresh_from_db()
    case = open_case(target=image, origin="report", severity=2)
    claim_case(moderator=mod, case=case)
    decide_case(case=case, moderator=mod, action=Decision.Action.REMOVE, reason="sexual")
    assert BlockedHash.objects.filter(swept_at=None).count() == 1
    assert sweep_blocklist(at=timezone.now()) == 1
    copy.refresh_from_db()
    assert copy.state == ImageState.HELD
    assert not copy.author.strikes.exists(), "a copy brings no strike before a moderator decides"
