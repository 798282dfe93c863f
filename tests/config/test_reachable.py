"""PostgreSQL or Valkey missing: one sentence at a start, 503 during a request, and probes that distinguish them."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.sign_in.access import bind_session
from config import availability, environment
from config.availability import require_services
from config.local import valkey
from feed.models import Like
from feed.posts.services import publish_image
from generation.media.signing import picture
from tests.conftest import As
from tests.generation.fixtures import MakeImage
from tests.services import ROOT

NOBODY = {
    "DATABASE_URL": ("postgresql://salon:x@127.0.0.1:9/salon", "PostgreSQL is not reachable at 127.0.0.1:9"),
    "REDIS_URL": ("redis://127.0.0.1:9/0", "Valkey is not reachable at 127.0.0.1:9"),
}
STARTS = {
    "a command": ["manage.py", "migrate", "--check"],
    "the web": ["-m", "uvicorn", "config.asgi:application", "--port", "0"],
    "a worker": ["-m", "celery", "-A", "config", "worker", "-Q", "nothing"],
    "beat": ["-m", "celery", "-A", "config", "beat", "--pidfile=", "-s", "{folder}/schedule"],
}


@pytest.mark.parametrize(
    ("start", "name"),
    [("a command", "DATABASE_URL"), ("the web", "REDIS_URL"), ("a worker", "REDIS_URL"), ("beat", "DATABASE_URL")],
)
@pytest.mark.django_db
def test_a_start_without_a_part_ends_with_one_sentence(start: str, name: str, tmp_path: Path) -> None:
    value, sentence = NOBODY[name]
    data = connection.settings_dict
    here = f"postgresql://{data['USER']}:{data['PASSWORD']}@{data['HOST']}:{data['PORT']}/{data['NAME']}"
    environ = {**os.environ, "DATABASE_URL": here, name: value, "DJANGO_SETTINGS_MODULE": "config.settings"}
    environ |= {"SECRET_KEY": "x" * 40, "RELEASE_SECRET": "x" * 40}
    done = subprocess.run(
        [sys.executable, *(word.format(folder=tmp_path) for word in STARTS[start])],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
def test_a_start_inside_an_event_loop_finds_its_parts() -> None:
    """There `uvicorn --workers` imports the application."""

    async def start() -> None:
        require_services()

    asyncio.run(start())


@pytest.fixture
def no_database() -> Iterator[None]:
    """The server goes away: every statement fails as it does when the connection is lost."""

    def lost(execute: object, *arguments: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(lost):
        yield


@pytest.mark.django_db
def test_a_request_without_the_database_is_503_with_a_page_and_a_time_to_come_back(
    alice: User, as_user: As, no_database: None
) -> None:
    client = as_user(None)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 503
    assert response["Retry-After"]
    assert "Traceback" not in response.content.decode()


@pytest.mark.django_db
def test_the_api_without_the_database_says_503_in_json(no_database: None) -> None:
    client = APIClient(raise_request_exception=False)
    response = client.get("/api/questions/")
    assert response.status_code == 503
    assert response.json()["code"] == "unavailable"


@pytest.fixture(params=["away", "full"])
def leave_valkey(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """From the call on nobody answers where Valkey was, or one that has no memory left."""
    with contextlib.ExitStack() as stack:

        def leave() -> None:
            settings.REDIS_URL = "redis://127.0.0.1:9/0"
            if request.param == "full":
                service, settings.REDIS_URL = valkey.start(tmp_path, durable=False)
                stack.callback(service.stop)
                with redis.Redis.from_url(settings.REDIS_URL) as client:
                    client.config_set("maxmemory-policy", "noeviction")
                    client.config_set("maxmemory", "1")
            settings.CACHES = {"default": {"BACKEND": "lib.cache.ValkeyCache", "LOCATION": settings.REDIS_URL}}

        yield leave


@pytest.mark.django_db
def test_reading_goes_on_without_valkey(
    make_image: MakeImage, alice: User, as_user: As, leave_valkey: Callable[[], None]
) -> None:
    """PostgreSQL has everything that is read; Valkey only makes it faster."""
    post = publish_image(image=make_image(alice), author=alice, title="A fox")
    member = as_user(alice)
    leave_valkey()
    pages = ["/", "/?sort=new", f"/p/{post.public_id}/", f"/@{alice.username}/", "/challenge/",
             "/api/posts/", f"/api/posts/{post.public_id}/", "/about/ranking/"]  # fmt: skip
    for client in (Client(raise_request_exception=False), member):
        assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    assert post.public_id in Client().get("/").content.decode()


@pytest.mark.django_db
def test_the_api_writes_nothing_without_valkey(
    make_image: MakeImage, alice: User, bob: User, leave_valkey: Callable[[], None]
) -> None:
    """Limits cannot be counted, so what they protect waits."""
    post = publish_image(image=make_image(alice), author=alice)
    leave_valkey()
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(bob)
    response = client.put(f"/api/posts/{post.public_id}/like/")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert not Like.objects.exists()


@pytest.mark.django_db
def test_the_process_is_healthy_and_not_ready_without_the_database(client: Client, no_database: None) -> None:
    assert client.get("/healthz").status_code == 200
    response = client.get("/statusz")
    assert response.status_code == 503
    assert response.json() == {"database": False, "valkey": True, "store": True}


@pytest.mark.django_db
def test_a_part_that_all_share_takes_no_process_out_of_rotation(client: Client) -> None:
    assert client.get("/readyz").status_code == 200  # it has seen that its migrations are applied

    def lost(execute: object, *arguments: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(lost):
        assert client.get("/readyz").status_code == 200
        assert client.get("/statusz").status_code == 503


@pytest.mark.django_db
def test_a_process_is_not_ready_before_its_migrations_are_applied(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability, "_migrated", [])
    MigrationRecorder.Migration.objects.filter(app="ratings").order_by("-pk")[0].delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"static": True, "migrations": False}


@pytest.mark.django_db
def test_every_part_is_asked_for_the_status(client: Client) -> None:
    response = client.get("/statusz")
    assert response.status_code == 200
    assert response.json() == {"database": True, "valkey": True, "store": True}


@pytest.mark.django_db
def test_the_object_store_is_asked_too(client: Client, s3_storage: None, s3_variables: dict[str, str]) -> None:
    assert client.get("/statusz").json()["store"] is True


@pytest.fixture
def silence_store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """When called: from then on the object store takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("S3_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setenv("S3_ACCESS_KEY_ID", "any")
        monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "any")

        def silence() -> None:
            store = environment.storage("media", "media", settings.MEDIA_ROOT, seconds=1)
            settings.STORAGES = {**settings.STORAGES, "default": store}

        yield silence


