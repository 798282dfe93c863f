"""Planned rows packed into blocks, and found by the members and pictures they depend on."""

import base64
import zlib

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings.releases.engine import block_codec

# A block as earlier versions wrote it: two votes, base85 of its zlib-compressed bytes.
EARLIER_BLOCK = (
    "c-oy)u};G<5Iwg^6NLz6$dI8Dp{Nog>>WBVbV2Iatwe2ADglkE2r)){1p}YJz{n>scI0Ca=FYhm+k{ra()n_}_nv)cM@lIl1"
    "V98d0tlf6F8KI`Lpb1|TYpJO-bMRFdqXSGdT6wMjT#7UkVc!=X!vO3#cej9jn7rAa3K0PJ@4n7QQXrwYmJj=oEC9bSutAy+-"
    "Ud+V$^GahgDHj)%ct5q1`Ww*?2L97lWT{`J}~sH^%t_EwwZzSzaubcgXQohUQS!6ry=5CV`4q^%l32)X$i8Lfo^uflzUw;i$"
    "6?;b-Xjk>a$`J6q0(drF!Ojknpe34f0h_NVNRwVbf@fa_D*oy+8^|A=7;{8R!R7nnE<%PgH_MV3yNa}7uR7>OPIXgaF45917"
    "G{qK9~4|ddl#6GpwH*uH!z{(G-d~W4)EC0kkVgJg$qjB7te*ZTX+W)29gU|Q1N%I@u<`3ye9;Qp*)UCrc3Fqv`1%x{=al*u5"
    "Sc)1xvAQ9mhgO}k`fuSIn{;7V"
)


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


def test_a_block_planned_by_an_earlier_version_is_read() -> None:
    """A release that was planned before an upgrade must build after it."""
    table = block_codec.decode(zlib.decompress(base64.b85decode(EARLIER_BLOCK)))
    assert table["caption"].to_pylist() == ["a cat", "a dog"]
    assert table["vote_id"].to_pylist() == [7, 8]
    assert (block_codec.rater_ids(table), block_codec.image_ids(table)) == ([3, 4], [10, 11, 12])
    assert block_codec.depends_on(table, {4}, {10}).to_pylist() == [True, True]
