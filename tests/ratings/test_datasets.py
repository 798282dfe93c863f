"""The pure parts of a release: splits, pseudonyms, Parquet bytes and the card's features."""

import hashlib
import hmac
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings.releases.engine import arrow_fetch, block_codec, splits, sql
from ratings.releases.engine.identity import Keys, derived_key, pads
from ratings.releases.engine.image_reader import Picture, Waiting
from ratings.releases.engine.parquet import write_shard
from ratings.releases.formats.columns import IMAGE_ROW_GROUP, IMAGES, Column, Format
from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing import card

PICK_A_PIC = {
    "are_different": "bool",
    "best_image_uid": "string",
    "caption": "string",
    "created_at": "timestamp[ns]",
    "has_label": "bool",
    "image_0_uid": "string",
    "image_0_url": "string",
    "image_1_uid": "string",
    "image_1_url": "string",
    "jpg_0": "binary",
    "jpg_1": "binary",
    "label_0": "double",
    "label_1": "double",
    "model_0": "string",
    "model_1": "string",
    "ranking_id": "int64",
    "user_id": "int64",
    "num_example_per_prompt": "int64",
    "__index_level_0__": "int64",
}
OURS = {
    "pair_id": "string",
    "prompt_id": "string",
    "image_0_sha256": "string",
    "image_1_sha256": "string",
    "width_0": "int32",
    "height_0": "int32",
    "width_1": "int32",
    "height_1": "int32",
    "seed_0": "int64",
    "seed_1": "int64",
    "n_votes": "int32",
    "n_left": "int32",
    "n_right": "int32",
    "n_tie": "int32",
    "n_both_bad": "int32",
    "margin": "float",
    "consensus": "float",
    "aspect_mismatch": "bool",
    "rater_is_author": "bool",
    "gen_params_0": "string",
    "gen_params_1": "string",
}


def test_pairs_have_exactly_the_specified_columns_and_types() -> None:
    assert {field.name: str(field.type) for field in FORMATS["pairs"].schema} == PICK_A_PIC | OURS
    assert len(PICK_A_PIC) == 19


def test_the_card_declares_features_as_the_datasets_library_writes_them() -> None:
    import datasets

    for form in FORMATS.values():
        theirs = datasets.Features.from_arrow_schema(form.schema)
        for name in form.pictures if form.kind == "viewer" else ():
            theirs[name] = datasets.Image()
        assert card.features(form.columns) == theirs._to_yaml_list()


@given(st.text(max_size=60), st.sampled_from([" ", "  ", "\n", "\t "]))
def test_prompts_that_read_alike_stand_in_one_split(prompt: str, space: str) -> None:
    assert splits.normalise_prompt(prompt) == splits.normalise_prompt(splits.normalise_prompt(prompt))
    assert splits.split_of("s" * 40, f"A {prompt}{space}CAT.") == splits.split_of("s" * 40, f"a {prompt} cat")


def test_about_a_tenth_of_the_prompts_validates_and_a_tenth_tests() -> None:
    found = [splits.split_of("salt" * 10, f"a cat number {n}") for n in range(4000)]
    assert 320 < found.count("validation") < 480
    assert 320 < found.count("test") < 480


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


def test_one_call_is_made_ahead_and_no_more() -> None:
    made: list[int] = []
    done = [threading.Event() for _ in range(5)]

    def make(number: int) -> int:
        made.append(number)
        done[number].set()
        return number

    for number in arrow_fetch.one_ahead(partial(make, number) for number in range(5)):
        if number < 4:
            assert done[number + 1].wait(10), "the next one is made while this one is used"
        assert made == list(range(min(number + 2, 5)))


def test_what_a_call_raises_is_raised_in_its_turn() -> None:
    calls = arrow_fetch.one_ahead(partial(divmod, 6, number) for number in (3, 2, 0, 1))
    assert [next(calls), next(calls)] == [(2, 0), (3, 0)]
    with pytest.raises(ZeroDivisionError):
        next(calls)