@pytest.mark.django_db
@pytest.mark.timeout(30)  # botocore alone would wait for minutes
def test_a_store_that_never_answers_is_given_up_on(client: Client, silence_store: Callable[[], None]) -> None:
    silence_store()
    assert client.get("/readyz").status_code == 200
    response = client.get("/statusz")
    assert response.status_code == 503
    assert response.json() == {"database": True, "valkey": True, "store": False}


@pytest.mark.django_db
@pytest.mark.timeout(60)
def test_a_picture_whose_store_is_away_is_503(
    as_user: As, silence_store: Callable[[], None], make_image: Any, alice: User
) -> None:
    image = make_image(alice)
    silence_store()
    client = as_user(alice)
    client.raise_request_exception = False
    viewer = bind_session(alice, client.session)
    response = client.get(picture(image, viewer_may_sign=True, viewer=viewer).src)
    assert response.status_code == 503
    assert response["Retry-After"]


@pytest.mark.django_db
def test_numbers_are_for_this_host_staff_and_the_bearer_of_the_token(
    alice: User, as_user: As, settings: Settings
) -> None:
    settings.METRICS_TOKEN = "a-long-token"
    far = "203.0.113.9"
    assert Client().get("/metrics").status_code == 200
    assert Client().get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert Client().get("/metrics", REMOTE_ADDR=far).status_code == 404
    assert as_user(alice).get("/metrics", REMOTE_ADDR=far).status_code == 404
    assert Client(REMOTE_ADDR=far).get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200
    assert Client(REMOTE_ADDR=far).get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404
