"""A database of the previous version, migrated, and the present site on it: what was handed out goes on working."""

import hashlib
import io
import re
import time
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from tests.upgrade import previous
from tests.upgrade.client import Site
from tests.upgrade.conftest import Upgraded
from tests.upgrade.previous import HANDED_OUT, model_of

# Where a list is spread over authors, a place without its snapshot continues in a new order.
IN_NEW_ORDER = {"hot", "hot of a member", "following", "rising"}
CURSORS = pytest.mark.parametrize("cursor", HANDED_OUT["cursors"], ids=lambda cursor: cursor["list"])
# `migrate` adds those of new models, rules, questions and policies of new versions, and flags under the new version of
# the quality rules.
GROWING = {"auth_permission", "django_content_type", "moderation_rule", "ratings_policy", "ratings_qualityflag",
           "ratings_question", "ratings_questiontranslation", "ratings_raterstanding"}  # fmt: skip
POINTING = ["accounts_notification", "accounts_webhookdelivery", "moderation_case", "moderation_decision",
            "moderation_screening"]  # fmt: skip


# --- The database ---


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("table", HANDED_OUT["counts"])
def test_every_row_of_the_previous_version_is_read(table: str) -> None:
    found = len(list(model_of(table)._base_manager.all()))
    expected = HANDED_OUT["counts"][table]
    assert found >= expected if table in GROWING else found == expected


def test_content_types_of_renamed_models_are_renamed_in_place(database: Upgraded) -> None:
    """Permissions and the log of the admin refer to them by id."""
    present = {model._meta.db_table: (model._meta.app_label, model._meta.model_name) for model in apps.get_models()}
    tables = {tuple(label.split(".")): table for table, label in HANDED_OUT["models"].items()}
    expected = {pk: present[tables[label]] for pk, label in database.content_types.items()}
    rows = model_of("django_content_type")._base_manager.filter(pk__in=expected)
    assert {pk: (app, model) for pk, app, model in rows.values_list("pk", "app_label", "model")} == expected


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("table", POINTING)
def test_what_a_row_points_at_by_name_is_still_a_model(table: str) -> None:
    names = {row["target_type"] for row in previous.rows_of(table)} - {""}
    assert names
    assert {name: apps.get_model(name) for name in names}


_SCHEMA = """
    SELECT 'column', table_name, column_name, concat_ws(' ', udt_name, is_nullable, column_default,
           character_maximum_length, generation_expression)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    UNION SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
    FROM pg_trigger WHERE NOT tgisinternal
"""
# PostgreSQL writes casts and parentheses another way once a definition went through a dump.
_MADE_AT_RUN_TIME = re.compile(r"picturereading_[0-9a-f]{16}")  # one per image encoder: another test may make some
_REWRITTEN = re.compile(r"::(character varying|text)(\[\])?|[()\s]")


def _schema() -> set[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_SCHEMA)
        rows = {(*names, _REWRITTEN.sub("", definition)) for *names, definition in cursor.fetchall()}
    return {row for row in rows if not _MADE_AT_RUN_TIME.fullmatch(row[2])}


@pytest.mark.django_db(transaction=True)
def test_an_upgraded_database_has_the_schema_of_a_new_one(upgraded: Upgraded) -> None:
    new = _schema()
    with previous.on_database(upgraded.database):
        assert _schema() == new


# --- Who one is ---


def test_a_member_signs_in_with_the_old_password(site: Site) -> None:
    assert site.sign_in("alice", "a wrong password").status == 200
    assert site.sign_in("alice", HANDED_OUT["password"]).status == 302


def test_a_browser_stays_signed_in(site: Site) -> None:
    previous.fill_cache(is_kept=False)
    page = site.get("/settings/", Cookie=f"sessionid={HANDED_OUT['session']}")
    assert (page.status, b"alice" in page.body) == (200, True)


@pytest.mark.parametrize("member", HANDED_OUT["tokens"])
def test_an_api_token_is_accepted(site: Site, member: str) -> None:
    assert site.get("/api/me/", member=member).json()["username"] == member


def test_an_idempotency_key_brings_the_same_generation_back(site: Site) -> None:
    asked = HANDED_OUT["idempotency"]
    answer = site.post("/api/generations/", asked["body"], member="alice", **{"Idempotency-Key": asked["key"]})
    assert (answer.status, answer.json()["id"]) == (201, asked["generation"])


# --- Places in lists ---


def _values(rows: list[dict[str, Any]], field: str) -> Iterator[Any]:
    for row in rows:
        value: Any = row
        for name in field.split("."):
            value = (value or {}).get(name)
        yield value


def _continued(site: Site, cursor: dict[str, Any]) -> list[Any]:
    """What follows a place in a list, read to its end."""
    found: list[Any] = []
    following = cursor["next"]
    while following:
        answer = site.get(following, member=cursor["as"])
        assert answer.status == 200, answer.body[:500]
        found += _values(answer.json()["results"], cursor["field"])
        following = (answer.json()["next"] or "").removeprefix(site.address)
    return found


def _check(cursor: dict[str, Any], found: list[Any], expected: list[Any]) -> None:
    if cursor["list"] in IN_NEW_ORDER:
        assert sorted(found) == sorted(expected)
    else:
        assert found == expected
    assert set(found).isdisjoint(set(cursor["shown"]) - {None})


@CURSORS
def test_a_cursor_continues_its_list(site: Site, cursor: dict[str, Any]) -> None:
    previous.fill_cache()
    _check(cursor, _continued(site, cursor), cursor["continued"])