@pytest.mark.django_db
def test_postgres_names_rows_as_python_does() -> None:
    """The same plan made by another version of PostgreSQL, or by hand, finds the same pseudonyms."""
    keys = Keys("secret", "one", "pairs")
    sql.run("CREATE TEMP TABLE release_key (purpose text PRIMARY KEY, inner_pad bytea, outer_pad bytea)")
    padded = pads(derived_key("secret", "release", "one", "pairs", "row"))
    sql.run("INSERT INTO release_key VALUES ('row', %s, %s)", padded)
    statement = f"SELECT {sql.number('row', sql.listed('12'))}, {sql.text('row', sql.listed('12', '34'))}"
    assert sql.rows(statement) == [(keys.row(12), keys.text("row", 12, 34))]
    sql.run("DROP TABLE release_key")


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-5, 5), max_size=4), max_size=8))
def test_lists_come_back_from_the_words_that_copy_tells(rows: list[list[int]]) -> None:
    words = pa.array([" ".join(map(str, row)) for row in rows], pa.string())
    assert sql.split_words(words, pa.list_(pa.int64())).to_pylist() == rows


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(1, 6), max_size=3), st.lists(st.integers(1, 6), max_size=3))))
def test_rows_are_found_by_whom_and_what_they_stand_on(rows: list[tuple[list[int], list[int]]]) -> None:
    columns = {"_raters": [list(row[0]) for row in rows], "_images": [list(row[1]) for row in rows]}
    table = pa.table(columns, schema=pa.schema([(name, pa.list_(pa.int64())) for name in columns]))
    assert block_codec.unpack(block_codec.pack(table)).equals(table)
    touched = block_codec.touches(table, {1}, {2, 3}).to_pylist()
    assert touched == [1 in raters or bool({2, 3} & set(images)) for raters, images in rows]


def test_a_frozen_block_keeps_nothing_of_rows_that_were_taken_out() -> None:
    table = pa.table({"caption": pa.array(["a cat", "a secret", "a cat"]).dictionary_encode()})
    packed = block_codec.pack(table.filter(pa.array([True, False, True])))
    assert block_codec.unpack(packed)["caption"].to_pylist() == ["a cat", "a cat"]
    assert block_codec.unpack(packed)["caption"].chunk(0).dictionary.to_pylist() == ["a cat"]


FORM = Format(
    kind="toy",
    title="",
    columns=(Column("word", pa.string(), ""), Column("jpg_0", pa.binary(), "")),
    plan=lambda _scope: iter(()),
    count=lambda _scope: {},
    splits=("train",),
    key="word",
    pictures=("jpg_0",),
)


class Counting:
    """Picture bytes that remember how many were begun at a time, and how many groups were not waited for yet."""

    def __init__(self) -> None:
        self.most = self.open = self.most_open = 0

    def begin(self, ids: Iterable[int]) -> Waiting:
        found = {pk: Picture(f"{pk:064x}", bytes([pk % 256]) * 10) for pk in ids}
        self.most = max(self.most, len(found))
        self.open += 1
        self.most_open = max(self.most_open, self.open)

        def wait() -> dict[int, Picture]:
            self.open -= 1
            return found

        return wait


def _tables(rows: int) -> Iterator[pa.Table]:
    """Blocks of 70 rows, so that no row group ends where a block does."""
    for start in range(0, rows, 70):
        numbers = range(start, min(start + 70, rows))
        yield pa.table(
            {"word": [f"é\n{n}" for n in numbers], "_private": [1 for _ in numbers], IMAGES: [[n] for n in numbers]}
        )


def test_a_shard_holds_two_row_groups_in_memory_and_writes_the_same_bytes_again(tmp_path: Path) -> None:
    pictures = Counting()
    first = write_shard(tmp_path / "a.parquet", FORM, _tables(250), pictures, lambda: None)
    again = write_shard(tmp_path / "b.parquet", FORM, _tables(250), Counting(), lambda: None)
    assert first == again
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pictures.most == IMAGE_ROW_GROUP
    assert pictures.most_open == 2, "the next group is read while one is written, and no more"
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [100, 100, 50]
    assert file.schema_arrow.names == ["word", "jpg_0"]
    assert file.read().to_pylist()[201] == {"word": "é\n201", "jpg_0": bytes([201]) * 10}


def test_a_file_of_zero_rows_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without rows"):
        write_shard(tmp_path / "a.parquet", FORM, [], Counting(), lambda: None)
    assert list(tmp_path.iterdir()) == []
