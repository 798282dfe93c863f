"""Decisions about real pictures: what is removed comes back neither by its own way nor by a copy."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from generation.models import Image, ImageState
from moderation.appeals.services import answer_appeal, appeal_decision
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case
from moderation.models import BlockedHash, Case, Decision, Strike
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
Action = Decision.Action


def decide(image: Image, moderator: User, action: str, **more: object) -> Decision:
    case = open_case(target=image, origin="report", severity=2)
    claim_case(moderator=moderator, case=case)
    return decide_case(case=case, moderator=moderator, action=action, reason="sexual", **more)  # type: ignore[arg-type]


def test_a_removed_picture_is_blocked_by_its_hash_and_an_appeal_lifts_hash_and_strike(
    alice: User, bob: User, mod: User, mia: User, make_image: MakeImage
) -> None:
    image = make_image(alice)
    decision = decide(image, mod, Action.REMOVE)
    image.refresh_from_db()
    assert image.state == ImageState.REJECTED
    assert BlockedHash.objects.get(decision=decision).lifted_at is None
    assert Strike.objects.get(decision=decision).voided_at is None
    appeal = appeal_decision(decision=decision, author=alice, text="It is a peach.")
    answer_appeal(appeal=appeal, moderator=mia, is_granted=True, answer="It is.")
    image.refresh_from_db()
    assert image.state == ImageState.READY
    assert BlockedHash.objects.get(decision=decision).lifted_at is not None
    assert Strike.objects.get(decision=decision).voided_at is not None


def test_a_level_is_set_and_a_granted_appeal_restores_the_one_before(
    alice: User, mod: User, mia: User, make_image: MakeImage
) -> None:
    image = make_image(alice)
    decide(image, mod, Action.LEVEL, level=1)
    decision = decide(image, mod, Action.LEVEL, level=2)
    image.refresh_from_db()
    assert image.content_level == 2
    appeal = appeal_decision(decision=decision, author=alice, text="No.")
    answer_appeal(appeal=appeal, moderator=mia, is_granted=True, answer="Yes.")
    image.refresh_from_db()
    assert image.content_level == 1


def test_what_was_made_from_a_removed_picture_gets_a_case_and_nothing_more(
    alice: User, bob: User, mod: User, make_image: MakeImage
) -> None:
    parent = make_image(alice)
    remix = make_image(bob)
    remix.generation.parent = parent
    remix.generation.save(update_fields=["parent"])
    decide(parent, mod, Action.REMOVE)
    remix.refresh_from_db()
    assert remix.state == ImageState.READY
    assert Case.objects.get(target_id=remix.pk, target_type="generation.image").origin == "related"
    assert not Strike.objects.filter(user=bob).exists()


def test_the_operator_blocks_a_picture_by_command(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice)
    call_command("block_hash", image=image.public_id, note="seen elsewhere")
    assert BlockedHash.objects.get().source == BlockedHash.Source.OPERATOR
    call_command("block_hash", pdq="f0" * 32)
    assert BlockedHash.objects.count() == 2
    for wrong in ({"pdq": "xyz"}, {"image": "nobody"}):
        with pytest.raises(CommandError):
            call_command("block_hash", **wrong)
