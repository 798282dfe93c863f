"""The named world: alice owns, bob follows her, mallory must not get in, mod moderates, rita researches."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, expect
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker, blocking_manager_key
from rest_framework.test import APIClient

from accounts.models import ApiToken, Role, User
from tests import browser_support, processes, seeds, services

pytest_plugins = ["tests.generation.fixtures"]
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The migrated database, with a copy of the rows that the migrations bring."""
    with django_db_blocker.unblock():
        seeds.take()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """After a test that commits, when every fixture is gone and the tables are empty: the seed rows again."""
    try:
        yield
    finally:
        mark = item.get_closest_marker("django_db")
        commits = "transactional_db" in getattr(item, "fixturenames", ()) or (mark and mark.kwargs.get("transaction"))
        if commits and nextitem is not None:  # after the last test there is no test database any more
            with item.config.stash[blocking_manager_key].unblock():
                seeds.put_back()


class MakeMember(Protocol):
    def __call__(self, username: str, *roles: Role, **fields: Any) -> User: ...


@pytest.fixture
def make_member(db: None) -> MakeMember:
    """Makes one more member: ``make_member("carol", Role.STAFF, is_adult=True)``; all share ``PASSWORD``."""

    def make(username: str, *roles: Role, **fields: Any) -> User:
        user: User = User.objects.create_user(username, f"{username}@salon.test", PASSWORD, **fields)
        user.groups.set([Group.objects.get_or_create(name=role.value)[0] for role in roles])
        return user

    return make


@pytest.fixture
def alice(make_member: MakeMember) -> User:
    return make_member("alice")


@pytest.fixture
def bob(make_member: MakeMember) -> User:
    return make_member("bob")


@pytest.fixture
def mallory(make_member: MakeMember) -> User:
    return make_member("mallory")


@pytest.fixture
def mod(make_member: MakeMember) -> User:
    return make_member("mod", Role.MODERATOR)


@pytest.fixture
def rita(make_member: MakeMember) -> User:
    return make_member("rita", Role.RESEARCHER)


class As(Protocol):
    def __call__(self, user: User | None) -> Client: ...


@pytest.fixture
def as_user() -> As:
    """``as_user(alice).get(…)``: a browser signed in as her; None is a visitor."""

    def sign_in(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


class ApiAs(Protocol):
    def __call__(self, user: User | None) -> APIClient: ...


@pytest.fixture
def api_as() -> ApiAs:
    """``api_as(alice).post(…)``: a program with a token of hers; None is a program without one."""

    def authorise(user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            _, token = ApiToken.objects.create(user=user)  # type: ignore[no-untyped-call]
            client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        return client

    return authorise


@pytest.fixture(autouse=True)
def _empty_valkey() -> Iterator[None]:
    """No queue, counter or cached page of one test is seen by the next."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()
        yield


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> Path:
    """Files of this test alone: the folder of the default storage."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.RELEASES_ROOT = tmp_path / "releases"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": settings.MEDIA_ROOT}},
        "releases": {**settings.STORAGES["releases"], "OPTIONS": {"location": settings.RELEASES_ROOT}},
    }
    return tmp_path / "media"


@pytest.fixture(scope="session")
def s3_variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real SeaweedFS, started by the first test that asks; the ``S3_…`` variables that reach it."""
    variables, stack = services.object_store(tmp_path_factory.mktemp("store"))
    with stack:
        yield variables


@pytest.fixture
def s3_storage(s3_variables: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same storages as ``media``, on S3."""
    from config import environment

    for name, value in s3_variables.items():
        monkeypatch.setenv(name, value)
    bucket = s3_variables["S3_BUCKET"]
    settings.S3_BUCKET = bucket
    settings.STORAGES = {
        **settings.STORAGES,
        "default": environment.storage("media", bucket, settings.MEDIA_ROOT),
        "releases": environment.storage("releases", bucket, settings.RELEASES_ROOT),
    }


@pytest.fixture
def default_worker(transactional_db: None, media: Path, tmp_path: Path) -> Iterator[Any]:
    """A real Celery worker for every queue but the GPU's, on this test's database, broker and files."""
    queues = "default,media,moderation,preview"
    with processes.worker("default", queues, tmp_path, VAR_DIR=str(tmp_path)) as service:
        yield service


@pytest.fixture
def gpu_worker(transactional_db: None, media: Path, tmp_path: Path) -> Iterator[Any]:
    """A real GPU worker (on CPU here), drawing with the real checkpoint."""
    with processes.worker("gpu", "gpu.default", tmp_path, VAR_DIR=str(tmp_path)) as service:
        yield service


@pytest.fixture
def live_site(transactional_db: None, media: Path, tmp_path: Path, collected_static: Path) -> Iterator[str]:
    """The web server on this test's database; its address. Add ``gpu_worker`` and ``default_worker`` for pictures."""
    (tmp_path / "static").symlink_to(collected_static)
    with processes.web(tmp_path, VAR_DIR=str(tmp_path)) as address:
        yield address


@pytest.fixture(scope="session")
def collected_static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static files as production serves them: hashed."""
    folder = tmp_path_factory.mktemp("site")
    done = processes.manage("collectstatic", "--no-input", "-v", "0", SALON_TEST_SITE="1", VAR_DIR=str(folder))
    assert done.returncode == 0, done.stderr
    return folder / "static"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's synchronous API runs an event loop on this thread: it ends with the module, because
    # async_to_sync refuses beside it. The ORM beside it is used synchronously.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield from browser_support.launched()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Person(Protocol):
    def __call__(self, user: User | None = None, **options: Any) -> BrowserContext: ...


@pytest.fixture
def person(browser: Browser, live_site: str, as_user: As) -> Iterator[Person]:
    """``person(alice, viewport={"width": 390, "height": 844})``: a browser of her own, signed in to ``live_site``."""
    contexts: list[BrowserContext] = []
    expect.set_options(timeout=15_000)  # of a busy machine

    def enter(user: User | None = None, **options: Any) -> BrowserContext:
        context = browser.new_context(base_url=live_site, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        if user is not None:
            session = as_user(user).cookies[django_settings.SESSION_COOKIE_NAME]
            context.add_cookies([{"name": session.key, "value": session.value, "url": live_site}])
        return context

    yield enter
    for context in contexts:
        context.close()
