"""A release: which rows are published, which are not, and what a build survives."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from generation.models import Image
from lib.errors import Refused
from ratings.models import Ask, Release
from ratings.releases import building
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.ratings.answers import consent, rate, vote
from tests.ratings.releases.community import Pair, prompts_of
from tests.ratings.releases.folders import KINDS, build, bytes_of, every_row, readable_bytes, rows

pytestmark = pytest.mark.django_db
BLANKED = ("prefix", "jpeg_sha256", "png_sha256", "alt_text", "thumbhash", "placeholder")


def test_the_datasets_library_reads_every_config(community: Any, tmp_path: Path) -> None:
    import datasets

    out = tmp_path / "salon-pickapic"
    build(out)
    pairs = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {split: len(found) for split, found in pairs.items()} == {
        "train": 4,
        "validation": 2,
        "test": 1,
        "validation_unique": 2,
        "test_unique": 1,
    }
    assert isinstance(pairs["train"][0]["jpg_0"], bytes)
    assert str(pairs["train"].features["jpg_0"].dtype) == "binary"
    assert len(datasets.load_dataset(str(out), split="validation", cache_dir=str(tmp_path / "c2"))) == 2
    assert datasets.get_dataset_config_names(str(out)) == list(KINDS)
    for kind in KINDS[1:]:
        loaded = datasets.load_dataset(str(out), kind, cache_dir=str(tmp_path / "cache"))
        assert sum(len(found) for found in loaded.values()) == len(every_row(out, kind)) > 0


def test_a_pair_says_who_won_and_carries_the_stored_bytes(community: dict[str, list[Pair]], tmp_path: Path) -> None:
    build(tmp_path / "out")
    by_sha = {image.jpeg_sha256: image for pair in community["train"] for image in pair}
    winners = {found[number % 2].jpeg_sha256 for number, found in enumerate(community["train"])}
    for position, row in enumerate(rows(tmp_path / "out", "pairs", "train")):
        assert row["__index_level_0__"] == position
        assert {row["label_0"], row["label_1"]} == {0.0, 1.0}
        for side in (0, 1):
            assert hashlib.sha256(row[f"jpg_{side}"]).hexdigest() == row[f"image_{side}_sha256"]
            image = by_sha[row[f"image_{side}_sha256"]]
            assert row["caption"] == image.generation.prompt
            assert row[f"seed_{side}"] == image.seed
            assert (row[f"image_{side}_sha256"] in winners) == (row[f"label_{side}"] == 1.0)
            assert (row[f"image_{side}_uid"] == row["best_image_uid"]) == (row[f"label_{side}"] == 1.0)
        assert (row["n_votes"], row["margin"], row["consensus"]) == (1, 1.0, 1.0)
        assert row["created_at"].time().isoformat() == "00:00:00"


def test_votes_say_what_stood_left_and_ties_stay_out_of_pairs(
    community: dict[str, list[Pair]], alice: User, bob: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    one, other = make_pair(alice, prompts_of("train", 9)[8])
    vote(bob, one, other, "tie", swapped=True)
    release = build(tmp_path / "out")
    tie = next(row for row in every_row(tmp_path / "out", "votes") if row["outcome"] == "tie")
    assert tie["image_0_sha256"] == other.jpeg_sha256
    assert tie["propensity"] == pytest.approx(0.05 * 0.2 * 0.01 * 0.5)
    assert len(rows(tmp_path / "out", "pairs", "train")) == 4
    assert release.manifest["dropped"]["pairs"] == {"tie": 1}


def test_votes_on_a_challenge_leave_with_their_strategy_and_in_no_pairs(
    community: dict[str, list[Pair]], alice: User, bob: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    prompts = prompts_of("train", 10)[8:]
    one, other = (make_pair(alice, prompt)[0] for prompt in prompts)
    stored = vote(bob, one, other, one)
    Ask.objects.filter(pk=stored.ask_id).update(strategy="challenge-active")
    build(tmp_path / "out")
    (row,) = (row for row in every_row(tmp_path / "out", "votes") if row["strategy"] == "challenge-active")
    assert {row["caption_0"], row["caption_1"]} == set(prompts)
    assert (row["p_pair"], row["p_side"]) == (pytest.approx(0.01), 0.5)
    assert len(rows(tmp_path / "out", "pairs", "train")) == 4


def test_cant_tell_is_null_and_unanswered_asks_leave_too(community: Any, tmp_path: Path) -> None:
    build(tmp_path / "out")
    values = [row["value"] for row in every_row(tmp_path / "out", "ratings")]
    assert values.count(None) == 1
    outcomes = [row["outcome"] for row in every_row(tmp_path / "out", "asks")]
    assert outcomes.count("expired") == 1
    assert outcomes.count("answered") == len(values) + len(every_row(tmp_path / "out", "votes"))


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        ("deleted", {"deleted_at": timezone.now(), "pdq": None} | dict.fromkeys(BLANKED, "")),
        ("not_ready", {"state": "held"}),
        ("level", {"content_level": 1}),
        ("prompt_hidden", {"is_prompt_hidden": True}),
    ],
)
def test_what_may_not_leave_is_dropped_and_counted(
    community: dict[str, list[Pair]], tmp_path: Path, reason: str, spoil: dict[str, Any]
) -> None:
    doomed = community["train"][0][0]
    sha256 = doomed.jpeg_sha256
    Image.objects.filter(pk=doomed.pk).update(**spoil)
    release = build(tmp_path / "out")
    assert release.manifest["dropped"]["pairs"] == {reason: 1}
    assert not any(sha256.encode() in content for content in readable_bytes(tmp_path / "out").values())


def test_pictures_of_a_checkpoint_that_may_not_train_stay_here(
    community: Any, alice: User, bob: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    closed = checkpoint_row("closed", "closed", outputs_may_train=False)
    pair = make_pair(alice, prompts_of("train", 9)[8], checkpoint=closed)
    vote(bob, *pair, pair[0])
    assert build(tmp_path / "out").manifest["dropped"]["pairs"] == {"may_not_train": 1}


def test_nothing_leaves_without_the_consent_of_author_rater_and_every_ancestor(
    community: Any, alice: User, bob: User, mallory: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    prompts = prompts_of("train", 9)
    foreign = make_pair(mallory, prompts[5])
    remix = make_pair(alice, prompts[6], parent=foreign[0])
    remix_of_remix = make_pair(alice, prompts[7], parent=remix[0])
    for pair in (foreign, remix, remix_of_remix):
        vote(bob, *pair, pair[0])
    one, other = community["test"][0]
    vote(mallory, one, other, other)
    release = build(tmp_path / "out")
    assert release.manifest["dropped"]["pairs"] == {"source_consent": 2, "author_consent": 1, "vote_rater_consent": 1}
    assert rows(tmp_path / "out", "pairs", "test")[0]["n_votes"] == 1


def test_consent_taken_back_while_it_is_built_is_obeyed(
    community: Any, alice: User, mallory: User, bob: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    consent(mallory)
    pair = make_pair(mallory, prompts_of("train", 9)[8])
    vote(bob, *pair, pair[0])
    release = releases_services.plan_release(filter=ReleaseFilter(), kinds=KINDS, destination=tmp_path / "out")
    assert release.plan["rows"]["pairs"]["train"] == 5
    consent(mallory, granted=False)
    building.build_release(release=release)
    assert len(rows(tmp_path / "out", "pairs", "train")) == 4
    assert not any(pair[0].jpeg_sha256.encode() in content for content in readable_bytes(tmp_path / "out").values())
    assert release.manifest["rows"]["pairs"]["train"] == 4
    assert release.manifest["dropped"]["all"] == {"withdrawn_since": 3}  # the pair, its vote and its ask


def test_no_prompt_and_no_picture_stands_in_two_splits(
    community: dict[str, list[Pair]], alice: User, bob: User, make_image: MakeImage, tmp_path: Path
) -> None:
    """The same bytes made again for a prompt of another split stay out of it."""
    original = community["train"][0][0]
    copy = make_image(alice, prompt=prompts_of("validation", 3)[2], seed=5)
    other = make_image(alice, generation=copy.generation, seed=6)
    Image.objects.filter(pk=copy.pk).update(jpeg_sha256=original.jpeg_sha256, prefix=original.prefix)
    vote(bob, copy, other, copy)
    rate(bob, copy, 3)
    release = build(tmp_path / "out")
    assert release.manifest["dropped"]["pairs"] == {"image_in_other_split": 1}
    seen: dict[str, set[str]] = {}
    for kind in KINDS:
        for file in (tmp_path / "out" / kind).glob("*.parquet"):
            for row in pq.read_table(file).to_pylist():
                for column, value in row.items():
                    if "sha256" in column and value:
                        seen.setdefault(value, set()).add(file.name.split("-")[0].split("_")[0])
    assert all(len(found) == 1 for found in seen.values())


def test_a_member_has_unrelated_ids_in_two_tables_and_two_releases(community: Any, tmp_path: Path) -> None:
    build(tmp_path / "one")
    build(tmp_path / "two")
    ids = [
        {row[column] for row in every_row(tmp_path / folder, kind)}
        for folder in ("one", "two")
        for kind, column in (("pairs", "user_id"), ("votes", "rater_id"), ("ratings", "rater_id"), ("asks", "rater_id"))
    ]
    assert all(len(found) == 1 for found in ids)
    assert len(set.union(*ids)) == len(ids)
    everything = b"".join(readable_bytes(tmp_path / "one").values())
    assert not any(name in everything for name in (b"alice", b"bob@", b"salon.test"))


def test_the_same_plan_built_twice_gives_the_same_bytes(community: Any, tmp_path: Path) -> None:
    release = build(tmp_path / "out")
    first = bytes_of(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "first")
    release.shards.update(built_at=None)
    Release.objects.update(state=Release.State.BUILDING)
    building.build_release(release=release)
    assert bytes_of(tmp_path / "out") == first
    assert any(name.startswith("pairs/") for name in first)


def test_sums_and_manifest_describe_every_file(community: Any, tmp_path: Path) -> None:
    build(tmp_path / "out")
    content = bytes_of(tmp_path / "out")
    sums = {line[66:]: line[:64] for line in content["SHA256SUMS"].decode().splitlines()}
    assert sums == {n: hashlib.sha256(c).hexdigest() for n, c in content.items() if n != "SHA256SUMS"}
    manifest = json.loads(content["manifest.json"])
    for name, file in manifest["files"].items():
        assert file["bytes"] == len(content[name])
        assert file["rows"] == pq.read_metadata(tmp_path / "out" / name).num_rows > 0
    assert manifest["label_balance"]["pairs"] == 7
    assert manifest["resolutions"] == {"48x48": 14}


def test_a_release_without_a_validation_pair_is_refused_with_the_counts(
    alice: User, bob: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    consent(alice, bob)
    for prompt in prompts_of("train", 2):
        pair = make_pair(alice, prompt)
        vote(bob, *pair, pair[0])
    with pytest.raises(Refused, match=r"none in pairs/validation .*pairs/train 2, pairs/validation 0"):
        build(tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []
    refused = Release.objects.get()
    assert (refused.state, refused.shards.count()) == (Release.State.FAILED, 0)
    assert releases_services.preview_release(filter=ReleaseFilter(), kinds=KINDS)["missing"] == ["pairs/validation"]


def test_simulated_members_can_be_left_out(
    community: Any, make_member: MakeMember, bob: User, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    robot = make_member("robot", is_simulated=True)
    consent(robot)
    pair = make_pair(robot, prompts_of("train", 9)[8])
    vote(bob, *pair, pair[0])
    assert build(tmp_path / "with").manifest["simulated_rows"] == 3
    without = build(tmp_path / "without", with_simulated=False)
    assert without.manifest["simulated_rows"] == 0
    assert without.manifest["dropped"]["pairs"] == {"simulated": 1}


def test_a_filter_by_day_and_checkpoint_is_obeyed(community: Any, tmp_path: Path) -> None:
    tomorrow = (timezone.now() + timedelta(days=1)).date()
    with pytest.raises(Refused, match="would be empty"):
        build(tmp_path / "out", since=tomorrow)
    with pytest.raises(Refused, match="no checkpoint “none”"):
        build(tmp_path / "out", checkpoint="none")
    assert build(tmp_path / "out", checkpoint="toy").manifest["filter"]["checkpoint"] == "toy"


def test_a_folder_with_something_in_it_is_left_alone(community: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("precious")
    with pytest.raises(Refused, match="is not empty"):
        build(tmp_path / "out")
    assert bytes_of(tmp_path / "out") == {"mine.txt": b"precious"}


def test_a_damaged_picture_fails_the_release_and_leaves_nothing(
    community: dict[str, list[Pair]], media: Path, tmp_path: Path
) -> None:
    (media / community["train"][0][0].prefix / "training.jpg").write_bytes(b"another picture")
    with pytest.raises(Refused, match="damaged"):
        build(tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.parametrize("is_size_known", [True, False])
def test_a_picture_that_the_store_has_lost_stays_out_and_is_counted(
    community: dict[str, list[Pair]], media: Path, tmp_path: Path, is_size_known: bool
) -> None:
    """Found when its bytes are read, or before where its size has to be asked for."""
    lost = community["train"][0][0]
    (media / lost.prefix / "training.jpg").unlink()
    if not is_size_known:
        Image.objects.update(jpeg_bytes=None)
    release = build(tmp_path / "out", kinds=("pairs", "ratings"))
    assert len(rows(tmp_path / "out", "pairs", "train")) == 3
    counted = [reasons.get("file_missing", 0) for reasons in release.manifest["dropped"].values()]
    assert sum(counted) >= 1


def test_what_stays_of_a_ledger_is_counted_by_reason(
    community: dict[str, list[Pair]], mallory: User, tmp_path: Path
) -> None:
    rate(mallory, community["train"][0][0], 3)
    Image.objects.filter(pk=community["test"][0][0].pk).update(is_prompt_hidden=True)
    dropped = build(tmp_path / "out").manifest["dropped"]
    assert dropped["ratings"] == {"rater_consent": 1, "prompt_hidden": 1}
    assert dropped["votes"] == {"prompt_hidden": 1}


def test_a_shard_has_one_builder_at_a_time_and_a_dead_one_loses_it(community: Any, tmp_path: Path) -> None:
    release = releases_services.plan_release(filter=ReleaseFilter(), kinds=KINDS, destination=tmp_path / "out")
    shard = release.shards.first()
    assert shard is not None
    now = timezone.now()
    assert building.claim_shard(shard=shard, at=now)
    assert not building.claim_shard(shard=shard, at=now + timedelta(seconds=5))
    assert building.claim_shard(shard=shard, at=now + building.CLAIM)


def test_a_cancelled_release_is_built_no_further(community: Any, tmp_path: Path) -> None:
    release = releases_services.plan_release(filter=ReleaseFilter(), kinds=KINDS, destination=tmp_path / "out")
    assert building.build_shard(shard=release.shards.all()[0])
    assert releases_services.cancel_release(release=release)
    assert not releases_services.cancel_release(release=release)
    assert not building.build_shard(shard=release.shards.all()[1])
    releases_services.discard_release(release=release)
    assert list(tmp_path.glob(".out*")) == []


def test_a_published_release_of_a_member_who_leaves_is_withdrawn(
    community: Any, alice: User, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    release = build(None)
    stored = Path(settings.RELEASES_ROOT) / release.public_id
    assert (stored / "README.md").exists()
    with django_capture_on_commit_callbacks(execute=False):
        releases_services.forget_member(alice)
    release.refresh_from_db()
    assert release.state == Release.State.WITHDRAWN
    assert not Release.objects.downloadable().exists()
    releases_services.discard_release(release=release)
    assert [path for path in stored.rglob("*") if path.is_file()] == []
