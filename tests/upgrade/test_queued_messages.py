"""Messages that the previous version had queued are worked through by the present one."""

import base64
import hmac
import inspect
import json
from typing import Any

import pytest
from celery import current_app
from pytest_django.plugin import DjangoDbBlocker

from tests.upgrade import previous
from tests.upgrade.previous import HANDED_OUT, row_of, rows_of
from tests.upgrade.worker import Worked, outcomes_in

pytestmark = pytest.mark.timeout(600)  # with the worker's start and all its work
ALL = [message for messages in previous.MESSAGES.values() for message in messages]


def _arguments(message: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    args, kwargs, _options = json.loads(base64.b64decode(message["body"]))
    return args, kwargs


def test_every_task_name_is_still_registered() -> None:
    current_app.loader.import_default_modules()
    assert set(HANDED_OUT["task_names"]) - set(current_app.tasks) == set()
    assert {message["headers"]["task"] for message in ALL} == set(HANDED_OUT["task_names"])


@pytest.mark.parametrize("message", ALL, ids=lambda message: message["headers"]["task"])
def test_a_task_takes_the_arguments_of_its_message(message: dict[str, Any]) -> None:
    current_app.loader.import_default_modules()
    args, kwargs = _arguments(message)
    inspect.signature(current_app.tasks[message["headers"]["task"]].run).bind(*args, **kwargs)


def test_every_message_succeeds_in_a_worker(worked: Worked) -> None:
    outcomes = outcomes_in(worked.log)
    names = {message["headers"]["id"]: message["headers"]["task"] for message in ALL}
    failed = {names[task_id]: outcomes.get(task_id) for task_id in names if "succeeded" not in outcomes[task_id]}
    assert failed == {}
    assert "unregistered task" not in worked.log


@pytest.fixture
def _read(worked: Worked, django_db_blocker: DjangoDbBlocker) -> Any:
    """Django's connection leads to the worker's database."""
    with django_db_blocker.unblock(), previous.on_database(worked.database):
        yield


@pytest.mark.usefixtures("_read")
def test_a_picture_that_waited_for_its_screening_is_ready() -> None:
    assert row_of("generation_image", HANDED_OUT["to_screen"])["state"] == "ready"


@pytest.mark.usefixtures("_read")
def test_a_picture_that_waited_for_a_gpu_is_drawn_and_ready(worked: Worked) -> None:
    image = row_of("generation_image", HANDED_OUT["to_draw"])
    assert image["state"] == "ready"
    assert (worked.folder / "media" / image["prefix"] / "original.png").stat().st_size > 0


@pytest.mark.usefixtures("_read")
def test_a_post_that_search_had_not_read_is_read() -> None:
    post = row_of("feed_post", HANDED_OUT["unread_post"])
    [entry] = rows_of("feed_searchentry", post_id=post["id"])
    assert entry["meaning"] is not None


@pytest.mark.usefixtures("_read")
@pytest.mark.parametrize("state", ["planned", "built", "requested"])
def test_an_unfinished_release_is_published_with_the_bytes_that_were_planned(state: str) -> None:
    release = row_of("ratings_release", HANDED_OUT["releases"][state])
    assert (release["state"], release["failure"]) == ("published", "")
    assert _digests(release) == HANDED_OUT["built_by_previous_version"][state]["files"]


@pytest.mark.usefixtures("_read")
def test_a_release_that_lost_a_picture_is_followed_by_one_without_it(worked: Worked) -> None:
    withdrawn = row_of("ratings_release", HANDED_OUT["releases"]["withdrawn"])
    [follower] = rows_of("ratings_release", parent_id=withdrawn["id"])
    assert (withdrawn["state"], follower["state"]) == ("withdrawn", "published")
    assert _digests(follower) == HANDED_OUT["built_by_previous_version"]["withdrawn"]["files"]
    assert not list((worked.folder / "releases" / withdrawn["public_id"]).rglob("*.parquet"))


@pytest.mark.usefixtures("_read")
def test_a_cancelled_release_is_discarded() -> None:
    release = row_of("ratings_release", HANDED_OUT["releases"]["cancelled"])
    assert (release["state"], rows_of("ratings_releaseshard", release_id=release["id"])) == ("cancelled", [])


@pytest.mark.usefixtures("_read")
def test_a_summary_that_was_due_is_mailed_with_a_link_that_ends_it(worked: Worked) -> None:
    mails = [file.read_text() for file in (worked.folder / "mail").iterdir()]
    assert ["alice@salon.example" in mail and "/notifications/unsubscribe/?s=" in mail for mail in mails] == [True]


def test_webhooks_that_were_due_are_delivered_and_signed_with_the_old_secret(worked: Worked) -> None:
    events = {json.loads(each.body)["event"] for each in worked.delivered}
    assert {"post.liked", "image.ready"} <= events
    for each in worked.delivered:
        time, signature = (part.split("=")[1] for part in each.signature.split(","))
        signed = hmac.new(HANDED_OUT["webhook"]["secret"].encode(), f"{time}.".encode() + each.body, "sha256")
        assert signature == signed.hexdigest()


def _digests(release: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of a release's files by name."""
    return {name: file["sha256"] for name, file in json.loads(release["manifest"])["files"].items()}
