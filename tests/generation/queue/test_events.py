"""The stream of a generation: its author's alone, resumable, and ended by what PostgreSQL says."""

import asyncio
import json
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import AsyncClient

from accounts.models import ApiToken, User
from generation import services
from generation.models import Generation, Image, ImageState
from generation.queue import events
from tests.generation.fixtures import MakeImage, checkpoint_row

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pending(alice: User) -> Generation:
    checkpoint_row("toy", "toy")
    return services.submit_generation(author=alice, prompt="a cat", checkpoint="toy", count=1, idempotency_key="k")


async def _open(user: User | None, generation: Generation, last: str = "") -> Any:
    client = AsyncClient()
    if user is not None:
        await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
    headers = {"Last-Event-ID": last} if last else {}
    return await client.get(f"/mine/{generation.public_id}/events/", headers=headers)


async def _read(response: Any, until: str) -> list[dict[str, str]]:
    """Messages up to the first of the kind `until`."""
    text, found = "", []
    async with asyncio.timeout(20):
        async for part in response.streaming_content:
            text += part.decode()
            while "\n\n" in text:
                block, text = text.split("\n\n", 1)
                message = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
                found.append(message)
                if message.get("event") == until:
                    return found
    return found


def _kinds(messages: list[dict[str, str]]) -> list[str]:
    return [message["event"] for message in messages if "event" in message]


def test_only_the_author_may_follow_a_generation(pending: Generation, mallory: User, mod: User) -> None:
    for viewer in (None, mallory, mod):
        assert async_to_sync(_open)(viewer, pending).status_code == 404


def test_an_api_token_opens_the_stream_of_its_member_alone(pending: Generation, alice: User, mallory: User) -> None:
    def status(authorisation: str) -> int:
        client = AsyncClient()
        address = f"/mine/{pending.public_id}/events/"
        response = async_to_sync(client.get)(address, headers={"Authorization": authorisation})
        return int(response.status_code)

    tokens = {user: ApiToken.objects.create(user=user)[1] for user in (alice, mallory)}  # type: ignore[no-untyped-call]
    assert status(f"Token {tokens[alice]}") == 200
    assert status(f"Token {tokens[mallory]}") == 404
    assert status("Token " + "f" * 64) == 401


def test_a_queued_generation_shows_its_place_in_the_queue(pending: Generation, alice: User) -> None:
    async def run() -> list[dict[str, str]]:
        return await _read(await _open(alice, pending), "queue")

    queue = json.loads(async_to_sync(run)()[-1]["data"])
    assert queue["place"] == 1


def test_following_continues_after_the_last_event_that_was_received(pending: Generation, alice: User) -> None:
    for step in (1, 2, 3):
        events.publish(pending.public_id, "step", {"step": step, "of": 3})

    async def run() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        first = await _read(await _open(alice, pending), "step")
        return first, await _read(await _open(alice, pending, first[-1]["id"]), "step")

    first, second = async_to_sync(run)()
    assert json.loads(first[-1]["data"])["step"] == 1
    assert json.loads(second[-1]["data"])["step"] == 2


@pytest.mark.parametrize("last", ["", "nonsense", "9-9\nevent: x"])
def test_how_it_ended_is_read_from_the_database_even_when_the_stream_is_lost(
    alice: User, make_image: MakeImage, last: str
) -> None:
    image = make_image(alice, state=ImageState.HELD)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(events.stream_of(image.generation.public_id))

    async def run() -> list[dict[str, str]]:
        return await _read(await _open(alice, image.generation, last.partition("\n")[0]), "done")

    messages = async_to_sync(run)()
    assert _kinds(messages) == ["image", "done"]
    assert json.loads(messages[-2]["data"])["state"] == "held"


def test_the_end_of_an_image_is_sent_and_then_the_stream_ends(pending: Generation, alice: User) -> None:
    async def run() -> list[dict[str, str]]:
        response = await _open(alice, pending)
        waiting = await _read(response, "queue")
        await Image.objects.filter(generation=pending).aupdate(state=ImageState.FAILED, failure="Out of memory.")
        return waiting + await _read(await _open(alice, pending), "done")

    messages = async_to_sync(run)()
    assert _kinds(messages)[-1] == "done"
    assert "Out of memory." in messages[-2]["data"]


def test_a_broker_that_is_away_does_not_stop_the_work(pending: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(events, "_client", lambda: nowhere)
    events.publish(pending.public_id, "step", {"step": 1})
