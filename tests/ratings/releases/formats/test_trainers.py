"""The reads that public trainers do, done on a release: columns, dtypes, byte decoding and label tests.

Written from what each trainer does with its data, in our own words; each fails if a trap of the specification
comes back: encoded images, labels that are no preference, a missing default split, null captions, other shapes,
empty files.
"""

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

pytestmark = pytest.mark.django_db
SIDE = 32


def pixels(content: Any) -> torch.Tensor:
    """(3, SIDE, SIDE) in -1..1 of undecoded bytes, as the Diffusion-DPO scripts read them."""
    picture = PIL.Image.open(io.BytesIO(content)).convert("RGB").resize((SIDE, SIDE))
    return torch.from_numpy(np.asarray(picture, dtype=np.float32)).permute(2, 0, 1) / 127.5 - 1


def tokens(captions: list[str]) -> list[list[int]]:
    """Stands in for a tokenizer: like one, it fails on what is no string."""
    return [[ord(letter) for letter in caption.lower()] for caption in captions]


@pytest.fixture
def cache(tmp_path: Path) -> str:
    return str(tmp_path / "cache")


@pytest.mark.parametrize("split", ["train", "validation"])
def test_diffusers_sd15_reads_pairs_and_puts_the_winner_first(release_folder: Path, cache: str, split: str) -> None:
    """`load_dataset(name, cache_dir, split)`, two byte columns stacked on channels, swapped where label_0 is 0."""
    rows = datasets.load_dataset(str(release_folder), cache_dir=cache, split=split)

    def preprocess(examples: dict[str, list[Any]]) -> dict[str, list[Any]]:
        sides = [[pixels(content) for content in examples[name]] for name in ("jpg_0", "jpg_1")]
        stacked = []
        for pair, label in zip(zip(*sides, strict=True), examples["label_0"], strict=True):
            ordered = pair[::-1] if label == 0 else pair
            stacked.append(torch.cat(ordered, dim=0))
        return {"pixel_values": stacked, "input_ids": tokens(examples["caption"])}

    winners = [bool(row["label_0"]) for row in rows]
    first = [pixels(row["jpg_0"]) for row in rows]
    for n, example in enumerate(rows.with_transform(preprocess)):
        assert example["pixel_values"].shape == (6, SIDE, SIDE)
        assert torch.equal(example["pixel_values"][:3], first[n]) == winners[n]
        assert example["input_ids"]
    assert len(rows) >= 2


def test_diffusers_sdxl_takes_the_sizes_of_one_side_for_both(release_folder: Path, cache: str) -> None:
    """The SDXL script crops both sides as if they had the size that the last one read has."""
    rows = datasets.load_dataset(str(release_folder), cache_dir=cache, split="train")
    for row in rows:
        sizes = {PIL.Image.open(io.BytesIO(row[name])).size for name in ("jpg_0", "jpg_1")}
        assert len({width / height for width, height in sizes}) == 1
        assert not row["aspect_mismatch"]
    assert tokens(list(rows["caption"]))


def test_salesforce_drops_what_is_no_preference_by_the_name_of_the_folder(release_folder: Path, cache: str) -> None:
    """`load_dataset(name, None, cache_dir, data_dir=None)`; the name must hold `pickapic`, labels 0 and 1."""
    found = datasets.load_dataset(str(release_folder), None, cache_dir=cache, data_dir=None)
    assert "pickapic" in str(release_folder)
    labels = found["train"]["label_0"]
    decided = [n for n, label in enumerate(labels) if label in (0, 1)]
    assert len(decided) == len(labels) > 0
    for label, row in zip(labels, found["train"], strict=True):
        preferred = row["jpg_0"] if label == 1 else row["jpg_1"]
        assert pixels(preferred).shape == (3, SIDE, SIDE)
        assert "dream" in row["model_0"] or row["model_1"]  # its dreamlike filter reads both as strings


def test_pickscore_reads_its_splits_filters_and_limits_examples_per_prompt(release_folder: Path, cache: str) -> None:
    for split in ("train", "validation_unique", "test_unique"):
        rows = datasets.load_dataset(str(release_folder), None, cache_dir=cache, split=split)
        rows = rows.filter(lambda row: row["are_different"]).filter(lambda row: row["has_label"])
        frame = rows.to_pandas().drop("__index_level_0__", axis=1)
        limited = datasets.Dataset.from_pandas(frame.groupby("caption").head(1))
        for row in limited:
            for name in ("jpg_0", "jpg_1"):
                content = row[name]["bytes"] if isinstance(row[name], dict) else row[name]
                assert pixels(content).shape == (3, SIDE, SIDE)
            label = torch.tensor(row["label_0"])[None] + torch.tensor(row["label_1"])[None]
            assert label.item() == 1
            assert torch.tensor(row["num_example_per_prompt"])[None].item() >= 1
        assert len(limited)


