"""Every way in asks for the same: the password within limits, then the second factor; and none tells who is here."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY, hashers
from django.core import mail
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from pytest_django.fixtures import Settings

from accounts.models import ApiToken, Role, User
from tests.conftest import PASSWORD, As, MakeMember

pytestmark = pytest.mark.django_db
ARGUMENTS: dict[str, Any] = {"public_id": "abcdefghijkl", "pk": 1, "object_id": "1", "username": "root", "key": "a-b"}


@pytest.fixture
def root(db: None) -> User:
    """Staff with a second factor."""
    user: User = User.objects.create_superuser("root", "root@salon.test", PASSWORD)
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    return user


@pytest.fixture
def with_mail(settings: Settings) -> None:
    """A site with a mail server."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False


def _patterns(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in patterns:
        if isinstance(each, URLResolver):
            name = f"{space}{each.namespace}:" if each.namespace else space
            yield from _patterns(each.url_patterns, name)
        elif each.name:
            yield space + each.name, each


def every_address() -> set[str]:
    """An address for every named route of the site whose arguments we can fill in."""
    found = set()
    for name, pattern in _patterns(get_resolver().url_patterns):
        names = list(pattern.pattern.regex.groupindex)
        for values in ({key: ARGUMENTS.get(key, "abcdefghijkl") for key in names}, dict.fromkeys(names, "1")):
            try:
                found.add(reverse(name, kwargs=values))
            except NoReverseMatch:
                continue
    return found


def test_no_address_opens_a_session_or_makes_a_token_without_the_second_factor(root: User) -> None:
    """The password of a member with two factors, sent to every route under every usual name."""
    body = {"username": "root", "login": "root", "email": "root@salon.test", "password": PASSWORD, "next": "/admin/",
            "oldpassword": PASSWORD, "this_is_the_login_form": "1", "code": "000000"}  # fmt: skip
    addresses = every_address()
    assert len(addresses) > 250
    for address in addresses:
        for kind in ("application/x-www-form-urlencoded", "application/json"):
            client = Client(raise_request_exception=False)
            sent = "&".join(f"{name}={value}" for name, value in body.items()) if "form" in kind else body
            client.post(address, sent, content_type=kind)
            assert SESSION_KEY not in client.session, address
    assert not ApiToken.objects.exists()


def test_the_admin_shows_no_sign_in_of_its_own(root: User, alice: User, as_user: As) -> None:
    login = reverse("admin:login")
    there = Client().get(reverse("admin:index"))["Location"]
    assert there.startswith(login)
    assert Client().get(there)["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    # Nor for somebody who is signed in: that form would check others' passwords without limits.
    for client in (Client(), as_user(alice), as_user(root)):
        answer = client.post(login, {"username": "root", "password": PASSWORD, "next": "/admin/"})
        assert answer.status_code in (302, 403)
    member = as_user(alice)
    assert member.post(login, {"username": "root", "password": PASSWORD}).status_code == 403
    assert member.session[SESSION_KEY] == str(alice.pk)
    assert as_user(root).get(login + "?next=https://evil.example/")["Location"] == "/admin/"
    assert as_user(root).get(reverse("admin:password_change"))["Location"] == reverse("account_change_password")


def test_staff_without_a_second_factor_are_led_to_make_one(root: User, settings: Settings, as_user: As) -> None:
    plain = User.objects.create_superuser("plain", "plain@salon.test", PASSWORD)
    assert as_user(plain).get(reverse("admin:index")).status_code == 200
    settings.STAFF_NEED_SECOND_FACTOR = True
    client = as_user(plain)
    there = client.get(reverse("admin:index"))["Location"]
    assert client.get(there)["Location"] == reverse("mfa_index")
    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 302
    assert as_user(root).get(reverse("admin:index")).status_code == 200


def _page(login: str, password: str) -> Any:
    return Client().post("/accounts/login/", {"login": login, "password": password})


def _program(login: str, password: str) -> Any:
    return Client().post("/api/tokens/", {"username": login, "password": password})


@pytest.mark.parametrize(("first", "second"), [(_page, _program), (_program, _page), (_program, _program)])
def test_wrong_passwords_count_together_wherever_they_are_tried(
    first: Callable[[str, str], Any], second: Callable[[str, str], Any], alice: User
) -> None:
    for _ in range(5):
        assert first("alice", "wrong").status_code in (200, 400)
    answer = second("alice", PASSWORD)
    assert "sessionid" not in answer.cookies
    assert not ApiToken.objects.exists()
    assert answer.status_code == (429 if second is _program else 200)


def test_a_program_gets_no_token_for_an_unconfirmed_address_or_a_banned_member(alice: User, with_mail: None) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=False)
    answer = _program("alice", PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (400, "unconfirmed")
    EmailAddress.objects.update(verified=True)
    assert _program("alice", PASSWORD).status_code == 201
    User.objects.update(is_active=False)
    assert _program("alice", PASSWORD).json()["code"] == "wrong_login"


def test_a_new_password_from_a_mail_does_not_sign_in(root: User) -> None:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    client = Client()
    key = default_token_generator.make_token(root)
    form = client.get(reverse("account_reset_password_from_key", args=[user_pk_to_url_str(root), key]))["Location"]
    client.post(form, {"password1": "another horse battery", "password2": "another horse battery"})
    assert SESSION_KEY not in client.session
    client.post("/accounts/login/", {"login": "root", "password": "another horse battery"})
    assert SESSION_KEY not in client.session
    assert client.get("/admin/").status_code == 302


def test_nobody_signs_in_by_a_link_in_a_mail() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("account_request_login_code")
    for name in ("LOGIN_ON_PASSWORD_RESET", "LOGIN_ON_EMAIL_CONFIRMATION", "LOGIN_BY_CODE_ENABLED"):
        assert not getattr(django_settings, f"ACCOUNT_{name}", False)


def test_an_open_browser_is_not_enough_to_change_the_address(alice: User, as_user: As) -> None:
    """It would lead to a password reset, and so to the account."""
    client = as_user(alice)
    answer = client.post(reverse("account_email"), {"action_add": "", "email": "mallory@salon.test"})
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert not EmailAddress.objects.filter(email="mallory@salon.test").exists()


class Work:
    """How many password hashes an answer cost: what takes its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes = 0
        kind = hashers.get_hasher()
        original = type(kind).encode

        def encode(hasher: Any, *args: Any, **kwargs: Any) -> str:
            self.hashes += 1
            return str(original(hasher, *args, **kwargs))

        monkeypatch.setattr(type(kind), "encode", encode)

    def of(self, ask: Callable[..., Any], *arguments: str) -> tuple[Any, int]:
        """The answer, and how many."""
        before = self.hashes
        answer = ask(*arguments)
        return answer, self.hashes - before


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def _bare(answer: Any, *names: str) -> tuple[int, str, str]:
    """Status, target and page without what was typed and the form's own token."""
    text = re.sub(r"\b\w{64}\b", "", answer.content.decode())
    for name in names:
        text = text.replace(name, "…")
    return answer.status_code, answer.get("Location", ""), text


@pytest.mark.parametrize("ask", [_page, _program])
def test_signing_in_with_a_wrong_password_tells_nothing(
    ask: Callable[[str, str], Any], alice: User, make_member: MakeMember, work: Work
) -> None:
    make_member("banned", is_active=False)
    User.objects.create_user("twin", "alice@salon.test", PASSWORD)  # the same address, unconfirmed
    names = ["alice", "nobody", "banned"]
    addresses = ["alice@salon.test", "nobody@salon.test", "banned@salon.test"]
    for group in (names, addresses):
        seen = set()
        for login in group:
            answer, count = work.of(ask, login, "wrong")
            seen.add((_bare(answer, login), count))
        assert len(seen) == 1, [row[1] for row in seen]


def _sign_up(name: str, email: str) -> tuple[Client, Any]:
    client = Client()
    body = {"username": name, "email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client, client.post(reverse("account_signup"), body)


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_signing_up_tells_nothing_with_a_mail_server(
    is_confirmed: bool, alice: User, with_mail: None, work: Work
) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=is_confirmed)
    seen = set()
    for name, email in (("violet", "alice@salon.test"), ("viktor", "new@salon.test")):
        (client, answer), count = work.of(_sign_up, name, email)
        sent = (count, len(mail.outbox))
        after = _page(name, PASSWORD)  # may the account be used? does it exist?
        seen.add((_bare(answer, name, email), sent, _bare(after), Client().get(f"/@{name}/").status_code))
        assert SESSION_KEY not in client.session
        mail.outbox.clear()
    assert len(seen) == 1, seen


def test_an_address_that_is_confirmed_elsewhere_is_never_confirmed_for_a_second_account(
    alice: User, with_mail: None
) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    _sign_up("violet", alice.email)
    link = re.search(r"https?://\S+confirm-email/\S+", str(mail.outbox[0].body))
    assert link is not None
    Client().post(link[0])
    assert not EmailAddress.objects.get(user__username="violet").verified
    mail.outbox.clear()
    Client().post(reverse("account_reset_password"), {"email": alice.email})
    assert [message.to for message in mail.outbox] == [[alice.email]]
    assert "alice" in str(mail.outbox[0].body)  # a new password for the owner, not for the other
    assert "violet" not in str(mail.outbox[0].body)


def test_signing_up_tells_nothing_without_a_mail_server(alice: User) -> None:
    for name, email in (("violet", "alice@salon.test"), ("viktor", "new@salon.test")):
        client, answer = _sign_up(name, email)
        assert answer.status_code == 302, answer.content
        assert SESSION_KEY in client.session
    # whoever gave the address first signs in with it
    assert _page("alice@salon.test", PASSWORD).status_code == 302


def _ask_for_a_new_password(email: str) -> Any:
    return Client().post(reverse("account_reset_password"), {"email": email})


@pytest.mark.parametrize("has_mail", [True, False])
def test_asking_for_a_new_password_tells_nothing(
    has_mail: bool, alice: User, request: pytest.FixtureRequest, work: Work
) -> None:
    if has_mail:
        request.getfixturevalue("with_mail")
    seen = set()
    for email in ("alice@salon.test", "nobody@salon.test"):
        answer, count = work.of(_ask_for_a_new_password, email)
        seen.add((_bare(answer, email), count, len(mail.outbox)))
        mail.outbox.clear()
    assert len(seen) == 1


@pytest.mark.parametrize("has_mail", [True, False])
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_adding_an_address_tells_nothing(
    has_mail: bool, is_confirmed: bool, alice: User, bob: User, request: pytest.FixtureRequest
) -> None:
    if has_mail:
        request.getfixturevalue("with_mail")
    EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=is_confirmed)
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.get(reverse("account_email"))  # shows what signing in had to say
    seen = set()
    for email in (bob.email, "new@salon.test"):
        answer = client.post(reverse("account_email"), {"action_add": "", "email": email}, follow=True)
        seen.add(_bare(answer, email))
        EmailAddress.objects.filter(user=alice, email=email).delete()
    assert len(seen) == 1


def test_the_roles_in_the_admin_are_given_by_superusers_alone(make_member: MakeMember, as_user: As) -> None:
    from django.contrib.auth.models import Permission

    helper = make_member("helper", Role.STAFF, is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    root = User.objects.create_superuser("root", "root@salon.test", PASSWORD)
    client = as_user(helper)
    own = client.get(reverse("admin:accounts_user_change", args=[helper.pk]))
    assert own.status_code == 200
    assert 'name="is_superuser"' not in own.content.decode()
    body = {"password1": "another horse battery", "password2": "another horse battery", "usable_password": "true"}
    assert client.post(reverse("admin:auth_user_password_change", args=[root.pk]), body).status_code == 403
    assert User.objects.get(pk=root.pk).check_password(PASSWORD)


def test_a_banned_member_who_signs_in_reads_until_when_and_why(alice: User, mod: User) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from moderation.models import Decision
    from moderation.restrictions.services import restrict_member

    decision = Decision.objects.create(
        target_type="accounts.user", target_id=alice.pk, action="restrict", reason="hate", policy_version="x",
        actor_pseudonym="m", decided_at=timezone.now(),
    )  # fmt: skip
    restrict_member(user=alice, kind="banned", until=timezone.now() + timedelta(days=400), decision=decision)
    client = Client()
    answer = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Your account is closed until" in page
    assert "Hate or harassment" in page
    assert SESSION_KEY not in client.session
    assert "Your account" not in _page("alice", "wrong").content.decode()
