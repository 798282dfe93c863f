"""The pure parts of a release: splits, pseudonyms, tallies, Parquet bytes and the card's features."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratings.datasets import card, splits
from ratings.datasets.columns import IMAGE_ROW_GROUP, Column, Format, Planned
from ratings.datasets.formats import FORMATS
from ratings.datasets.identity import Keys
from ratings.datasets.parquet import write_shard
from ratings.datasets.scope import Scope
from ratings.datasets.tally import Vote, count

AT = datetime(2026, 5, 4, tzinfo=UTC)
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


@given(st.lists(st.sampled_from([1, 2, None]), max_size=12))
def test_a_tally_adds_up_and_its_decider_voted_for_the_winner(choices: list[int | None]) -> None:
    tally = count([Vote(n, choice, n % 2 == 0 and choice is None, AT) for n, choice in enumerate(choices)], 1, 2)
    assert tally.n_votes == len(choices)
    if choices.count(1) == choices.count(2):
        assert (tally.winner, tally.decider) == (None, None)
    else:
        assert tally.decider is not None
        assert tally.decider.preferred == tally.winner
        assert 0 < tally.margin <= 1
        assert 0.5 < tally.consensus <= 1


def _nothing(scope: Scope) -> "list[Planned]":
    return []


FORM = Format(
    kind="toy",
    title="",
    columns=(Column("word", pa.string(), ""), Column("jpg_0", pa.binary(), "")),
    plan=lambda scope: iter(_nothing(scope)),
    splits=("train",),
    pictures=("jpg_0",),
)


class Counting:
    """Picture bytes that remember how many were loaded at a time."""

    def __init__(self) -> None:
        self.most = 0

    def load(self, ids: Iterable[int]) -> None:
        self.most = max(self.most, len(list(ids)))

    def __call__(self, pk: int) -> bytes:
        return bytes([pk % 256]) * 10


def _lines(rows: int) -> "list[tuple[int, bytes, list[int]]]":
    return [(n, json.dumps({"word": f"é\n{n}", "_private": 1}).encode(), [n]) for n in range(rows)]


def test_a_shard_holds_a_row_group_in_memory_and_writes_the_same_bytes_again(tmp_path: Path) -> None:
    pictures = Counting()
    first = write_shard(tmp_path / "a.parquet", FORM, _lines(250), pictures, lambda: None)
    again = write_shard(tmp_path / "b.parquet", FORM, iter(_lines(250)), Counting(), lambda: None)
    assert first == again
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pictures.most == IMAGE_ROW_GROUP
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [100, 100, 50]
    assert file.schema_arrow.names == ["word", "jpg_0"]
    assert file.read().to_pylist()[201] == {"word": "é\n201", "jpg_0": bytes([201]) * 10}


def test_a_file_of_zero_rows_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without rows"):
        write_shard(tmp_path / "a.parquet", FORM, [], Counting(), lambda: None)
    assert list(tmp_path.iterdir()) == []
