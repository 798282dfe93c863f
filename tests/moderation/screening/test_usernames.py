"""Which user names may be taken at sign-up."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User

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
