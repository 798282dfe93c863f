"""Notices of people without an account: form, receipt, clock, answer, and what is forgotten."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from feed.comments.services import post_comment
from feed.posts.services import publish_image
from moderation.cases.services import claim_case, report_target
from moderation.decisions.reversal import undo_decision
from moderation.decisions.services import decide_case
from moderation.models import Case, Decision, Notice
from moderation.notices.services import answer_senders, find_target, forget_senders, send_receipt
from tests.conftest import As
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
FORM = reverse("moderation:notice")


def notice(url: str, **fields: str) -> dict[str, str]:
    return {
        "kind": "intimate",
        "url": url,
        "explanation": "This is me.",
        "email": "v@out.test",
        "is_true": "on",
        **fields,
    }


def test_a_visitor_sends_a_notice_follows_it_and_is_answered(
    client: Client, alice: User, bob: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    reported = report_target(target=post, reporter=bob, reason="sexual").case
    answer = client.post(FORM, notice(f"{settings.SITE_URL}/p/{post.public_id}/"))
    sent = Notice.objects.get()
    status = reverse("moderation:notice-status", args=[sent.token])
    assert answer.headers["Location"] == status
    case = Case.objects.get()
    assert case == reported, "a notice merges into the open case"
    assert (case.due_at, case.severity) == (sent.created_at + timedelta(hours=48), 5)
    assert "A moderator will look at it." in client.get(status).content.decode()
    send_receipt(notice_id=sent.pk)
    assert mail.outbox[-1].to == ["v@out.test"]
    assert status in mail.outbox[-1].body
    claim_case(moderator=mod, case=case)
    assert "This is me." in as_user(mod).get(reverse("moderation:case", args=[case.public_id])).content.decode()
    decision = decide_case(case=case, moderator=mod, action=Decision.Action.REMOVE, reason="intimate")
    assert "It was taken down." in client.get(status).content.decode()
    answer_senders(case_id=case.pk)
    assert "It was taken down." in mail.outbox[-1].body
    undo_decision(decision=decision, moderator=mod)
    assert "A moderator will look at it." in client.get(status).content.decode()
    assert "v@out.test" not in as_user(alice).get(reverse("moderation:mine")).content.decode()


def test_what_a_notice_lacks_is_said_and_nothing_is_kept(client: Client, alice: User, make_image: MakeImage) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    page = f"/p/{post.public_id}/"
    wrong = [
        notice("https://elsewhere.test" + page), notice("/p/nobody123456/"), notice("http://["), notice("/search/"),
        notice(page, kind="copyright", name=""), notice(page, kind="copyright", name="V", email=""),
        notice(page, is_true=""), notice(page, explanation=""), notice(page, kind="spam"), notice(page, email="x"),
    ]  # fmt: skip
    assert [client.post(FORM, form).status_code for form in wrong] == [422] * len(wrong)
    assert not Notice.objects.exists()
    assert not Case.objects.exists()


def test_every_page_of_members_can_be_named_in_a_notice(alice: User, bob: User, make_image: MakeImage) -> None:
    post = publish_image(image=make_image(alice), author=alice)
    comment = post_comment(post=post, author=bob, text="Hello there")
    found = [find_target(url) for url in (f"/p/{post.public_id}/", comment.get_absolute_url(), "/@Alice/")]
    assert found == [post, comment, alice]
    image = post.image
    rendition = f"/i/{image.public_id}"
    assert find_target(rendition) is None


def test_one_network_sends_ten_notices_a_day(client: Client, alice: User, make_image: MakeImage) -> None:
    page = f"/p/{publish_image(image=make_image(alice), author=alice).public_id}/"
    assert {client.post(FORM, notice(page)).status_code for _ in range(10)} == {302}
    refused = client.post(FORM, notice(page))
    assert refused.status_code == 422
    assert "too often" in refused.content.decode()


def test_who_sent_a_notice_is_forgotten_with_the_evidence(
    client: Client, alice: User, mod: User, make_image: MakeImage
) -> None:
    page = f"/p/{publish_image(image=make_image(alice), author=alice).public_id}/"
    client.post(FORM, notice(page, name="Vera"))
    case = Case.objects.get()
    assert forget_senders(at=timezone.now() + timedelta(days=1000)) == 0, "an open case keeps it"
    claim_case(moderator=mod, case=case)
    decide_case(case=case, moderator=mod, action=Decision.Action.APPROVE)
    assert forget_senders(at=timezone.now() + timedelta(days=179)) == 0
    assert forget_senders(at=timezone.now() + timedelta(days=181)) == 1
    assert Notice.objects.values_list("name", "email", "explanation").get() == ("", "", "")


def test_a_wrong_token_shows_nothing(client: Client) -> None:
    assert client.get(reverse("moderation:notice-status", args=["x" * 32])).status_code == 404
