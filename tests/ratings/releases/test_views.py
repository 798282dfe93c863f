"""Pages and API of releases: for the research team only, with progress, cancel and links that stop working."""

import io
import re
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from ratings.models import Release
from ratings.releases import building, previews
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from tests.conftest import ApiAs, As
from tests.ratings.releases.folders import KINDS, build

pytestmark = pytest.mark.django_db
CHOICES = {"name": "salon-pickapic", "kinds": ["pairs", "votes"], "level": "0", "with_simulated": "on"}


@pytest.mark.parametrize("who", [None, "alice", "mod"])
def test_releases_are_not_there_for_others(
    who: str | None, request: Any, as_user: As, api_as: ApiAs, rita: User
) -> None:
    user = request.getfixturevalue(who) if who else None
    release = releases_services.request_release(filter=ReleaseFilter(), kinds=KINDS, created_by=rita)
    for path in ("", "new/", f"{release.public_id}/", f"{release.public_id}/release.zip"):
        assert as_user(user).get(f"/research/releases/{path}").status_code == 404
    assert as_user(user).post(f"/research/releases/{release.public_id}/cancel/").status_code == 404
    assert api_as(user).get("/api/releases/").status_code in {401, 404}
    assert api_as(user).post("/api/releases/", {}).status_code in {401, 404}


def test_a_preview_tells_rows_reasons_and_balance_and_builds_nothing(community: Any, rita: User, as_user: As) -> None:
    page = as_user(rita).post("/research/releases/new/", {**CHOICES, "step": "preview"})
    words = page.content.decode()
    assert page.status_code == 200
    assert "train 4" in words
    assert "First picture preferred" in words
    assert "48x48" in words
    assert 'value="salon-pickapic"' in words
    assert not Release.objects.exists()


def test_a_long_ledger_is_counted_by_a_worker_while_the_page_follows(
    community: Any, rita: User, as_user: As, api_as: ApiAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "LIVE_ASKS", 0)
    browser, choice = as_user(rita), {**CHOICES, "step": "preview"}
    page = browser.post("/research/releases/new/", choice).content.decode()
    found = re.search(r'hx-get="(/research/releases/previews/[0-9a-f]{32}/)"', page)
    assert found is not None
    assert "The figures will appear here" in page
    assert "train 4" not in page
    assert "hx-get" in browser.get(found[1]).content.decode()
    previews.count_preview(filter=ReleaseFilter(), kinds=CHOICES["kinds"])
    fragment = browser.get(found[1]).content.decode()
    assert "train 4" in fragment
    assert "hx-get" not in fragment
    assert "train 4" in browser.post("/research/releases/new/", choice).content.decode()
    lost = f"/research/releases/previews/{'0' * 32}/"
    assert "no longer available" in browser.get(lost).content.decode()
    assert as_user(None).get(lost).status_code == 404
    asked = {"kinds": ["pairs"], "min_margin": 0.5}
    assert api_as(rita).post("/api/releases/preview/", asked, format="json").status_code == 202
    previews.count_preview(filter=ReleaseFilter(min_margin=0.5), kinds=["pairs"])
    preview = api_as(rita).post("/api/releases/preview/", asked, format="json").json()
    assert preview["rows"]["pairs"]["train"] == 4
    assert "examples" not in preview


def test_previews_are_counted_only_so_often(
    community: Any, rita: User, as_user: As, api_as: ApiAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "COUNTS", 1)
    monkeypatch.setattr(previews, "COUNTS_WITHIN", 10**9)
    browser, choice = as_user(rita), {**CHOICES, "step": "preview"}
    assert browser.post("/research/releases/new/", choice).status_code == 200
    page = browser.post("/research/releases/new/", choice)
    assert (page.status_code, 'value="salon-pickapic"' in page.content.decode()) == (429, True)
    assert api_as(rita).post("/api/releases/preview/", {"kinds": ["pairs"]}).status_code == 429


def test_a_wrong_form_keeps_what_was_typed_and_says_why(rita: User, as_user: As) -> None:
    page = as_user(rita).post("/research/releases/new/", {**CHOICES, "since": "yesterday", "step": "build"})
    assert page.status_code == 400
    assert "Enter a valid date" in page.content.decode()
    assert "yesterday" in page.content.decode()
    assert not Release.objects.exists()