@CURSORS
def test_a_cursor_continues_its_list_after_the_cache_was_emptied(site: Site, cursor: dict[str, Any]) -> None:
    previous.fill_cache(is_kept=False)
    _check(cursor, _continued(site, cursor), cursor["continued_without_cache"])


@pytest.mark.parametrize("path", ["/", "/?sort=new", "/?sort=top&window=all", "/search/?q=background", "/api/posts/"])
def test_a_page_opens_beside_what_the_previous_version_cached(site: Site, path: str) -> None:
    previous.fill_cache()
    assert site.get(path).status == 200
    assert site.get(path, Cookie=f"sessionid={HANDED_OUT['session']}").status == 200


# --- Signed addresses ---


def _unpublished(signature: str) -> str:
    """The address of the picture that only its author may see."""
    link = next(iter(_picture_links()))
    return f"{urlsplit(link).path}?s={signature}"


def _picture_links() -> list[str]:
    image = HANDED_OUT["picture_links"][HANDED_OUT["unpublished"]]
    return [value for value in image.values() if isinstance(value, str) and "?s=" in value]


def test_an_address_that_was_signed_for_everybody_opens_nothing_any_more(site: Site) -> None:
    """Addresses are bound to a viewer now. Pages that were open then show their pictures again when loaded again."""
    given = parse_qs(urlsplit(_picture_links()[0]).query)["s"][0]
    expires = int(given.partition(".")[0])
    assert given == previous.picture_signature(expires)  # the format that is signed here is that of the fixture
    for signature in (previous.sign_picture(), previous.picture_signature(int(time.time()) - 1)):
        assert site.get(_unpublished(signature)).status == 404
        assert site.get(_unpublished(signature), member="alice").status == 404


def test_an_unpublished_picture_opens_by_the_address_that_its_author_is_given_now(site: Site) -> None:
    answer = site.get(f"/api/images/{HANDED_OUT['image_statement']['image']}/", member="alice").json()
    assert site.get(answer["url"], member="alice").status == 200
    assert site.get(answer["url"]).status == 404
    session = {"Cookie": f"sessionid={HANDED_OUT['session']}"}
    assert site.get(answer["url"], **session).status == 404  # it was made for a program
    assert site.get(site.get(f"/api/images/{answer['id']}/", **session).json()["url"], **session).status == 200


def test_a_copy_of_a_public_picture_in_a_browser_is_still_valid(site: Site) -> None:
    picture = HANDED_OUT["public_picture"]
    assert site.get(picture["url"]).headers["etag"] == picture["etag"]


def test_a_signed_link_downloads_the_finished_release(site: Site) -> None:
    path, signature = HANDED_OUT["release_link"].split("?s=")
    assert len(signature) == len(previous.sign_release(HANDED_OUT["finished"]))
    answer = site.get(f"{path}?s={previous.sign_release(HANDED_OUT['finished'])}")
    assert answer.status == 200
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        names = {name.split("/", 1)[1]: name for name in archive.namelist()}
        files = HANDED_OUT["built_by_previous_version"]["finished"]["files"]
        digests = {name: hashlib.sha256(archive.read(names[name])).hexdigest() for name in files}
    assert digests == files


def test_the_finished_release_verifies(site: Site) -> None:
    call_command("verify_release", site.folder / "releases" / HANDED_OUT["finished"], stdout=io.StringIO())


def test_a_link_that_ends_mail_ends_it(site: Site) -> None:
    address = HANDED_OUT["unsubscribe"].removeprefix(HANDED_OUT["site_url"])
    assert site.get("/api/notifications/settings/", member="alice").json()["digest"] == "daily"
    assert site.get(address).status == 200
    assert site.post_form(address, {}).status == 200
    assert site.get("/api/notifications/settings/", member="alice").json()["digest"] == "never"


def test_a_shared_link_opens_a_collection_and_nothing_else_does(site: Site) -> None:
    collection = HANDED_OUT["collection"]
    assert site.get(f"/collections/{collection['id']}/?key={collection['key']}").status == 200
    assert site.get(f"/collections/{collection['id']}/").status == 404


# --- Open questions ---


def test_an_open_question_is_answered_with_its_old_token(site: Site) -> None:
    ask = HANDED_OUT["asks"]["bob"]
    value = ask["options"][0]["value"]
    answered = site.post(f"/api/asks/{ask['id']}/answer/", {"token": ask["token"], "value": value}, member="bob")
    assert (answered.status, answered.json()["value"]) == (200, value)


def test_an_open_question_is_skipped_with_its_old_token(site: Site) -> None:
    ask = HANDED_OUT["asks"]["carol"]
    skipped = site.post(f"/api/asks/{ask['id']}/skip/", {"token": ask["token"]}, member="carol")
    assert (skipped.status, skipped.json()["outcome"]) == (200, "skipped")


def test_the_token_of_one_member_answers_for_no_other(site: Site) -> None:
    ask = HANDED_OUT["asks"]["bob"]
    answer = site.post(f"/api/asks/{ask['id']}/answer/", {"token": ask["token"], "value": 3}, member="carol")
    assert answer.status == 404


@pytest.mark.parametrize("member", HANDED_OUT["comparisons"])
def test_an_open_pair_is_shown_and_judged_with_its_old_token(site: Site, member: str) -> None:
    pair = HANDED_OUT["comparisons"][member]
    for side in ("left", "right"):
        address = pair[side].removeprefix(f"http://{HANDED_OUT['host']}")
        assert site.get(address, member=member).status in {200, 302}
    judged = site.post(
        f"/api/comparisons/{pair['id']}/answer/", {"token": pair["token"], "outcome": "left"}, member=member
    )
    assert (judged.status, judged.json()["outcome"]) == (200, "answered")
