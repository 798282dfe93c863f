"""Evidence: what was reported or held stays with the case, whatever its author does to it."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from accounts.services import delete_account, export_personal_data
from feed.collections.services import create_collection, delete_collection
from feed.comments.services import delete_comment, edit_comment, post_comment
from feed.posts.services import delete_post, publish_image, unpublish_post
from generation.models import Image, ImageState
from generation.services import delete_image
from moderation.appeals.services import appeal_decision
from moderation.cases.services import claim_case, open_case, report_target
from moderation.decisions.reversal import undo_decision
from moderation.decisions.services import decide_case
from moderation.evidence.services import copy_pictures, forget_evidence, take_missing_evidence
from moderation.models import BlockedHash, Case, Decision, Evidence, Strike
from tests.conftest import As, MakeMember
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
Action = Decision.Action
OnCommit = Callable[..., object]


def decide(case: Case, moderator: User, action: str = Action.REMOVE, reason: str = "sexual") -> Decision:
    claim_case(moderator=moderator, case=case)
    return decide_case(case=case, moderator=moderator, action=action, reason=reason)


def hold(image: Image) -> Case:
    Image.objects.filter(pk=image.pk).update(state=ImageState.HELD)
    image.refresh_from_db()
    return open_case(target=image, origin="screening", severity=3)


def test_a_held_picture_that_its_author_deletes_is_still_decided(
    alice: User,
    mod: User,
    make_image: MakeImage,
    as_user: As,
    media: Path,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    image = make_image(alice)
    pdq, png = image.pdq, (media / image.prefix / "original.png").read_bytes()
    case = hold(image)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        delete_image(image=image, author=alice)
    image.refresh_from_db()
    assert (image.deleted_at is not None, image.pdq, list((media / "images").glob("*/*/*"))) == (True, None, [])
    page = reverse("moderation:case", args=[case.public_id])
    assert "Its author has deleted it" in as_user(mod).get(page).content.decode()
    picture = reverse("moderation:picture", args=[case.public_id])
    assert as_user(mod).get(picture).content == png
    assert {as_user(who).get(picture).status_code for who in (alice, None)} == {404}
    decision = decide(case, mod)
    assert str(BlockedHash.objects.get(decision=decision).pdq) == str(pdq)
    assert Strike.objects.get(user=alice).decision == decision
    assert as_user(alice).get(reverse("moderation:decision", args=[decision.public_id])).status_code == 200


@pytest.mark.parametrize("change", ["delete", "edit"])
def test_a_reported_comment_keeps_its_words(
    change: str, alice: User, bob: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    comment = post_comment(post=post, author=bob, text="You people are vermin.")
    case = report_target(target=comment, reporter=alice, reason="hate").case
    if change == "delete":
        delete_comment(comment=comment, member=bob)
    else:
        edit_comment(comment=comment, author=bob, text="Lovely light!")
    shown = as_user(mod).get(reverse("moderation:case", args=[case.public_id])).content.decode()
    assert "You people are vermin." in shown
    decide(case, mod, reason="hate")
    assert Strike.objects.filter(user=bob).count() == 1


def test_a_deleted_post_and_a_deleted_collection_keep_their_words_and_picture(
    alice: User, bob: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    post = publish_image(image=image, author=alice, title="A title")
    case = report_target(target=post, reporter=bob, reason="sexual").case
    collection = create_collection(owner=alice, name="A cruel name", visibility="public")
    other = open_case(target=collection, origin="report", severity=2)
    unpublish_post(post=post, author=alice)
    delete_post(post=post, author=alice)
    image.refresh_from_db()
    delete_image(image=image, author=alice)
    delete_collection(collection=collection, owner=alice)
    assert "A title" in as_user(mod).get(reverse("moderation:case", args=[case.public_id])).content.decode()
    assert as_user(mod).get(reverse("moderation:picture", args=[case.public_id])).status_code == 200
    assert "A cruel name" in as_user(mod).get(reverse("moderation:case", args=[other.public_id])).content.decode()
    decide(other, mod, reason="hate")
    assert Strike.objects.filter(user=alice).count() == 1, "also where no row is left"
    assert BlockedHash.objects.filter(decision=decide(case, mod)).exists()


def test_a_deleted_account_leaves_the_evidence_of_open_cases_without_its_name(
    alice: User, bob: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    case = hold(make_image(alice, prompt="words that were held"))
    exported = export_personal_data(user=alice)["moderation"]["evidence"]
    assert [row["text"] for row in exported] == ["words that were held"]
    delete_account(user=alice)
    evidence = Evidence.objects.get(case=case)
    assert (evidence.text, evidence.author_name) == ("words that were held", "")
    assert as_user(mod).get(reverse("moderation:picture", args=[case.public_id])).status_code == 200
    assert BlockedHash.objects.filter(decision=decide(case, mod)).exists()


def test_a_second_report_keeps_what_changed_and_repeats_nothing(
    alice: User, bob: User, mallory: User, rita: User, make_image: MakeImage
) -> None:
    post = publish_image(image=make_image(alice), author=alice, title="First")
    report_target(target=post, reporter=bob, reason="sexual")
    case = report_target(target=post, reporter=mallory, reason="sexual").case
    assert case.evidence.count() == 1
    publish_image(image=post.image, author=alice, title="Second")
    report_target(target=post, reporter=rita, reason="sexual")
    assert [row.text.split("\n")[0] for row in case.evidence.order_by("pk")] == ["First", "Second"]


def test_evidence_is_kept_until_some_time_after_the_decision_and_then_deleted(
    alice: User, mod: User, make_image: MakeImage
) -> None:
    case = hold(make_image(alice))
    assert copy_pictures() == 1
    assert copy_pictures() == 0
    name = Evidence.objects.get().file
    long_after = timezone.now() + timedelta(days=10_000)
    assert forget_evidence(at=long_after) == 0, "an open case keeps it"
    decision = decide(case, mod)
    assert forget_evidence(at=timezone.now() + timedelta(days=179)) == 0
    undo_decision(decision=decision, moderator=mod)
    assert forget_evidence(at=long_after) == 0, "an undone decision keeps it too"
    decide_case(case=case, moderator=mod, action=Action.REMOVE, reason="sexual")
    assert default_storage.exists(name)
    assert forget_evidence(at=timezone.now() + timedelta(days=181)) == 1
    assert not default_storage.exists(name)


def opens_file(client: Client, image: Image) -> set[int]:
    """The answers at the addresses of a picture's files that the API tells somebody; none where it tells nothing."""
    shown = client.get(f"/api/images/{image.public_id}/").content.decode()
    found = re.findall(r'"(?:http://testserver)?(/[^"]*[?&]s=[^"]*)"', shown)
    return {client.get(address).status_code for address in found} - {404}


