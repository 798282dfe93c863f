"""Prompt expansion: what the community publishes, seen and undone by the member; a language model where one is set."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from generation.models import PromptExample
from generation.prompts.expansion import expand_prompt, fitting_phrases
from generation.prompts.sharing import shared_words
from moderation.models import Rule
from tests.conftest import ApiAs
from tests.generation.fixtures import MakeImage

ROWS = [
    ("a fox in the snow, watercolour, soft light", 1),
    ("a red fox, Watercolour, thick brush strokes", 2),
    ("a ship, neon lights, soft light", 2),
    ("a ship at sea, neon lights", 3),
    ("a fox, a phrase of mine alone", 3),
    ("a fox, (watercolour:1.4), <lora:ink:1>", 4),
]


def test_phrases_come_from_several_members_and_from_prompts_that_are_alike() -> None:
    assert fitting_phrases("a white fox", ROWS) == ("watercolour", "soft light")
    assert fitting_phrases("a ship", ROWS) == ("neon lights", "soft light")
    assert fitting_phrases("a bear", ROWS) == ()
    assert "watercolour" not in fitting_phrases("a fox, watercolour", ROWS)
    assert fitting_phrases("a fox", ROWS[:1] * 5) == ()  # one member's own


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ([], ()),
        (["a Harbour at night"], ("harbour", "night")),
        (["a harbour", "the harbour, night", "a cat"], ("harbour",)),
        (["a cat", "a dog"], ()),
    ],
)
def test_words_that_half_of_the_prompts_share(prompts: list[str], words: tuple[str, ...]) -> None:
    assert shared_words(prompts) == words


@pytest.fixture
def published(alice: User, bob: User, make_image: MakeImage) -> None:
    for author, prompt in ((alice, ROWS[0][0]), (bob, ROWS[1][0])):
        PromptExample.objects.create(image=make_image(author, prompt=prompt), prompt=prompt)


@pytest.mark.usefixtures("published")
def test_the_api_shows_what_was_added_and_how_to_undo_it(api_as: ApiAs, alice: User) -> None:
    answer = api_as(alice).post("/api/prompt-expansion/", {"prompt": "a white fox."}, format="json")
    proposal = {"expanded": "a white fox, watercolour", "added": ["watercolour"], "source": "community"}
    assert answer.json() == {"prompt": "a white fox.", **proposal}
    assert api_as(None).post("/api/prompt-expansion/", {"prompt": "a"}, format="json").status_code == 401


@pytest.mark.usefixtures("published")
def test_what_moderation_objects_to_is_not_proposed(alice: User) -> None:
    Rule.objects.create(
        slug="x", pattern="watercolour", effect=Rule.Effect.BLOCK, reason="No.", created_at=timezone.now()
    )
    found = expand_prompt(prompt="a fox", member=alice, longest=2000)
    assert (found.expanded, found.added) == ("a fox", ())


class Chat(BaseHTTPRequestHandler):
    """A server with the OpenAI chat API that says what was asked last."""

    answers: ClassVar[list[tuple[int, Any]]] = []
    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status, answer = self.answers.pop(0)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def model(settings: Settings) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.PROMPT_EXPANDER = "generation.prompts.language_model.expand"
    settings.PROMPT_MODEL = f"http://127.0.0.1:{server.server_address[1]}/v1#writer"
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("published", "model")
def test_a_language_model_proposes_and_the_community_takes_its_place_when_it_fails(alice: User) -> None:
    Chat.answers[:] = [
        (200, {"choices": [{"message": {"content": '"a white fox at dawn"'}}]}), (500, {}), (200, {"choices": []}),
    ]  # fmt: skip
    found = expand_prompt(prompt="a white fox", member=alice, longest=2000)
    assert (found.expanded, found.source) == ("a white fox at dawn", "model")
    assert Chat.asked[0]["model"] == "writer"
    assert ROWS[0][0] in Chat.asked[0]["messages"][0]["content"]
    for _failure in range(2):
        found = expand_prompt(prompt="a white fox", member=alice, longest=2000)
        assert (found.expanded, found.source) == ("a white fox, watercolour", "community")
