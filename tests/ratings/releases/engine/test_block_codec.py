"""Planned rows packed into blocks, and found by the members and pictures they depend on."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings.releases.engine import block_codec


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(1, 6), max_size=3), st.lists(st.integers(1, 6), max_size=3))))
def test_rows_are_found_by_the_members_and_pictures_they_depend_on(rows: list[tuple[list[int], list[int]]]) -> None:
    columns = {"_raters": [list(row[0]) for row in rows], "_images": [list(row[1]) for row in rows]}
    table = pa.table(columns, schema=pa.schema([(name, pa.list_(pa.int64())) for name in columns]))
    assert block_codec.decode(block_codec.encode(table)).equals(table)
    touched = block_codec.depends_on(table, {1}, {2, 3}).to_pylist()
    assert touched == [1 in raters or bool({2, 3} & set(images)) for raters, images in rows]


def test_a_block_keeps_nothing_of_rows_that_were_deleted() -> None:
    table = pa.table({"caption": pa.array(["a cat", "a secret", "a cat"]).dictionary_encode()})
    packed = block_codec.encode(table.filter(pa.array([True, False, True])))
    assert block_codec.decode(packed)["caption"].to_pylist() == ["a cat", "a cat"]
    assert block_codec.decode(packed)["caption"].chunk(0).dictionary.to_pylist() == ["a cat"]
