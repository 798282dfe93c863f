"""Settings pages, the API of one's own account, the download and the deletion."""

import io
import json
import zipfile

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from accounts import services
from accounts.models import ApiToken, ConsentEvent, Notification, User, Webhook
from accounts.templatetags.words import sentence_case
from accounts.tokens import services as token_services
from tests.conftest import PASSWORD, ApiAs, As

pytestmark = pytest.mark.django_db
PAGES = ["settings", "consent", "tokens", "webhooks", "data"]


@pytest.mark.parametrize("name", PAGES)
def test_settings_are_for_members(name: str, alice: User, as_user: As) -> None:
    assert as_user(alice).get(reverse(f"accounts:{name}")).status_code == 200
    there = as_user(None).get(reverse(f"accounts:{name}")).headers["Location"]
    assert there.startswith("/accounts/login/")


def test_the_pages_of_packages_speak_in_sentence_case(alice: User, as_user: As) -> None:
    page = as_user(alice).get(reverse("mfa_index")).content.decode()
    assert "Two-factor authentication</h1>" in page
    assert "Authenticator app</h2>" in page
    page = as_user(alice).get(reverse("account_change_password")).content.decode()
    assert "Change password</h1>" in page
    assert "Current password" in page
    assert sentence_case("Use TOTP With JavaScript. Then Sign In") == "Use TOTP with JavaScript. Then sign in"
    with override("de"):
        assert sentence_case("Passwort Ändern") == "Passwort Ändern"


def test_a_content_level_is_chosen_and_a_refusal_keeps_what_was_typed(alice: User, as_user: As) -> None:
    page, client = reverse("accounts:settings"), as_user(alice)
    refused = client.post(page, {"max_level": "2"})
    assert refused.status_code == 422
    assert "18 or older" in refused.content.decode()
    assert client.post(page, {"max_level": "2", "is_adult": "on"}).status_code == 302
    assert User.objects.get(pk=alice.pk).max_level == 2


def test_consent_is_given_per_purpose_and_taken_back(alice: User, as_user: As) -> None:
    page, client = reverse("accounts:consent"), as_user(alice)
    client.post(page, {"train": "on"})
    assert ConsentEvent.objects.purposes_of(alice) == {"train"}
    client.post(page, {"publish": "on"})
    assert ConsentEvent.objects.purposes_of(alice) == {"publish"}


def test_a_webhook_into_a_private_network_is_refused_on_the_page_and_in_the_api(
    alice: User, as_user: As, api_as: ApiAs
) -> None:
    form = {"url": "https://127.0.0.1/x", "events": ["post.liked"]}
    page = as_user(alice).post(reverse("accounts:webhooks"), form)
    assert page.status_code == 422
    assert "127.0.0.1/x" in page.content.decode()
    answer = api_as(alice).post("/api/webhooks/", form)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["url"])
    assert api_as(alice).post("/api/webhooks/", {**form, "events": ["x"]}).status_code == 400


def test_the_api_of_ones_own_account(alice: User, bob: User, api_as: ApiAs) -> None:
    client = api_as(alice)
    assert client.patch("/api/me/", {"max_level": 2}).status_code == 400
    assert client.patch("/api/me/", {"max_level": 1, "username": "x"}).json()["username"] == "alice"
    assert client.post("/api/consent/", {"purpose": "train", "granted": True}).json()[0]["granted"]
    assert client.post("/api/consent/", {"purpose": "sell", "granted": True}).status_code == 400
    services.notify(recipient=alice, kind="like", target=bob, actor=bob)
    assert client.get("/api/notifications/").json()["results"][0]["actor"] == "bob"
    assert client.post("/api/notifications/read/", {}).status_code == 204
    assert not Notification.objects.unread().exists()
    for path in ("me", "consent", "tokens", "notifications", "webhooks"):
        assert api_as(None).get(f"/api/{path}/").status_code == 401


def test_the_download_holds_the_data_of_every_app(alice: User, as_user: As) -> None:
    services.record_consent(user=alice, purpose="train", granted=True)
    data = as_user(alice).get(reverse("accounts:data-json")).json()
    assert {"accounts", "moderation", "generation", "feed", "ratings"} <= set(data)
    assert data["accounts"]["consent"][0]["purpose"] == "train"
    packed = b"".join(as_user(alice).get(reverse("accounts:data-zip")))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert json.loads(archive.read("accounts.json"))["username"] == "alice"


def test_deleting_asks_once_and_leaves_a_blank_tombstone(alice: User, bob: User, as_user: As) -> None:
    client, other = Client(), Client()
    for each in (client, other):
        assert each.post("/accounts/login/", {"login": "alice", "password": PASSWORD}).status_code == 302
    assert UserSession.objects.filter(user=alice).count() == 2
    token_services.issue_token(user=alice, name="script")
    services.record_consent(user=alice, purpose="train", granted=True)
    services.notify(recipient=bob, kind="like", target=bob, actor=alice)
    Webhook.objects.create(user=alice, url="https://example.com", secret="s", events=["post.liked"])

    page = reverse("accounts:delete")
    assert client.post(page, {"username": "bob"}).status_code == 422
    assert User.objects.filter(username="alice").exists()
    assert client.post(page, {"username": "Alice"}).status_code == 302

    alice.refresh_from_db()
    assert alice.username == f"deleted-{alice.public_id}"
    assert (alice.email, alice.is_active, alice.has_usable_password()) == ("", False, False)
    assert alice.deleted_at is not None
    assert ConsentEvent.objects.purposes_of(alice) == set()
    assert not ApiToken.objects.filter(user=alice).exists()
    assert not Webhook.objects.exists()
    assert not Notification.objects.exists()
    assert not UserSession.objects.filter(user=alice).exists()
    assert other.get(reverse("accounts:settings")).status_code == 302
    services.delete_account(user=alice)
