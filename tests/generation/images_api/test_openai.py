"""The OpenAI images API in both directions, with the real client and a real pipeline behind it."""

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import PIL.Image
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from accounts.tokens.services import issue_token
from generation.engines.base import Job, LoadOptions, NotSupported, ServerAway, Source
from generation.engines.openai_images import OpenAIImages
from generation.media import storage
from generation.models import Checkpoint, Image, ImageState
from tests.generation.requests import submit

pytestmark = pytest.mark.django_db(transaction=True)
Draw = Callable[..., int]


class PictureServer:
    """Speaks the OpenAI images API and draws with the tiny checkpoint; can die and come back at its address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0
        self.dies_after: int | None = None
        self.answer_instead: tuple[int, dict[str, Any]] | None = None
        self.lock = threading.Lock()
        self.port = 0
        self.start()

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(200, {"object": "list", "data": [{"id": "tiny", "object": "model"}]})

            def do_POST(self) -> None:
                wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.lock:
                    outer.requests.append(wanted)
                    number = len(outer.requests)
                    outer.at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer.at_once)
                try:
                    if outer.dies_after is not None and number > outer.dies_after:
                        self.close_connection = True  # no answer at all, as of a process that was killed
                        return
                    if outer.answer_instead is not None:
                        self.reply(*outer.answer_instead)
                        return
                    self.reply(200, {"created": 1, "data": [{"b64_json": outer.draw(wanted)}]})
                finally:
                    with outer.lock:
                        outer.at_once -= 1

            def reply(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Silent: pytest shows what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def draw(self, wanted: dict[str, Any]) -> str:
        from generation.engines.diffusers.drawing import draw

        width, height = map(int, wanted["size"].split("x"))
        job = Job(Source(str(self.folder)), [wanted["prompt"]], [wanted.get("negative_prompt", "")], [wanted["seed"]],
                  width, height, wanted["num_inference_steps"], [wanted["guidance_scale"]])  # fmt: skip
        with self.lock:  # one pipeline
            (picture,) = draw(job, on_step=lambda *_: None)
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        return base64.b64encode(stream.getvalue()).decode()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@pytest.fixture
def pictures(tiny_folder: Path) -> Iterator[PictureServer]:
    server = PictureServer(tiny_folder)
    yield server
    server.stop()


def register(pictures: PictureServer, **values: Any) -> Checkpoint:
    options = {"name": "Outside", "licence": "MIT", "model": "tiny", "sizes": [[32, 32]], "steps": 2, **values}
    call_command("register_server", pictures.address, **options)
    pictures.requests.clear()
    pictures.most_at_once = 0
    return Checkpoint.objects.get(slug="outside")


def job(pictures: PictureServer, count: int = 1, **values: Any) -> Job:
    source = Source(pictures.address, family="external", options=LoadOptions(model="tiny", in_flight=4))
    settings = {"width": 32, "height": 32, "steps": 2, "guidances": [3.0] * count, **values}
    return Job(source, ["a cat"] * count, ["dull"] * count, list(range(count)), **settings)


def test_a_server_is_registered_with_a_test_picture_and_draws_through_the_queue(
    pictures: PictureServer, alice: User, run_gpu_worker_inline: Draw
) -> None:
    row = register(pictures)
    assert (row.engine, row.pool, row.family) == ("openai_images", "external", "external")
    made = submit(alice, checkpoint="outside", count=4, prompt="a red tree", negative_prompt="dull", seed=7)
    assert run_gpu_worker_inline("external") == 4
    images = list(made.images.order_by("position"))
    assert [image.state for image in images] == [ImageState.READY] * 4
    assert [image.versions["engine"] for image in images] == ["openai_images"] * 4
    assert all(storage.original_png(image) for image in images)
    sent = sorted(pictures.requests, key=lambda each: int(each["seed"]))
    assert [each["seed"] for each in sent] == [7, 8, 9, 10]
    assert {(each["prompt"], each["negative_prompt"], each["n"], each["model"]) for each in sent} == {
        ("a red tree", "dull", 1, "tiny")
    }


def test_several_requests_are_in_flight(pictures: PictureServer) -> None:
    barrier = threading.Barrier(4, timeout=30)
    drawn = pictures.draw

    def wait_for_the_others(wanted: dict[str, Any]) -> str:
        barrier.wait()  # breaks, and fails the request, unless four are here at once
        return drawn(wanted)

    pictures.draw = wait_for_the_others  # type: ignore[method-assign]
    assert len(OpenAIImages().draw(job(pictures, 4), on_step=lambda *_: None)) == 4
    assert pictures.most_at_once == 4


def test_a_server_that_dies_costs_no_picture_and_no_attempt(
    pictures: PictureServer, alice: User, run_gpu_worker_inline: Draw
) -> None:
    register(pictures)
    pictures.dies_after = 1
    made = submit(alice, checkpoint="outside", count=2)
    assert run_gpu_worker_inline("external") == 0
    assert set(made.images.values_list("state", "attempts")) == {(ImageState.QUEUED, 0)}
    pictures.dies_after = None
    pictures.stop()
    Image.objects.update(not_before=timezone.now())
    assert run_gpu_worker_inline("external") == 0
    assert set(made.images.values_list("state", "attempts")) == {(ImageState.QUEUED, 0)}
    pictures.start()
    Image.objects.update(not_before=timezone.now())
    assert run_gpu_worker_inline("external") == 2
    assert set(made.images.values_list("state", flat=True)) == {ImageState.READY}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, {}, ServerAway),
        (429, {}, ServerAway),
        (200, {"data": [{"b64_json": "bm8="}]}, ServerAway),
        (200, {"data": []}, ServerAway),
        (400, {"error": {"message": "This prompt is not allowed."}}, NotSupported),
    ],
)
def test_answers_without_a_picture(
    pictures: PictureServer, status: int, body: dict[str, Any], error: type[Exception]
) -> None:
    pictures.answer_instead = (status, body)
    with pytest.raises(error):
        OpenAIImages().draw(job(pictures), on_step=lambda *_: None)


def test_a_picture_of_another_size_is_refused(pictures: PictureServer) -> None:
    drawn = pictures.draw
    pictures.draw = lambda wanted: drawn({**wanted, "size": "64x32"})  # type: ignore[method-assign]
    with pytest.raises(NotSupported, match="64 × 32"):
        OpenAIImages().draw(job(pictures), on_step=lambda *_: None)


def test_cancelling_does_not_wait_for_the_server(pictures: PictureServer) -> None:
    may_draw = threading.Event()
    drawn = pictures.draw

    def late(wanted: dict[str, Any]) -> str:
        may_draw.wait(60)
        return drawn(wanted)

    pictures.draw = late  # type: ignore[method-assign]

    def cancel(_step: int, _previews: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        OpenAIImages().draw(job(pictures), on_step=cancel)
    may_draw.set()


def test_a_server_cannot_share_a_pool_with_gpus(pictures: PictureServer, tiny_checkpoint: Checkpoint) -> None:
    with pytest.raises(CommandError, match="draws on GPUs"):
        register(pictures, pool=tiny_checkpoint.pool)


def client(live_site: str, user: User) -> openai.OpenAI:
    _row, key = issue_token(user=user, name="client", scopes=["read", "generate"])
    return openai.OpenAI(base_url=f"{live_site}/v1", api_key=key, max_retries=0, timeout=120)


@pytest.fixture
def drawing(run_gpu_worker_inline: Draw) -> Iterator[None]:
    """A worker in a thread of its own, for as long as the test lasts."""
    from django.db import connection

    ends = threading.Event()

    def work() -> None:
        while not ends.wait(0.2):
            run_gpu_worker_inline()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ends.set()
    thread.join()


@pytest.mark.usefixtures("tiny_checkpoint", "drawing")
def test_the_openai_package_draws_through_salon(alice: User, live_site: str) -> None:
    api = client(live_site, alice)
    assert [model.id for model in api.models.list()] == ["tiny"]
    assert api.models.retrieve("tiny").id == "tiny"
    answer = api.images.generate(
        model="tiny", prompt="a red tree", n=2, size="32x32", response_format="b64_json",
        extra_body={"seed": 5, "num_inference_steps": 3, "guidance_scale": 2.0, "negative_prompt": "dull"},
    )  # type: ignore[call-overload, unused-ignore]  # fmt: skip
    pictures = [PIL.Image.open(io.BytesIO(base64.b64decode(each.b64_json or ""))) for each in answer.data or []]
    assert [picture.size for picture in pictures] == [(32, 32)] * 2
    assert "Seed: 5" in pictures[0].info["parameters"]
    made = Image.objects.get(seed=5).generation
    assert (made.author, made.steps, made.guidance, made.negative_prompt) == (alice, 3, 2.0, "dull")


@pytest.mark.usefixtures("tiny_checkpoint")
def test_errors_are_those_of_openai(alice: User, live_site: str) -> None:
    api = client(live_site, alice)
    with pytest.raises(openai.BadRequestError, match="supports these sizes"):
        api.images.generate(model="tiny", prompt="a cat", size="1024x1024")
    with pytest.raises(openai.BadRequestError, match="Give the size as"):
        api.images.generate(model="tiny", prompt="a cat", size="large")  # type: ignore[call-overload, unused-ignore]
    with pytest.raises(openai.BadRequestError, match="not available"):
        api.images.generate(model="none", prompt="a cat")
    with pytest.raises(openai.NotFoundError):
        api.models.retrieve("none")
    stranger = openai.OpenAI(base_url=f"{live_site}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.images.generate(prompt="a cat")
    _row, key = issue_token(user=alice, name="reader", scopes=["read"])
    reader = openai.OpenAI(base_url=f"{live_site}/v1", api_key=key, max_retries=0)
    with pytest.raises(openai.PermissionDeniedError):
        reader.images.generate(prompt="a cat")
    assert not Image.objects.exists()