def test_what_sexualises_a_minor_is_kept_for_a_year_and_sealed_to_all_but_staff(
    alice: User, mod: User, steve: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    case = hold(image)
    decide(case, mod, reason="minor")
    picture = reverse("moderation:picture", args=[case.public_id])
    assert [as_user(who).get(picture).status_code for who in (mod, steve)] == [404, 200]
    assert [opens_file(as_user(who), image) for who in (mod, steve)] == [set(), {200}]
    assert forget_evidence(at=timezone.now() + timedelta(days=364)) == 0
    assert forget_evidence(at=timezone.now() + timedelta(days=366)) == 1


def test_a_removed_picture_is_preserved_while_its_author_may_appeal(
    alice: User, mod: User, mia: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    decision = decide(open_case(target=image, origin="report", severity=2), mod)
    image.refresh_from_db()
    delete_image(image=image, author=alice)
    appeal = appeal_decision(decision=decision, author=alice, text="It was a peach.")
    page = as_user(mia).get(reverse("moderation:appeal", args=[appeal.public_id])).content.decode()
    assert decision.case is not None
    picture = reverse("moderation:picture", args=[decision.case.public_id])
    assert picture in page
    assert as_user(mia).get(picture).status_code == 200


def test_cases_of_a_version_that_took_no_evidence_get_it(alice: User, make_image: MakeImage) -> None:
    case = hold(make_image(alice))
    Evidence.objects.all().delete()
    assert take_missing_evidence(at=timezone.now()) == 1
    assert take_missing_evidence(at=timezone.now()) == 0
    copy_pictures()
    stored = Evidence.objects.get(case=case)
    assert default_storage.exists(stored.file)


def test_a_better_moderators_evidence_is_not_shown(make_member: MakeMember, mod: User, as_user: As) -> None:
    head = make_member("head", Role.STAFF)
    case = open_case(target=head, origin="report", severity=2)
    assert as_user(mod).get(reverse("moderation:case", args=[case.public_id])).status_code == 404
