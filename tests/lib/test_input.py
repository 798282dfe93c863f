"""What no view ever sees: control characters in addresses, NUL, bodies without a bound."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.conftest import ApiAs, As


def send(client: Any, path: str, body: bytes) -> Any:
    return client.generic("POST", path, body, content_type="application/json")


@pytest.mark.parametrize("path", ["/p/%00/", "/%0a", "/api/posts/%00/", "/accounts/%00/", "/admin/%00", "/static/%00"])
def test_an_address_with_a_control_character_leads_nowhere(path: str, db: None, client: Client) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/search/?q=%00", "/?tag=a%00", "/?%00=1", "/api/comments/?post=%00", "/create/?remix=%00"]
)
def test_a_query_with_a_nul_is_refused(path: str, alice: User, as_user: As) -> None:
    answer = as_user(alice).get(path)
    assert answer.status_code == 400
    assert "NUL" in answer.content.decode()


def test_a_form_with_a_nul_is_refused(alice: User, as_user: As) -> None:
    assert as_user(alice).post("/create/", {"remix": "\x00"}).status_code == 400


def test_a_cookie_with_a_nul_is_ignored(db: None, client: Client) -> None:
    cookies = 'sessionid="' + "\\000" * 32 + '"'
    assert client.get("/", headers={"Cookie": cookies}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"[" * 20_000 + b"]" * 20_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b"[" * 40 + b"]" * 40, b'{"seed": NaN}',
     b'{"strength": 1e999}', b'{"count": ' + b"9" * 5_000 + b"}", b"\xff", b"{", b"[]", b"null", b'"x"', b"1"],
)  # fmt: skip
def test_json_that_nobody_means_is_refused(body: bytes, alice: User, api_as: ApiAs) -> None:
    answer = send(api_as(alice), "/api/generations/", body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "detail", "fields"}


def test_a_body_that_is_no_upload_is_bounded(alice: User, api_as: ApiAs) -> None:
    body = b'{"prompt": "' + b"a" * 3_000_000 + b'"}'
    answer = send(api_as(alice), "/api/generations/", body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"


def test_a_surrogate_in_json_is_left_out(alice: User, api_as: ApiAs) -> None:
    made = send(api_as(alice), "/api/collections/", b'{"name": "a\\ud800b\\u0000c", "\\ud800": 1}')
    assert made.status_code == 201
    assert made.json()["name"] == "abc"


@pytest.mark.parametrize("page", ["login", "signup", "logout", "password/change", "reauthenticate"])
@pytest.mark.parametrize("where", ["http://[", "//[", "https://x:y/"])
def test_an_address_to_go_on_to_that_is_none_leads_nowhere(page: str, where: str, alice: User, as_user: As) -> None:
    for user in (None, alice):
        answer = as_user(user).get(f"/accounts/{page}/", {"next": where})
        assert answer.status_code < 400
        assert "[" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("length", ["x", "-1", "9" * 5_000])
def test_a_length_that_is_no_number_is_refused(length: str, db: None, client: Client) -> None:
    assert client.get("/", headers={"Content-Length": length}).status_code == 400


@pytest.mark.parametrize(
    "where", ["true", "9" * 400, "http://[", "//evil.example/", "javascript:alert(1)/", "feed:list"]
)
def test_a_form_leads_back_to_a_page_of_ours_alone(where: str, alice: User, bob: User, as_user: As) -> None:
    answer = as_user(alice).post("/@bob/follow/", {"next": where})
    assert (answer.status_code, answer["Location"]) == (302, "/")
