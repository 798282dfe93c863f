"""API tokens: scopes checked in one place, shown once, and ended with what they were made from."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.settings import api_settings
from rest_framework.test import APIClient

from accounts.models import ApiToken, Role, User
from accounts.tokens import services
from accounts.tokens.scopes import SAFE_METHODS, Scope, needed_scope
from lib.errors import NotFound, Refused
from tests.conftest import PASSWORD, ApiAs, As, MakeMember

pytestmark = pytest.mark.django_db
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def program(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def proved(client: Client) -> Client:
    """The same browser after its member typed their password again."""
    assert client.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 302
    return client


def _views(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, Any]]:
    """(route, view class with what its URL sets) of the API."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, before + str(pattern.pattern))
        else:
            callback = pattern.callback
            while hasattr(callback, "__wrapped__") and not hasattr(callback, "cls"):
                callback = callback.__wrapped__
            kind = getattr(callback, "cls", None)
            if kind is not None:
                made = kind(**getattr(callback, "initkwargs", {}))
                made.actions = getattr(callback, "actions", None)
                yield before + str(pattern.pattern), made


def api_views() -> list[tuple[str, Any]]:
    return [(route, view) for route, view in _views(get_resolver().url_patterns) if route.startswith("api/")]


def methods_of(view: Any) -> list[str]:
    return (
        [method.upper() for method in view.actions]
        if view.actions
        else [m for m in METHODS if hasattr(view, m.lower())]
    )


def test_every_route_of_the_api_declares_its_scope_and_recognises_members_as_all_do() -> None:
    routes = api_views()
    assert len(routes) > 80
    without = {route for route, view in routes for method in methods_of(view) if needed_scope(view, method) is None}
    assert without == set()
    # Tokens are checked where members are recognised: a view with a way of its own would not be checked.
    own = {
        route for route, view in routes if view.authentication_classes != api_settings.DEFAULT_AUTHENTICATION_CLASSES
    }
    assert own == set()


def test_what_changes_something_needs_more_than_reading() -> None:
    """The few that only read although they are sent by POST are named here."""
    reading = {("api/search/picture/", "POST"), ("api/tokens/", "POST"), ("api/tokens/<public_id>/", "DELETE"),
               ("api/prompt-expansion/", "POST")}  # fmt: skip
    found = {
        (re.sub(r"\(\?P<(\w+)>.+?\)/", r"<\1>/", route).replace("^", "").replace("$", ""), method)
        for route, view in api_views()
        for method in methods_of(view)
        if method not in SAFE_METHODS and needed_scope(view, method) == Scope.READ and "format" not in route
    }
    assert found - reading == set()


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE, Scope.GENERATE])
def test_a_token_opens_what_its_scope_says_and_nothing_else(scope: Scope, alice: User) -> None:
    client = program(services.issue_token(user=alice, name="x", scopes=[scope])[1])
    tries: dict[Scope, Any] = {
        Scope.READ: lambda: client.get("/api/me/"),
        Scope.WRITE: lambda: client.patch("/api/me/", {"max_level": 1}),
        Scope.GENERATE: lambda: client.post("/api/generations/", {}),
    }
    for needed, ask in tries.items():
        answer = ask()
        assert (answer.status_code == 403) == (needed != scope), (needed, answer.content)
        if needed != scope:
            assert answer.json()["code"] == "insufficient_scope"
            assert f"“{needed}”" in answer.json()["detail"]