def test_a_release_is_begun_followed_and_cancelled_in_the_browser(community: Any, rita: User, as_user: As) -> None:
    browser = as_user(rita)
    begun = browser.post("/research/releases/new/", {**CHOICES, "step": "build"})
    release = Release.objects.get()
    assert begun["Location"] == f"/research/releases/{release.public_id}/"
    fragment = browser.get(begun["Location"], headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in fragment
    assert "<html" not in fragment
    releases_services.write_plan(release=release)
    building.build_shard(shard=release.shards.all()[0])
    assert "1 of" in browser.get(begun["Location"]).content.decode()
    browser.post(f"/research/releases/{release.public_id}/cancel/")
    ended = browser.get(begun["Location"], headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" not in ended
    assert "Cancelled" in browser.get("/research/releases/").content.decode()


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators")
def test_a_signed_link_hands_out_the_whole_release_and_dies_with_it(community: Any, rita: User, as_user: As) -> None:
    release = build(None)
    page = as_user(rita).get(f"/research/releases/{release.public_id}/")
    url = page.context["archive_url"]
    html = page.content.decode()
    assert f"manage.py align --release {release.name} --checkpoint" in html
    assert "docs/training.md" in html
    response = _fetch(as_user(None), url)
    archive = zipfile.ZipFile(io.BytesIO(response))
    assert archive.testzip() is None
    names = {name.partition("/")[2] for name in archive.namelist()}
    texts = {"README.md", "LICENSE", "CONSENT.md", "manifest.json", "SHA256SUMS", "croissant.json"}
    assert names == {*release.manifest["files"], *texts}
    file = page.context["files"][0]
    assert len(_fetch(as_user(None), file["url"])) == file["bytes"]
    assert as_user(None).get(url[:-2]).status_code == 404
    assert as_user(None).get(file["url"].replace("/files/", "/files/../../secret_key")).status_code == 404
    Release.objects.update(state=Release.State.WITHDRAWN)
    assert as_user(None).get(url).status_code == 404


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators")
def test_a_file_is_resumed_and_an_archive_is_always_the_same(community: Any, rita: User, as_user: As) -> None:
    build(None)
    page = as_user(rita).get(f"/research/releases/{Release.objects.get().public_id}/")
    url, client = page.context["files"][0]["url"], as_user(None)
    whole = client.get(url)
    content = b"".join(whole)
    assert whole["Content-Disposition"].startswith("attachment")
    rest = client.get(url, headers={"Range": "bytes=100-", "If-Range": whole["ETag"]})
    assert (rest.status_code, b"".join(rest)) == (206, content[100:])
    assert client.get(url, headers={"If-None-Match": whole["ETag"]}).status_code == 304
    archive = page.context["archive_url"]
    first = _fetch(client, archive)
    assert {info.date_time for info in zipfile.ZipFile(io.BytesIO(first)).infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert _fetch(client, archive) == first


def _fetch(client: Client, url: str) -> bytes:
    response = client.get(url)
    assert response.status_code == 200
    return b"".join(response)


def test_the_api_begins_shows_previews_and_cancels(community: Any, rita: User, api_as: ApiAs) -> None:
    program = api_as(rita)
    assert program.post("/api/releases/preview/", {"kinds": ["pairs"]}).json()["rows"]["pairs"]["train"] == 4
    refused = program.post("/api/releases/", {"kinds": ["everything"], "checkpoint": "none"})
    assert refused.status_code == 400
    assert set(refused.json()["fields"]) == {"kinds"}
    begun = program.post("/api/releases/", {"kinds": ["pairs"]}).json()
    assert begun["state"] == "requested"
    assert program.get(f"/api/releases/{begun['id']}/").json()["id"] == begun["id"]
    assert [row["id"] for row in program.get("/api/releases/").json()["results"]] == [begun["id"]]
    assert program.post(f"/api/releases/{begun['id']}/cancel/").json()["state"] == "cancelled"


def test_a_list_of_releases_costs_the_same_however_many(
    rita: User, as_user: As, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        releases_services.request_release(
            filter=ReleaseFilter(), kinds=KINDS, name=f"r{number}", created_by=rita, at=timezone.now()
        )
    browser = as_user(rita)
    with django_assert_max_num_queries(8):
        page = browser.get("/research/releases/")
    assert "Load more" in page.content.decode()
