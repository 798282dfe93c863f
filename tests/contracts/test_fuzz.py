"""Thousands of generated requests to the running site: no fault of ours, and no answer that the document lacks.

``make fuzz-api`` sends 20,000 and more; a plain test run some hundred for each kind of caller.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from accounts import services as accounts_services
from accounts.models import Role, User
from accounts.tokens.scopes import Scope
from accounts.tokens.services import issue_token
from feed.challenges.themes.calendar import schedule_challenges
from feed.collections.services import create_collection, save_post
from feed.comments.services import post_comment
from feed.models import Challenge, Post
from lib.days import local_day
from moderation.cases.models import Case
from moderation.cases.services import report_target
from tests import processes
from tests.conftest import MakeMember
from tests.feed.conftest import Publish
from tests.services import ROOT

EXAMPLES = int(os.environ.get("SALON_FUZZ_EXAMPLES", "2"))  # for each operation and kind of caller
IS_LONG = EXAMPLES > 2
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)
KINDS = os.environ.get("SALON_FUZZ_KINDS", "visitor,member,moderator,researcher").split(",")


@pytest.fixture
def site(transactional_db: None, media: Path, tmp_path: Path, collected_static: Path) -> Iterator[str]:
    """The web server without limits of the API's own."""
    (tmp_path / "static").symlink_to(collected_static)
    unlimited = {"API_RATE_MEMBER": "1000000/min", "API_RATE_ANONYMOUS": "1000000/min"}
    with processes.web(tmp_path, VAR_DIR=str(tmp_path), **unlimited) as address:
        yield address


@pytest.fixture
def no_limits() -> Iterator[None]:
    """Forgets what was counted, again and again: behind a 429 nothing would be found."""
    ended = threading.Event()

    def forget() -> None:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            while not ended.wait(0.5):
                for key in client.scan_iter("*rate*", count=500):
                    client.delete(key)

    thread = threading.Thread(target=forget)
    thread.start()
    yield
    ended.set()
    thread.join()


def known_things(caller: User, other: User, post: Post, own: Post) -> dict[str, dict[str, list[str]]]:
    """What there is to address, by the first part of the path and, under "", by field of a body."""
    collection = create_collection(owner=caller, name="Foxes", visibility="public")
    save_post(post=post, member=caller, collection=collection)
    comments = [post_comment(post=each, author=caller, text="A fox").public_id for each in (post, own)]
    schedule_challenges(today=local_day(timezone.now()), days=0)
    days = [day.isoformat() for day in Challenge.objects.begun(timezone.now()).values_list("day", flat=True)[:3]]
    report_target(target=post, reporter=caller, reason="spam", note="")
    posts, images = [post.public_id, own.public_id], [post.image.public_id, own.image.public_id]
    names = [caller.username, other.username]
    cases = list(Case.objects.values_list("public_id", flat=True))
    hook = accounts_services.register_webhook(user=caller, url="https://1.1.1.1/x", events=["post.liked"])
    return {
        "posts": {"id": posts}, "reproductions": {"id": posts}, "hidden-posts": {"id": posts},
        "images": {"public_id": images}, "generations": {"public_id": [own.image.generation.public_id]},
        "comments": {"id": comments}, "challenges": {"day": days}, "cases": {"public_id": cases},
        "collections": {"id": [collection.public_id], "post": posts, "username": names},
        "profiles": {"id": names}, "follows": {"id": names}, "blocks": {"id": ["nobody-here"]},
        "checkpoints": {"slug": [own.image.generation.checkpoint.slug]}, "webhooks": {"public_id": [hook.public_id]},
        "": {"post": posts, "image": images, "source_image": images, "parent": images, "username": names, "day": days,
             "checkpoint": [own.image.generation.checkpoint.slug], "target": posts},
    }  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What schemathesis said: its exit status, its words, and how many requests it made up."""

    status: int
    text: str
    cases: int


def fuzz(site: str, folder: Path, known: dict[str, Any], token: str) -> Run:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{site}/api/schema/?format=json", "--url", site]
    command += ["--checks", CHECKS, "--max-examples", str(EXAMPLES), "--workers", "2", "--continue-on-failure"]
    command += ["--phases", "examples,coverage,fuzzing" if IS_LONG else "fuzzing", "--suppress-health-check", "all"]
    command += ["--exclude-operation-id", "tokens_destroy", "--warnings", "off", "--request-timeout", "60"]
    command += ["--header", f"Authorization: Token {token}"] if token else []
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.contracts.hooks",
        "SALON_KNOWN": json.dumps(known),
    }
    done = subprocess.run(
        [*command, "--no-shrink"], env=environ, cwd=folder, capture_output=True, text=True, check=False
    )
    (folder / "schemathesis.txt").write_text(done.stdout + done.stderr)
    cases = re.search(r"([\d,]+) (?:test cases? )?generated|([\d,]+) generated", done.stdout)
    number = next((part for part in cases.groups() if part), "0") if cases else "0"
    return Run(done.returncode, done.stdout + done.stderr, int(number.replace(",", "")))


def _callers(make_member: MakeMember) -> dict[str, tuple[User, str]]:
    """A member and a token, which is empty for a visitor, by kind of caller."""
    roles = {"moderator": (Role.MODERATOR, Scope.MODERATE), "researcher": (Role.RESEARCHER, Scope.RESEARCH)}
    found = {}
    for kind in ("visitor", "member", *roles):
        role, scope = roles.get(kind, (None, None))
        user = make_member(f"a-{kind}", *([role] if role else []), is_adult=True)
        scopes = [Scope.READ, Scope.WRITE, Scope.GENERATE, *([scope] if scope else [])]
        found[kind] = user, "" if kind == "visitor" else issue_token(user=user, name="fuzz", scopes=scopes)[1]
    return found


@pytest.mark.timeout(4 * 3600 if IS_LONG else 900)
def test_no_request_brings_a_fault_or_an_answer_that_is_not_documented(
    site: str, no_limits: None, make_member: MakeMember, publish: Publish, tmp_path: Path
) -> None:
    other, things = make_member("other"), {}
    for kind, (user, token) in _callers(make_member).items():
        post, own = publish(other, prompt="a fox", title="Fox"), publish(user, prompt="a fox at night")
        folder = Path(os.environ.get("SALON_FUZZ_REPORTS") or tmp_path, kind)
        folder.mkdir(parents=True, exist_ok=True)
        things[kind] = (site, folder, known_things(user, other, post, own), token)
    with ThreadPoolExecutor() as pool:  # all at once: each waits for the site most of the time
        running = {kind: pool.submit(fuzz, *things[kind]) for kind in KINDS}
    found = {kind: run.result() for kind, run in running.items()}
    for kind, run in found.items():
        print(f"{kind}: {run.cases} cases\n{run.text[-1500:]}")
    assert {kind: run.text[-8000:] for kind, run in found.items() if run.status} == {}
    assert all(run.cases > 0 for run in found.values())
