"""Webhooks: signed, retried, and never sent into a private network."""

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import services
from accounts.models import User, Webhook, WebhookDelivery
from accounts.webhooks import sending
from accounts.webhooks.deliveries import FIRST_PAUSE, MAX_ATTEMPTS, deliver_due, forget_deliveries
from lib.errors import Refused
from tests.conftest import ApiAs, As

pytestmark = pytest.mark.django_db


class Receiver:
    """A server on loopback that keeps what it was sent and answers with `status`."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.calls.append((dict(self.headers), body))
                self.send_response(outer.status)
                self.send_header("Location", f"{outer.url}/inside")
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def hook(alice: User, receiver: Receiver, settings: Settings) -> Webhook:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    return services.register_webhook(user=alice, url=f"{receiver.url}/here?x=1", events=["post.liked"])


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://10.0.0.8/x", "https://192.168.1.1/", "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/",
        "https://0.0.0.0/", "https://2130706433/", "https://100.64.0.1/", "https://224.0.0.1/",
        "http://example.com/", "ftp://example.com/", "https://user:pass@example.com/", "https://", "https://x:99999/",
        "https://no-such-host.invalid/",
    ],
)  # fmt: skip
def test_private_and_strange_addresses_are_refused(url: str, alice: User) -> None:
    with pytest.raises(Refused) as refused:
        services.register_webhook(user=alice, url=url, events=["post.liked"])
    assert "url" in refused.value.fields
    assert not Webhook.objects.exists()


def test_a_name_in_any_script_is_called_by_its_ascii_form(
    alice: User, bob: User, receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    port = receiver.server.server_port
    ask_resolver = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = "127.0.0.1" if host == "xn--e1afmkfd.example" else host
        return ask_resolver(name, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    services.register_webhook(user=alice, url=f"http://пример.example:{port}/путь?a=ж", events=["post.liked"])
    services.emit(user=alice, event="post.liked", target=bob)
    assert deliver_due() == 1
    assert receiver.calls[0][0]["Host"] == f"xn--e1afmkfd.example:{port}"
    assert WebhookDelivery.objects.get().delivered_at is not None


def test_a_name_that_leads_inwards_is_refused_when_added_and_when_called(
    alice: User, bob: User, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = receiver.server.server_port
    answers = {"inwards.test": "127.0.0.1", "turns.test": "93.184.215.14"}

    def resolve(host: str, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(Refused):
        services.register_webhook(user=alice, url="https://inwards.test/", events=["post.liked"])
    services.register_webhook(user=alice, url=f"https://turns.test:{port}/", events=["post.liked"])
    answers["turns.test"] = "127.0.0.1"  # the name turns around after it was checked
    services.emit(user=alice, event="post.liked", target=bob)
    assert deliver_due() == 1
    assert receiver.calls == []
    assert WebhookDelivery.objects.get().delivered_at is None


def test_an_event_arrives_once_signed_and_with_ids_only(
    hook: Webhook, alice: User, bob: User, receiver: Receiver
) -> None:
    services.emit(user=alice, event="post.liked", target=bob)
    services.emit(user=alice, event="image.ready", target=bob)  # not asked for
    services.emit(user=bob, event="post.liked", target=alice)  # nobody's
    assert (deliver_due(), deliver_due()) == (1, 0)
    headers, body = receiver.calls[0]
    moment, signature = (part.partition("=")[2] for part in headers[sending.SIGNATURE_HEADER].split(","))
    expected = hmac.new(hook.secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert signature == expected
    assert json.loads(body)["target"] == {"type": "accounts.user", "id": bob.public_id}
    assert "bob" not in body.decode()


def test_a_redirect_is_not_followed_and_counts_as_a_failure(
    hook: Webhook, alice: User, bob: User, receiver: Receiver
) -> None:
    receiver.status = 302
    services.emit(user=alice, event="post.liked", target=bob)
    deliver_due()
    assert len(receiver.calls) == 1
    assert WebhookDelivery.objects.get().last_status == 302


def test_failures_are_retried_ever_later_and_the_last_switches_the_webhook_off(
    hook: Webhook, alice: User, bob: User, receiver: Receiver
) -> None:
    receiver.status, now = 500, timezone.now()
    services.emit(user=alice, event="post.liked", target=bob, at=now)
    assert deliver_due(at=now) == 1
    assert deliver_due(at=now + FIRST_PAUSE - timedelta(seconds=1)) == 0
    for attempt in range(1, MAX_ATTEMPTS):
        now += FIRST_PAUSE * 4 ** (attempt - 1)
        assert deliver_due(at=now) == 1
    row = WebhookDelivery.objects.get()
    assert (row.attempts, row.delivered_at, row.failed_at) == (MAX_ATTEMPTS, None, now)
    hook.refresh_from_db()
    assert not hook.is_active
    services.emit(user=alice, event="post.liked", target=alice)
    assert WebhookDelivery.objects.count() == 1


def test_a_worker_that_dies_leaves_its_event_due_again(
    hook: Webhook, alice: User, bob: User, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    services.emit(user=alice, event="post.liked", target=bob, at=now)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sending, "post", die)
        with pytest.raises(KeyboardInterrupt):
            deliver_due(at=now)
    assert deliver_due(at=now) == 0
    assert deliver_due(at=now + timedelta(minutes=3)) == 1
    assert len(receiver.calls) == 1


def test_the_log_shows_each_call_and_a_webhook_that_gave_up_is_switched_on_again(
    hook: Webhook, alice: User, bob: User, receiver: Receiver, as_user: As, api_as: ApiAs
) -> None:
    log, resume = f"/settings/webhooks/{hook.public_id}/log/", f"/settings/webhooks/{hook.public_id}/resume/"
    assert "No calls yet" in as_user(alice).get(log).content.decode()
    now = timezone.now()
    services.emit(user=alice, event="post.liked", target=bob, at=now)
    WebhookDelivery.objects.update(attempts=MAX_ATTEMPTS - 1)
    receiver.status = 503
    deliver_due(at=now)
    page = as_user(alice).get(log).content.decode()
    assert "given up" in page
    assert "503" in page
    (call,) = api_as(alice).get(f"/api/webhooks/{hook.public_id}/deliveries/").json()["results"]
    assert (call["event"], call["target"], call["last_status"]) == ("post.liked", bob.public_id, 503)
    receiver.status = 200
    assert as_user(alice).post(resume).status_code == 302
    assert deliver_due() == 1
    assert "delivered" in as_user(alice).get(log).content.decode()
    assert api_as(alice).post(f"/api/webhooks/{hook.public_id}/resume/").json() == {"sent_again": 0}


def test_nobody_else_reads_or_resumes_a_webhook(hook: Webhook, mallory: User, as_user: As, api_as: ApiAs) -> None:
    assert as_user(mallory).get(f"/settings/webhooks/{hook.public_id}/log/").status_code == 404
    assert as_user(mallory).post(f"/settings/webhooks/{hook.public_id}/resume/").status_code == 404
    assert api_as(mallory).get(f"/api/webhooks/{hook.public_id}/deliveries/").status_code == 404
    assert api_as(mallory).post(f"/api/webhooks/{hook.public_id}/resume/").status_code == 404


def test_the_log_forgets_what_is_settled_after_thirty_days(hook: Webhook, alice: User, bob: User) -> None:
    old = timezone.now() - timedelta(days=31)
    services.emit(user=alice, event="post.liked", target=bob, at=old)
    assert forget_deliveries() == 0
    deliver_due()
    assert forget_deliveries() == 1