def test_pickscore_walks_from_losers_to_winners_by_their_names(release_folder: Path, cache: str) -> None:
    """Its `only_on_best` joins by uid: the names must be strings that are the same wherever a picture stands."""
    rows = datasets.load_dataset(str(release_folder), cache_dir=cache, split="train").to_pandas()
    for row in rows.itertuples():
        assert row.best_image_uid == (row.image_0_uid if row.label_0 == 1 else row.image_1_uid)
    named = dict(zip(rows.image_0_uid, rows.image_0_sha256, strict=True))
    named |= dict(zip(rows.image_1_uid, rows.image_1_sha256, strict=True))
    assert len(named) == len(set(named.values()))


def test_diffusion_kto_reads_its_folder(release_folder: Path, cache: str) -> None:
    """`metadata.csv` in the data folder, file names joined to it, labels 0 and 1 that balance the sampling."""
    import pandas as pd

    folder = release_folder / "kto" / "train"
    table = datasets.Dataset.from_pandas(pd.read_csv(folder / "metadata.csv"))
    rows = table.map(lambda batch: {"file_name": [str(folder / name) for name in batch["file_name"]]}, batched=True)
    labels = [int(row["label"]) for row in rows]
    assert set(labels) == {0, 1}
    count = [labels.count(0), labels.count(1)]
    assert all(len(labels) / each > 1 for each in count)
    for row in rows:
        assert PIL.Image.open(row["file_name"]).convert("RGB").size == (48, 48)
        assert tokens([row["caption"]])
        assert torch.tensor([row["label"]]).item() in (0, 1)


