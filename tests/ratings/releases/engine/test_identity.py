"""Pseudonyms: keyed by release and table, and the same in Python and PostgreSQL."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratings.releases.engine import sql
from ratings.releases.engine.identity import Keys, derived_key, pads


def test_ids_mean_nothing_outside_their_release_and_table() -> None:
    tables = [Keys("secret", release, table) for release in ("one", "two") for table in ("pairs", "votes")]
    ids = [keys.rater(7, is_author=is_author) for keys in tables for is_author in (False, True)]
    assert len(set(ids)) == len(ids)
    assert all(0 <= value < 2**63 for value in ids)
    assert Keys("secret", "one", "pairs").rater(7, is_author=False) == ids[0]


def test_sides_fall_about_half_and_half() -> None:
    keys = Keys("secret", "one", "pairs")
    assert 900 < sum(keys.coin(low, low + 1) for low in range(2000)) < 1100


@given(st.binary(min_size=1, max_size=64), st.binary(max_size=80))
def test_the_pads_that_sql_is_given_make_the_same_hmac(key: bytes, message: bytes) -> None:
    inner, outer = pads(key)
    digest = hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()
    assert digest == hmac.digest(key, message, "sha256")


@given(st.lists(st.integers(0, 2**62)))
def test_many_rows_are_named_as_each_is(ids: list[int]) -> None:
    keys = Keys("secret", "one", "pairs")
    assert keys.rows(ids).tolist() == [keys.row(each) for each in ids]


@pytest.mark.django_db
def test_postgres_names_rows_as_python_does() -> None:
    """The same plan made by another version of PostgreSQL, or by hand, finds the same pseudonyms."""
    keys = Keys("secret", "one", "pairs")
    sql.execute("CREATE TEMP TABLE release_key (purpose text PRIMARY KEY, inner_pad bytea, outer_pad bytea)")
    padded = pads(derived_key("secret", "release", "one", "pairs", "row"))
    sql.execute("INSERT INTO release_key VALUES ('row', %s, %s)", padded)
    statement = f"SELECT {sql.number('row', sql.json_list('12'))}, {sql.text('row', sql.json_list('12', '34'))}"
    assert sql.fetch_all(statement) == [(keys.row(12), keys.text("row", 12, 34))]
    sql.execute("DROP TABLE release_key")
