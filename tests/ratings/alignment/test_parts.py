"""The arithmetic of an alignment: buckets, batches, losses, and examples that are read from disk."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.data_loader import BatchSamplerShard
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ratings.alignment import sampling, shards
from ratings.alignment.buckets import Grid, fit
from ratings.alignment.denoising import dpo_loss, kto_loss

EDGES = st.integers(16, 4_000)


@given(EDGES, EDGES, st.sampled_from([(64, 8), (512, 64), (1024, 32)]))
def test_a_picture_covers_its_bucket_which_is_like_it(width: int, height: int, grid: tuple[int, int]) -> None:
    side, multiple = grid
    high, across = bucket = Grid(side, multiple).bucket_of(width, height)
    assert high % multiple == across % multiple == 0
    assert Grid(side, multiple).bucket_of(width, width) == (side, side)
    place = fit(width, height, bucket)
    assert 0 <= place.left <= place.width - across
    assert 0 <= place.top <= place.height - high
    assert across in (place.width, place.width - 1) or high in (place.height, place.height - 1)
    if 0.5 <= width / height <= 2 and side >= 512:
        assert 0.75 < high * across / side**2 < 1.33
        assert 0.8 < (across / high) / (width / height) < 1.25


@hypothesis_settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 6), st.integers(0, 9))
def test_every_batch_has_one_bucket_and_every_example_its_turn(found: list[int], size: int, seed: int) -> None:
    buckets = np.array(found)
    count = 3 * len(found)
    batches = list(sampling.Batches(buckets, size=size, count=count, seed=seed))
    assert [draw.number for batch in batches for draw in batch] == list(range(size * count))
    assert all(len({found[draw.row] for draw in batch}) == 1 for batch in batches)
    taken = Counter(draw.row for batch in batches for draw in batch)
    for bucket in set(found):
        times = [taken[row] for row in range(len(found)) if found[row] == bucket]
        assert max(times) - min(times) <= 1  # shuffled turns
        assert abs(sum(times) - 3 * size * len(times)) <= size * len(set(found))  # as often as it has rows


def test_processes_take_different_examples_of_the_same_batches() -> None:
    batches = sampling.Batches(np.array([0] * 30 + [1] * 9), size=6, count=12, seed=1)
    ranks = [list(BatchSamplerShard(batches, 3, rank, split_batches=True)) for rank in range(3)]
    assert [[*first, *second, *third] for first, second, third in zip(*ranks, strict=True)] == list(batches)
    assert all(len(each) == 2 for rank in ranks for each in rank)


def test_noise_follows_from_the_number_of_an_example_alone() -> None:
    first, again, other = (sampling.noise((4, 8, 8), 7, number) for number in (3, 3, 4))
    assert (first == again).all()
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.3
    times = sorted(sampling.time_of(number, 8, 0) for number in range(16, 24))
    assert [int(8 * time) for time in times] == list(range(8))  # one from each part of the schedule


def test_dpo_rises_with_what_the_preferred_picture_gains_and_kto_with_what_a_liked_one_does() -> None:
    gained = torch.zeros(3, 2, requires_grad=True)
    loss = dpo_loss(gained, 500.0)
    assert loss.item() == pytest.approx(np.log(2))
    (slope,) = torch.autograd.grad(loss, gained)
    assert (slope[:, 0] < 0).all()
    assert (slope[:, 1] > 0).all()

    alone, labels = torch.zeros(4, 1, requires_grad=True), torch.tensor([[1.0], [0.0], [0.0], [0.0]])
    loss = kto_loss(alone, labels, torch.tensor(0.0), beta=500.0, share=0.25)
    (slope,) = torch.autograd.grad(loss, alone)
    assert slope[0] < 0
    assert (slope[1:] > 0).all()
    assert float(slope.sum()) == pytest.approx(0, abs=1e-5)  # the rarer kind weighs as much as the other in sum
    far = kto_loss(alone, labels, torch.tensor(1.0), beta=500.0, share=0.25)
    assert far.item() == pytest.approx(0.5)  # all gained less than the others: liked ones are losses, the rest gains


def anonymous_memory() -> int:
    """Bytes of this process that no file on disk backs."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    assert found is not None
    return 1024 * int(found[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says how much memory is anonymous")
def test_examples_are_read_from_disk_and_not_held(tmp_path: Path) -> None:
    count, latents = 6 * shards.PER_SHARD, torch.zeros(shards.PER_SHARD, 2, 4, 64, 64)
    parts = []
    for start in range(0, count, shards.PER_SHARD):
        numbered = latents + torch.arange(start, start + shards.PER_SHARD)[:, None, None, None, None]
        parts.append(shards.Part(tmp_path / f"{start}.safetensors", range(start, start + shards.PER_SHARD)))
        shards.write({"latents": numbered, "sizes": torch.zeros(shards.PER_SHARD, 2, 6)}, parts[-1].path)
        shards.write({"words": numbered[:, 0, 0, :4].contiguous()}, shards.words_path(tmp_path, start))
    rows = np.arange(count)
    written = shards.Shards(parts, tmp_path, rows, rows, np.ones((count, 2), dtype=bool), 0 * rows)
    examples = shards.Training(written, seed=0, batch=4)
    size = sum(part.path.stat().st_size for part in parts)
    assert size > 200e6
    before = most = anonymous_memory()
    for number in range(count):
        found = examples[sampling.Draw(count - 1 - number, number)]
        assert float(found["latents"].mean()) == float(found["words"][0, 0]) == count - 1 - number
        most = max(most, anonymous_memory())
    assert most - before < size / 10