def test_kto_parquet_has_the_three_columns_and_the_same_rows_as_the_folder(release_folder: Path, cache: str) -> None:
    rows = datasets.load_dataset(str(release_folder), "kto", cache_dir=cache, split="train")
    assert {name: str(rows.features[name].dtype) for name in ("caption", "image", "label")} == {
        "caption": "string",
        "image": "binary",
        "label": "bool",
    }
    with (release_folder / "kto" / "train" / "metadata.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert [bool(int(row["label"])) for row in listed] == list(rows["label"])
    assert all(pixels(row["image"]).shape == (3, SIDE, SIDE) for row in rows)


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_imagereward_makes_a_better_and_a_worse_of_every_ranking(release_folder: Path, split: str) -> None:
    better = []
    for item in json.loads((release_folder / "reward" / "imagereward" / f"{split}.json").read_text("utf-8")):
        shown = [PIL.Image.open(release_folder / "images" / name).convert("RGB") for name in item["generations"]]
        ranks = item["ranking"]
        assert tokens([item["prompt"]])
        for left in range(len(ranks)):
            for right in range(left + 1, len(ranks)):
                assert ranks[left] != ranks[right]
                better.append(shown[left] if ranks[left] < ranks[right] else shown[right])
    assert better


@pytest.mark.parametrize("split", ["train", "test"])
def test_hpsv2_reads_its_table(release_folder: Path, split: str) -> None:
    """An arrow table from the JSON list; two pictures of one size; labels of both, torn apart by the collation."""
    meta = release_folder / "reward" / "hpsv2" / f"{split}.json"
    table = pa.Table.from_pylist(json.loads(meta.read_text("utf-8")))
    for n in range(len(table)):
        names = table.column("file_path")[n].as_py()
        shown = [pixels((release_folder / "images" / name).read_bytes()) for name in names]
        assert len({picture.size() for picture in shown}) == 1
        label = table.column("human_preference")[n].as_py()
        assert sorted(torch.cat([torch.tensor([value]) for value in label]).tolist()) == [0, 1]
        assert tokens([table.column("prompt")[n].as_py()])
    assert len(table)


@pytest.mark.parametrize("kind", ["hpsv3", "hpsv3_aspects"])
def test_hpsv3_reads_its_pairs_and_puts_the_preferred_picture_first(release_folder: Path, kind: str) -> None:
    """A list of `prompt`, `path1` (preferred), `path2`, joined to the folder of pictures; confidence may filter."""
    source = "pairs" if kind == "hpsv3" else "aspects"
    for split in ("train", "validation"):
        rows = pq.read_table(next(release_folder.glob(f"{source}/{split}-*.parquet"))).to_pylist()
        won = {(row.get("aspect"), *_by_preference(row)) for row in rows}
        found = json.loads((release_folder / "reward" / kind / f"{split}.json").read_text("utf-8"))
        assert {(item.get("aspect"), item["path1"][3:-4], item["path2"][3:-4]) for item in found} == won
        for item in found:
            assert tokens([item["prompt"]])
            shown = [(release_folder / "images" / item[name]).read_bytes() for name in ("path1", "path2")]
            assert all(pixels(content).shape == (3, SIDE, SIDE) for content in shown)
            assert item["confidence"] == item["choice_dist"][0] / sum(item["choice_dist"]) == 1


def _by_preference(row: dict[str, Any]) -> tuple[str, str]:
    sides = (row["image_0_sha256"], row["image_1_sha256"])
    return sides if row["label_0"] else (sides[1], sides[0])


def test_a_reward_model_of_one_aspect_finds_the_picture_of_every_answer(release_folder: Path, cache: str) -> None:
    """Answers about one picture, and answers by aspect, joined with the pictures by hash."""
    images = datasets.load_dataset(str(release_folder), "images", cache_dir=cache, split="train")
    shown = {row["image_sha256"]: pixels(row["image"]) for row in images}
    for kind, names in (("ratings", ["image_sha256"]), ("aspect_votes", ["image_0_sha256", "image_1_sha256"]),
                        ("asks", ["image_0_sha256"])):  # fmt: skip
        rows = datasets.load_dataset(str(release_folder), kind, cache_dir=cache, split="train")
        assert {row[name] for row in rows for name in names} <= set(shown), kind
    assert len(shown) == len(images) == 8
    votes = datasets.load_dataset(str(release_folder), "aspect_votes", cache_dir=cache, split="train")
    assert sorted(zip(votes["aspect"], votes["question_id"], strict=True)) == sorted(
        [("lighting", "lighting-pair")] * 4 + [("colour", "colour-pair")] * 2
    )


def test_marks_make_the_maps_that_richhf_trains_on(release_folder: Path, cache: str) -> None:
    """Per answer a heat map of its places, which are shares of the picture; none marked is an empty map."""
    rows = datasets.load_dataset(str(release_folder), "marks", cache_dir=cache, split="train").to_pandas()
    shown = datasets.load_dataset(str(release_folder), "images", cache_dir=cache, split="train").to_pandas()
    sizes = shown.set_index("image_sha256")[["width", "height"]]
    counts = []
    for _answer, marks in rows.groupby("answer_id"):
        width, height = sizes.loc[marks.image_sha256.iloc[0]]
        heat = np.zeros((height, width))
        for place in marks[marks.number > 0].itertuples():
            heat[min(int(place.y * height), height - 1), min(int(place.x * width), width - 1)] += 1
        counts.append(int(heat.sum()))
    assert sorted(counts) == [0, 2, 2, 2, 2]
    assert rows[rows.number == 0][["x", "y"]].isna().all().all()
    assert set(rows.word) == {"hand", ""}
    assert rows.mark_id.is_unique
    assert set(rows.aspect) == {"artefacts"}


def test_rankings_become_the_pairs_that_imagereward_makes_of_them(release_folder: Path, cache: str) -> None:
    """Every two pictures of an answer are a pair, the better one by its rank."""
    rows = datasets.load_dataset(str(release_folder), "rankings", cache_dir=cache, split="train").to_pandas()
    shown = datasets.load_dataset(str(release_folder), "images", cache_dir=cache, split="train").to_pandas()
    (_answer, answer), *others = rows.groupby("answer_id")
    assert others == []
    assert set(answer.image_sha256) <= set(shown.image_sha256)
    asks = datasets.load_dataset(str(release_folder), "asks", cache_dir=cache, split="train").to_pandas()
    (asked,) = asks[asks.surface == "ranking"].to_dict("records")
    assert {asked["image_0_sha256"], asked["image_1_sha256"]} <= set(answer.image_sha256)
    ordered = answer.sort_values("rank")
    assert list(ordered["rank"]) == [1, 2, 3, 4]
    assert list(ordered.place) == [3, 2, 1, 0]
    assert rows.ranked_id.is_unique


def test_polls_count_up_to_what_each_option_got(release_folder: Path, cache: str) -> None:
    (row,) = datasets.load_dataset(str(release_folder), "polls", cache_dir=cache, split="train")
    assert (row["question"], row["answer"]) == ("Which colour?", 'blue "ice"')
    assert json.loads(row["options"])[row["option"]] == row["answer"]
    assert row["challenge_day"] is None
    assert row["closes_on"] > row["created_at"]


def test_aspects_are_labelled_by_their_own_votes_in_the_columns_of_pairs(release_folder: Path, cache: str) -> None:
    rows = datasets.load_dataset(str(release_folder), "aspects", cache_dir=cache, split="train").to_pandas()
    pairs = datasets.load_dataset(str(release_folder), cache_dir=cache, split="train").to_pandas()
    assert sorted(rows.aspect) == ["colour", *["lighting"] * 4]  # the tie is in `aspect_votes` alone
    assert rows.ranking_id.is_unique
    assert set(rows.columns) == {*pairs.columns, "aspect"}
    preferred: dict[str, dict[frozenset[str], str]] = {"pairs": {}, "lighting": {}}
    for name, table in (("pairs", pairs), ("lighting", rows[rows.aspect == "lighting"])):
        for row in table.to_dict("records"):
            preferred[name][frozenset((row["image_0_sha256"], row["image_1_sha256"]))] = _by_preference(row)[0]
    assert preferred["pairs"].keys() == preferred["lighting"].keys()
    assert all(preferred["pairs"][pair] != preferred["lighting"][pair] for pair in preferred["pairs"])


def test_reward_formats_say_what_the_pairs_say(release_folder: Path) -> None:
    pairs = pq.read_table(next(release_folder.glob("pairs/train-*.parquet"))).to_pylist()
    won = {row[f"image_{0 if row['label_0'] else 1}_sha256"] for row in pairs}
    rewards = json.loads((release_folder / "reward" / "hpsv2" / "train.json").read_text("utf-8"))
    preferred = {row["file_path"][row["human_preference"].index(1)][3:-4] for row in rewards}
    ranked = json.loads((release_folder / "reward" / "imagereward" / "train.json").read_text("utf-8"))
    assert {row["generations"][row["ranking"].index(1)][3:-4] for row in ranked} == preferred == won


def test_the_viewer_shows_pictures(release_folder: Path, cache: str) -> None:
    rows = datasets.load_dataset(str(release_folder), "viewer", cache_dir=cache, split="train")
    assert isinstance(rows.features["image_0"], datasets.Image)
    assert rows[0]["image_1"].size == (48, 48)


Row = dict[str, Any]
TRAPS: dict[str, Callable[[Row], Row]] = {
    "an encoded image": lambda row: {"jpg_0": {"bytes": row["jpg_0"], "path": None}},
    "a tie": lambda _row: {"label_0": 0.5},
    "a null label": lambda _row: {"label_0": None},
    "a null caption": lambda _row: {"caption": None},
    "another shape": lambda row: {"jpg_1": _stretched(row["jpg_1"])},
}


def _stretched(content: bytes) -> bytes:
    out = io.BytesIO()
    PIL.Image.open(io.BytesIO(content)).resize((48, 20)).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize("trap", TRAPS)
def test_the_reads_above_notice_each_trap(release_folder: Path, trap: str) -> None:
    """The checks are only worth something if they fail on the release that the specification warns of."""
    rows = pq.read_table(next(release_folder.glob("pairs/train-*.parquet"))).to_pylist()
    row = random.Random(0).choice(rows)
    spoiled = row | TRAPS[trap](row)
    _read(row)
    with pytest.raises((TypeError, AssertionError, AttributeError)):
        _read(spoiled)


def _read(row: dict[str, Any]) -> None:
    """What the tests above ask of one row of pairs."""
    shown = [PIL.Image.open(io.BytesIO(row[name])) for name in ("jpg_0", "jpg_1")]
    assert shown[0].size == shown[1].size
    assert row["label_0"] in (0.0, 1.0)
    assert tokens([row["caption"]])


def test_every_declared_split_has_a_file_with_rows(release_folder: Path, cache: str) -> None:
    """The sixth trap: an empty file, or a declared split without one, breaks the loading of all."""
    for config in datasets.get_dataset_config_names(str(release_folder)):
        found = datasets.load_dataset(str(release_folder), config, cache_dir=cache)
        assert ({"train"} if config == "polls" else {"train", "validation"}) <= set(found)
        assert all(len(rows) for rows in found.values())
