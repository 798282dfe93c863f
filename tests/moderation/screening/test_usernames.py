"""Which user names may be taken at sign-up."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import delete_account
from lib.ids import new_public_id

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def sign_up(name: str, **more: str) -> tuple[int, str]:
    form = {"username": name, "password1": PASSWORD, "password2": PASSWORD, **more}
    response = Client().post("/accounts/signup/", form)
    return response.status_code, response.content.decode()


@pytest.mark.parametrize("name", ["carol", "Жанна", "jean-luc", "x.y_z", "salonlover", "essex"])
def test_a_sign_up_needs_a_name_and_a_password_and_no_address(name: str) -> None:
    status, page = sign_up(name)
    assert status == 302, page
    assert User.objects.get(username=name).email == ""


@pytest.mark.parametrize(
    "name",
    ["admin", "Moderator", "аdmin", "4dm1n", "__admin__", "deleted-x1", "salon", "me", "a b", "a@b", "x" * 31, "ab",
     "fuck", "f.u.c.k", "fuck_you"],
)  # fmt: skip
def test_names_of_the_site_and_insults_are_refused_and_what_was_typed_stays(name: str) -> None:
    status, page = sign_up(name)
    assert status in (200, 422)
    assert not User.objects.exists()
    assert "errorlist" in page or "error" in page


def test_names_that_differ_in_case_alone_are_one_name(alice: User) -> None:
    assert sign_up("ALICE")[0] in (200, 422)
    assert User.objects.count() == 1


def test_a_name_that_cannot_be_checked_is_refused(settings: Settings) -> None:
    settings.MODERATION_TEXT_CHECKERS = ["tests.moderation.broken_checker.check"]
    sign_up("carol")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ("bugtester1", "bugt\u0435ster1"), ("paypal", "paypaI"), ("paypal", "\u0440\u0430ypal"), ("bumble", "burnble"),
        ("сор", "cop"), ("bob10", "b0b10"), ("clara", "cl\u0430r\u0430"),
        ("jose", "jo\u0455e"), ("elise", "e1ise"), ("vivian", "\u03bdivian"),
        ("scope", "\u0455\u0441\u043e\u0440\u0435"),
    ],
)  # fmt: skip
def test_a_name_that_looks_like_anothers_is_refused(taken: str, name: str) -> None:
    assert sign_up(taken)[0] == 302
    assert sign_up(name)[0] != 302
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "name", ["bug..x", "٣٤٥", "a-_b", ".bob", "bob.", "ａｌｉｃｅ", "alice\u200b", "a\u0301\u0301..b", "алиce", "αlice"]
)
def test_what_is_no_name_of_one_script_is_refused(name: str) -> None:
    assert sign_up(name)[0] != 302
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["étienne", "Zoë_3", "жанна7", "さくら花子", "ラーメン屋", "김철수", "李小龍", "محمد", "लक्ष्मी", "สมชาย",
     "Ελένη", "גילה"],
)  # fmt: skip
def test_names_of_every_script_are_taken(name: str) -> None:
    assert sign_up(name)[0] == 302


def test_the_look_of_a_deleted_member_is_free_again(alice: User) -> None:
    delete_account(user=alice)
    assert sign_up("a1ice")[0] == 302


def test_members_whose_names_look_alike_already_keep_them() -> None:
    """As an update finds them: the migration gives the look to the first, and stops at nothing."""
    names = ["paypal", "pаypal", "bob", "paypaI", "b0b", "carol"]
    User.objects.bulk_create(User(username=name) for name in names[:1])
    for name in names[1:]:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO accounts_user (username, public_id, password, email, is_superuser, is_staff, is_active,"
                " is_simulated, is_adult, max_level, date_joined)"
                " VALUES (%s, %s, '', '', false, false, true, false, false, 0, now())",
                [name, new_public_id()],
            )
    User.objects.update(look=None)
    migration = import_module("accounts.migrations.0005_names_that_look_alike")
    for _again in range(2):
        migration.fill(apps, None)
        kept = set(User.objects.exclude(look=None).values_list("username", flat=True))
        assert kept == {"paypal", "bob", "carol"}
    User.objects.get(username="b0b").save()  # whoever shares a look goes on as before
