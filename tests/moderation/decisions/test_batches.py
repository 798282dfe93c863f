"""Many cases by one press, undo, and the statement of reasons by mail."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from feed.models import Post
from feed.posts.services import publish_image
from generation.models import Image
from lib.errors import Refused
from moderation.cases.services import claim_case, open_case
from moderation.decisions.mails import send_statement, statement_url
from moderation.decisions.reversal import undo_decision
from moderation.decisions.services import decide_case
from moderation.models import Appeal, BlockedHash, Case, Decision, Restriction, Strike
from tests.conftest import ApiAs, As
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
Action = Decision.Action


def cases_of(images: list[Image]) -> list[Case]:
    return [open_case(target=image, origin="report", severity=2) for image in images]


def test_ticked_cases_get_the_same_decision_and_those_of_others_are_passed_over(
    alice: User, bob: User, mod: User, mia: User, make_image: MakeImage, as_user: As
) -> None:
    images = [make_image(alice) for _ in range(3)]
    Image.objects.filter(pk=images[0].pk).update(pdq="01" * 128, pdq_quality=100)
    copy = make_image(bob)
    Image.objects.filter(pk=copy.pk).update(pdq="01" * 120 + "1" * 16, pdq_quality=100)
    first, second, third, alike = cases_of([*images, copy])
    claim_case(moderator=mod, case=first)
    page = reverse("moderation:case", args=[first.public_id])
    shown = as_user(mod).get(page).content.decode()
    assert all(f'value="{case.public_id}"' in shown for case in (second, third, alike))
    claim_case(moderator=mia, case=third)
    also = [second.public_id, third.public_id, alike.public_id]
    answer = as_user(mod).post(page, {"action": "remove", "reason": "sexual", "also": also}, follow=True)
    assert "2 more cases decided" in answer.content.decode()
    assert set(Case.objects.unclosed()) == {third}
    assert Decision.objects.filter(action="remove").count() == 3
    assert Strike.objects.filter(user=alice).count() == 1


def test_a_batch_works_through_the_api_and_a_decision_is_undone_there(
    alice: User, mod: User, make_image: MakeImage, api_as: ApiAs
) -> None:
    first, second = cases_of([make_image(alice), make_image(alice)])
    client = api_as(mod)
    client.post(f"/api/cases/{first.public_id}/claim/")
    body = {"action": "remove", "reason": "spam", "also": [second.public_id]}
    assert client.post(f"/api/cases/{first.public_id}/decide/", body).status_code == 201
    assert not Case.objects.unclosed().exists()
    assert client.post(f"/api/cases/{second.public_id}/undo/").json()["state"] == "claimed"
    assert client.post(f"/api/cases/{second.public_id}/undo/").status_code == 409


@pytest.mark.parametrize("was_held", [False, True])
def test_an_undone_decision_leaves_everything_as_it_was(
    was_held: bool, alice: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    post = publish_image(image=image, author=alice)
    if was_held:
        case = open_case(target=post, origin="report", severity=2)
        claim_case(moderator=mod, case=case)
        decide_case(case=case, moderator=mod, action=Action.HOLD, reason="sexual")
    before = Image.objects.values_list("state", "is_public").get(pk=image.pk)
    for action in (Action.REMOVE, Action.APPROVE):
        case = open_case(target=post, origin="report", severity=2)
        claim_case(moderator=mod, case=case)
        decision = decide_case(case=case, moderator=mod, action=action, reason="sexual")
        page = as_user(mod).get(reverse("moderation:recent")).content.decode()
        undo = reverse("moderation:undo", args=[decision.public_id])
        assert undo in page
        assert as_user(mod).post(undo).headers["Location"] == reverse("moderation:case", args=[case.public_id])
        assert Image.objects.values_list("state", "is_public").get(pk=image.pk) == before
        assert not BlockedHash.objects.filter(lifted_at=None).exists()
        assert not Strike.objects.active(timezone.now()).exists()
        case.refresh_from_db()
        assert (case.state, case.claimed_by) == ("claimed", mod)


def test_only_the_one_who_decided_or_staff_undo_and_only_for_a_day(
    alice: User, mod: User, mia: User, steve: User, make_image: MakeImage
) -> None:
    case = cases_of([make_image(alice)])[0]
    claim_case(moderator=mod, case=case)
    decision = decide_case(case=case, moderator=mod, action=Action.REMOVE, reason="spam")
    for who, later in ((mia, 0), (alice, 0), (mod, 25), (steve, 25)):
        with pytest.raises(Refused):
            undo_decision(decision=decision, moderator=who, at=timezone.now() + timedelta(hours=later))
    undo_decision(decision=decision, moderator=steve)
    with pytest.raises(Refused):
        undo_decision(decision=decision, moderator=steve)


def test_the_statement_comes_by_mail_and_a_banned_member_appeals_by_its_link(
    alice: User, bob: User, mod: User, client: Client
) -> None:
    case = open_case(target=alice, origin="report", severity=5)
    claim_case(moderator=mod, case=case)
    decision = decide_case(
        case=case, moderator=mod, action=Action.RESTRICT, reason="hate", note="Three insults.",
        restriction=Restriction.Kind.BANNED, duration="permanent",
    )  # fmt: skip
    assert send_statement(decision_id=decision.pk)
    sent = mail.outbox[-1]
    assert (sent.to, "Three insults." in sent.body) == ([alice.email], True)
    link = statement_url(decision)
    assert link in sent.body
    path = link.removeprefix(link.split("/moderation/")[0])
    assert "Your account was restricted" in client.get(path).content.decode()
    assert client.get(path[:-3] + "x/").status_code == 404
    assert client.post(path, {"text": "It was satire."}).status_code == 302
    assert Appeal.objects.get(decision=decision).author == alice
    assert "It was satire." in client.get(path).content.decode()


def test_the_queue_shows_what_was_asked_for(
    alice: User, bob: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    about_post = open_case(target=post, origin="report", severity=2)
    due = open_case(target=bob, origin="notice", severity=5, due_at=timezone.now() + timedelta(hours=1))
    client = as_user(mod)

    def listed(query: str) -> set[Case]:
        page = client.get(f"{reverse('moderation:queue')}?{query}").content.decode()
        return {each for each in (about_post, due) if reverse("moderation:case", args=[each.public_id]) in page}

    assert listed("") == listed("kind=nonsense") == {about_post, due}
    assert listed("kind=feed.post") == listed("author=ALICE") == listed("origin=report") == {about_post}
    assert listed("only=due") == listed("origin=notice") == {due}
    assert listed("author=alice&only=due") == set()
    page = client.get(reverse("moderation:queue")).content.decode()
    assert "1 case is past its deadline or close to it" in page
    assert f"{reverse('moderation:picture', args=[about_post.public_id])}?small" in page
    assert Post.objects.count() == 1
