"""Settings: a wrong value stops the start with a sentence that names it."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.sign_in.access import bind_session
from config import environment
from generation.media import signing
from ratings.releases.engine.splits import split_of
from tests.conftest import As
from tests.services import ROOT


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "mysql://salon@localhost/salon", "Salon runs on PostgreSQL"),
        ("REDIS_URL", "http://localhost:6379", "redis://host:port/number"),
        ("SITE_URL", "salon.example", "https://salon.example"),
        ("SITE_TIME_ZONE", "Mars/Olympus", "Europe/Paris"),
        ("LANGUAGES", "de,tlh", "with en among them"),
        ("DEBUG", "maybe", "yes or no"),
        ("LEASE_SECONDS", "1", "at least 2"),
        ("MAX_PENDING_IMAGES", "many", "a whole number"),
        ("QUEUE_WEIGHTS", "researcher:lots", "researcher:2"),
        ("QUEUE_WEIGHTS", "researcher:-1", "numbers above 0"),
        ("GPU_HOUR_PRICE", "cheap", "such as 2.5"),
        ("GPU_HOUR_PRICE", "-1", "at least 0"),
        ("GPU_DEVICE", "tpu", "auto, cpu, cuda, mps"),
        ("EMAIL_URL", "https://mail.example", "smtp://"),
        ("SECRET_KEY", "short", "at least 40 characters"),
        ("SECRET_KEY_FALLBACKS", "x" * 40 + ",short", "at least 40 characters"),
        ("S3_BUCKET", "media", "S3_ACCESS_KEY_ID"),
        ("MODERATION_TEXT_CHECKERS", "", "at least 1"),
        ("MODERATION_IMAGE_CHECKERS", " , ", "at least 1"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_naming_it(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as failure:
        runpy.run_path(str(ROOT / "config" / "settings.py"))
    assert name in str(failure.value)
    assert words in str(failure.value)


def test_a_wrong_value_stops_the_start_with_that_sentence_alone() -> None:
    environ = {**os.environ, "SITE_URL": "salon.example", "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("SITE_URL is 'salon.example'")
    assert "Traceback" not in done.stderr


def test_demo_mode_is_refused_where_others_can_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "yes")
    assert environment.demo("DEMO", "http://127.0.0.1:8000")
    with pytest.raises(ImproperlyConfigured, match="loopback alone"):
        environment.demo("DEMO", "https://salon.example")


def test_a_wrong_value_never_shows_a_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://salon:hunter2@localhost/salon")
    with pytest.raises(ImproperlyConfigured) as failure:
        environment.database("DATABASE_URL", tmp_path)
    assert "hunter2" not in str(failure.value)


def test_an_unset_secret_is_made_once_and_kept_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    file = tmp_path / "key"
    first = environment.secret_key("SOME_KEY", file)
    assert len(first) >= 40
    assert environment.secret_key("SOME_KEY", file) == first
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["SECRET_KEY", "RELEASE_SECRET"])
@pytest.mark.parametrize(
    "service", [("DATABASE_URL", "postgresql://salon:x@db.example/salon"), ("REDIS_URL", "redis://valkey.example/0")]
)
def test_secrets_are_never_made_where_other_machines_may_need_the_same(
    name: str, service: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    for each in ("SECRET_KEY", "RELEASE_SECRET"):
        monkeypatch.setenv(each, "x" * 40)
    monkeypatch.setenv(*service)
    monkeypatch.delenv(name)
    with pytest.raises(ImproperlyConfigured, match=f"{name} is not set"):
        runpy.run_path(str(ROOT / "config" / "settings.py"))
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv(name, "y" * 40)
    assert runpy.run_path(str(ROOT / "config" / "settings.py"))[name] == "y" * 40


def test_hosts_with_one_secret_put_every_prompt_into_one_split_and_others_do_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prompts = [f"a cat number {number}" for number in range(300)]

    def splits(host: str, secret: str) -> list[str]:
        monkeypatch.setenv("VAR_DIR", str(tmp_path / host))
        monkeypatch.setenv("SECRET_KEY", "k" * 40)
        monkeypatch.setenv("RELEASE_SECRET", secret)
        used = runpy.run_path(str(ROOT / "config" / "settings.py"))["RELEASE_SECRET"]
        return [split_of(used, prompt) for prompt in prompts]

    assert splits("one", "s" * 40) == splits("two", "s" * 40)
    assert splits("one", "s" * 40) != splits("two", "t" * 40)


def test_a_machine_that_made_its_secret_before_learns_where_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    environment.secret_key("SOME_KEY", tmp_path / "key")
    with pytest.raises(ImproperlyConfigured, match=re.escape(f"has used the one in {tmp_path / 'key'}")):
        environment.secret_key("SOME_KEY", tmp_path / "key", is_shared=True)


def test_services_that_this_machine_runs_for_itself_are_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = {"DATABASE_URL": "postgresql://salon:x@127.0.0.1:5432/salon", "REDIS_URL": "redis://:x@127.0.0.1:6379/0"}
    (tmp_path / "services.json").write_text(json.dumps(own))
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    assert not environment.names_shared_services(tmp_path)
    monkeypatch.setenv("REDIS_URL", "redis://valkey.example:6379/0")
    assert environment.names_shared_services(tmp_path)


@pytest.mark.django_db
def test_sessions_and_links_outlive_a_change_of_the_key(
    alice: User, as_user: As, make_image: Any, settings: Settings
) -> None:
    old, image = settings.SECRET_KEY, make_image(alice)
    client = as_user(alice)
    viewer = bind_session(alice, client.session)
    url = signing.picture(image, viewer_may_sign=True, viewer=viewer).src
    at, query = timezone.now(), url.partition("?s=")[2]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "z" * 40, [old]
    assert client.get("/api/me/").status_code == 200
    assert signing.is_signed(image, query, viewer, at=at)
    settings.SECRET_KEY_FALLBACKS = []
    assert not signing.is_signed(image, query, viewer, at=at)


def test_every_variable_that_the_settings_read_is_explained_in_the_operating_guide() -> None:
    read = set()
    for file in (ROOT / "config").rglob("*.py"):
        text = file.read_text()
        read |= set(re.findall(r"""\b(?:env|environment)\.\w+\(\s*"([A-Z][A-Z0-9_]+)\"""", text))
        read |= set(re.findall(r"""os\.environ(?:\.get\(|\[)\s*"([A-Z][A-Z0-9_]+)\"""", text))
    explained = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "operating.md").read_text(), re.MULTILINE))
    assert read - {"DJANGO_SETTINGS_MODULE"} == explained
