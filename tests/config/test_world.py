"""The plumbing of the tests themselves: what every other test stands on."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection

from accounts.models import Role, User
from moderation.models import Rule
from ratings.models import Question


@pytest.mark.django_db
def test_the_database_is_postgresql_with_every_extension_and_folds_all_alphabets() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        names = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT lower('ÉЖ'), 'École' ILIKE 'éCOLE'")
        assert cursor.fetchone() == ("éж", True)
    assert {"citext", "pg_trgm", "unaccent", "btree_gin", "vector"} <= names


@pytest.mark.parametrize("value", ["first", "second"])
def test_valkey_is_empty_when_a_test_begins(value: str) -> None:
    assert cache.get("word") is None
    cache.set("word", value)
    assert cache.get("word") == value


def test_roles_of_the_named_world(alice: User, mod: User, rita: User) -> None:
    assert mod.has_role(Role.MODERATOR)
    assert rita.has_role(Role.RESEARCHER)
    assert not alice.has_role(Role.MODERATOR)


def _seeds() -> tuple[int, int, int]:
    return Question.objects.count(), Rule.objects.count(), ContentType.objects.count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_what_migrations_bring_is_there_again_after_a_test_that_commits(turn: int) -> None:
    assert min(_seeds()) > 0
    User.objects.create_user("carol")
    assert User.objects.count() == 1