def test_a_view_that_declares_no_scope_is_closed_to_tokens(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from accounts.api import MeView

    client = program(services.issue_token(user=alice, name="x")[1])
    assert client.get("/api/me/").status_code == 200
    monkeypatch.delattr(MeView, "token_scope")
    assert (client.get("/api/me/").status_code, client.get("/api/me/").json()["code"]) == (403, "not_by_token")


def test_a_role_is_needed_beside_its_scope(alice: User, rita: User, mod: User) -> None:
    for scope, member, path in [(Scope.RESEARCH, rita, "/api/releases/"), (Scope.MODERATE, mod, "/api/cases/")]:
        with pytest.raises(Refused, match="bad_scopes"):
            services.issue_token(user=alice, name="x", scopes=[scope])
        usual, special = (services.issue_token(user=member, name="x", scopes=s)[1] for s in (None, [scope]))
        assert program(usual).get(path).status_code == 403
        assert program(special).get(path).status_code == 200
        member.groups.clear()
        assert program(special).get(path).status_code == 404


def test_a_token_mints_no_token_and_sees_and_ends_itself_alone(alice: User) -> None:
    other, _ = services.issue_token(user=alice, name="other")
    mine, plain = services.issue_token(user=alice, name="mine", scopes=list(Scope)[:3])
    client = program(plain)
    for body in ({"name": "child"}, {"name": "child", "username": "alice", "password": PASSWORD}):
        assert (client.post("/api/tokens/", body).status_code, ApiToken.objects.count()) == (403, 2)
    assert [row["name"] for row in client.get("/api/tokens/").json()["results"]] == ["mine"]
    assert client.delete(f"/api/tokens/{other.public_id}/").status_code == 404
    assert client.delete(f"/api/tokens/{mine.public_id}/").status_code == 204
    assert client.get("/api/me/").status_code == 401


def test_no_page_of_the_account_takes_a_token_for_a_session(alice: User) -> None:
    client = program(services.issue_token(user=alice, name="x", scopes=list(Scope)[:3])[1])
    names = ["accounts:tokens", "accounts:settings", "accounts:delete", "account_change_password", "account_email",
             "mfa_index", "mfa_activate_totp", "usersessions_list"]  # fmt: skip
    for name in names:
        for answer in (client.get(reverse(name)), client.post(reverse(name), {"username": "alice"})):
            assert answer.status_code in (302, 405)
            assert answer.status_code == 405 or "/accounts/" in answer["Location"]
    assert User.objects.filter(username="alice", deleted_at=None).exists()


def _by_member(alice: User, as_user: As) -> None:
    body = {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"}
    assert as_user(alice).post(reverse("account_change_password"), body).status_code == 302


def _by_reset(alice: User, as_user: As) -> None:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    browser, key = Client(), default_token_generator.make_token(alice)
    page = reverse("account_reset_password_from_key", args=[user_pk_to_url_str(alice), key])
    form = browser.get(page)["Location"]
    body = {"password1": "another horse battery", "password2": "another horse battery"}
    assert browser.post(form, body).status_code == 302


def _by_staff(alice: User, as_user: As) -> None:
    root = User.objects.create_superuser("root", "root@salon.test", PASSWORD)
    body = {"password1": "another horse battery", "password2": "another horse battery", "usable_password": "true"}
    assert as_user(root).post(reverse("admin:auth_user_password_change", args=[alice.pk]), body).status_code == 302


def _by_command(alice: User, as_user: As) -> None:
    import getpass

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(getpass, "getpass", lambda *_, **__: "another horse battery")
        call_command("changepassword", "alice", verbosity=0)


@pytest.mark.parametrize("change", [_by_member, _by_reset, _by_staff, _by_command])
def test_tokens_and_other_sessions_end_with_the_password(change: Any, alice: User, bob: User, as_user: As) -> None:
    browser = as_user(alice)
    tokens = [program(services.issue_token(user=member, name="x")[1]) for member in (alice, bob)]
    change(alice, as_user)
    alice.refresh_from_db()
    assert alice.check_password("another horse battery")
    assert [client.get("/api/me/").status_code for client in tokens] == [401, 200]
    assert browser.get("/settings/").status_code == 302


def test_a_stronger_hash_of_the_same_password_ends_nothing(alice: User, settings: Settings) -> None:
    client = program(services.issue_token(user=alice, name="x")[1])
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    assert Client().post("/accounts/login/", {"login": "alice", "password": PASSWORD}).status_code == 302
    assert User.objects.get(pk=alice.pk).password.startswith("pbkdf2")
    assert client.get("/api/me/").status_code == 200


def test_switching_on_a_second_factor_ends_tokens_and_sessions_that_had_none(
    alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    elsewhere = Client()
    elsewhere.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    client = program(services.issue_token(user=alice, name="x")[1])
    browser = Client()
    browser.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    browser = proved(browser)
    page = browser.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    counter = int(timezone.now().timestamp()) // 30
    code = format_hotp_value(hotp_value(secret, counter))
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(reverse("mfa_activate_totp"), {"code": code}).status_code == 302
    assert browser.get("/settings/").status_code == 200
    assert elsewhere.get("/settings/").status_code == 302
    assert client.get("/api/me/").status_code == 401


def test_a_token_runs_out_when_it_says_so_or_never(alice: User) -> None:
    short, plain = services.issue_token(user=alice, name="x", days=30)
    _, endless = services.issue_token(user=alice, name="y", days=None)
    assert program(plain).get("/api/me/").status_code == 200
    ApiToken.objects.filter(pk=short.pk).update(expiry=timezone.now() - timedelta(seconds=1))
    assert program(plain).get("/api/me/").status_code == 401
    assert program(endless).get("/api/me/").status_code == 200


def test_the_last_use_is_noted_once_a_minute(alice: User) -> None:
    _token, plain = services.issue_token(user=alice, name="x")
    assert ApiToken.objects.get().last_used_at is None
    program(plain).get("/api/me/")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    program(plain).get("/api/me/")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(hours=1))
    program(plain).get("/api/me/")
    assert ApiToken.objects.filter(last_used_at__gt=first - timedelta(minutes=1)).exists()


def test_a_token_is_kept_as_a_digest_only_and_works_until_it_is_revoked(alice: User, mallory: User) -> None:
    token, plain = services.issue_token(user=alice, name="script")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM accounts_apitoken t")
        stored = cursor.fetchone()[0]
    assert plain not in stored
    with pytest.raises(NotFound):
        services.revoke_token(user=mallory, public_id=token.public_id)
    services.revoke_token(user=alice, public_id=token.public_id)
    assert not ApiToken.objects.exists()


def test_tokens_have_a_limit_and_expired_ones_do_not_count(alice: User, settings: Settings) -> None:
    settings.REST_KNOX = {**settings.REST_KNOX, "TOKEN_LIMIT_PER_USER": 1}
    services.issue_token(user=alice, name="one")
    with pytest.raises(Refused) as refused:
        services.issue_token(user=alice, name="two")
    assert refused.value.status == 409
    ApiToken.objects.update(expiry=timezone.now() - timedelta(days=1))
    services.issue_token(user=alice, name="two")


@pytest.mark.parametrize("sent", ["", "x", "x y", "\x00", "ÿ", "0" * 64, "0" * 10_000])
def test_what_is_no_token_is_a_401(sent: str) -> None:
    assert Client(headers={"authorization": f"Token {sent}"}).get("/api/me/").status_code == 401


def test_a_token_that_an_older_version_makes_may_do_everything(alice: User) -> None:
    services.issue_token(user=alice, name="x", scopes=["read"])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_apitoken (digest, token_key, user_id, created, name, public_id)"
            " SELECT 'd', 'k', user_id, created, 'old', 'oldoldoldold' FROM accounts_apitoken"
        )
    assert set(ApiToken.objects.get(name="old").scopes) == set(Scope)


def test_the_page_shows_a_token_once_with_its_scopes_and_asks_for_the_password_again(
    alice: User, mallory: User, as_user: As
) -> None:
    page, client = reverse("accounts:tokens"), as_user(alice)
    form = {"name": "script", "scopes": ["read"], "days": "30"}
    asked = client.post(page, form)
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert not ApiToken.objects.exists()
    shown = client.post(asked["Location"], {"password": PASSWORD})  # goes on with what was asked
    assert shown.headers["Cache-Control"] == "no-store"
    plain = re.findall(r"<code>([0-9a-f]{64})</code>", shown.content.decode())[0]
    assert program(plain).get("/api/me/").json()["username"] == "alice"
    listed = client.get(page).content.decode()
    assert plain not in listed
    assert "expires" in listed
    assert "last used" in listed
    assert client.post(page, {"name": "x", "scopes": []}).status_code == 422
    assert client.post(page, {"name": "x", "scopes": ["moderate"]}).status_code == 422
    revoke = reverse("accounts:token-revoke", args=[ApiToken.objects.get().public_id])
    assert as_user(mallory).post(revoke).status_code == 404
    assert client.post(revoke).status_code == 302
    assert program(plain).get("/api/me/").status_code == 401


def test_a_program_makes_a_token_by_password_with_the_scopes_it_names(alice: User, make_member: MakeMember) -> None:
    body = {"username": "alice", "password": PASSWORD, "name": "laptop", "scopes": ["read"], "days": None}
    made = APIClient().post("/api/tokens/", body)
    assert made.status_code == 201, made.content
    assert (made.json()["scopes"], made.json()["expiry"]) == (["read"], None)
    assert program(made.json()["token"]).get("/api/me/").status_code == 200
    usual = APIClient().post("/api/tokens/", {"username": "alice@salon.test", "password": PASSWORD})
    assert usual.json()["scopes"] == ["read", "write", "generate"]
    several: list[dict[str, Any]] = [
        {"scopes": []}, {"scopes": ["everything"]}, {"scopes": ["moderate"]}, {"days": 0}, {"days": 99_999}
    ]  # fmt: skip
    for wrong in several:
        assert APIClient().post("/api/tokens/", {**body, **wrong}).status_code == 400, wrong
    make_member("mo", Role.MODERATOR)
    assert APIClient().post("/api/tokens/", {**body, "username": "mo", "scopes": ["moderate"]}).status_code == 201


def test_a_signed_in_browser_makes_a_token_when_the_password_was_just_typed(alice: User, as_user: As) -> None:
    browser, body = as_user(alice), {"name": "script"}
    refused = browser.post("/api/tokens/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "password_needed")
    again = {**body, "password": PASSWORD}
    assert browser.post("/api/tokens/", again, content_type="application/json").status_code == 201
    assert proved(browser).post("/api/tokens/", body, content_type="application/json").status_code == 201


def test_nobody_elses_token_can_be_seen_or_deleted(alice: User, mallory: User, as_user: As, api_as: ApiAs) -> None:
    token, _ = services.issue_token(user=alice, name="hers")
    for client in (api_as(mallory), as_user(mallory)):
        assert client.delete(f"/api/tokens/{token.public_id}/").status_code == 404
        assert token.public_id not in [row["id"] for row in client.get("/api/tokens/").json()["results"]]
    assert as_user(alice).delete(f"/api/tokens/{token.public_id}/").status_code == 204
