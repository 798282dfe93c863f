"""The plumbing of the tests themselves: what every other test stands on."""

import pytest
from django.core.cache import cache
from django.db import connection

from accounts.models import Role, User


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
