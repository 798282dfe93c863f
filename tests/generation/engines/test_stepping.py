"""Between steps: how many threads of a CPU draw, by what was measured."""

from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generation.engines.base import Job, Source
from generation.engines.diffusers import stepping
from generation.engines.diffusers.drawing import draw
from generation.engines.diffusers.stepping import TRIES, VALID_SECONDS, Trial, choices, trial_of
from tests.generation import tiny


@given(st.integers(1, 64), st.data())
def test_the_fastest_number_of_threads_draws_once_each_was_tried(most: int, data: st.DataObject) -> None:
    found = choices(most)
    seconds = {number: data.draw(st.floats(0.01, 100), label=str(number)) for number in found}
    trial, taken = Trial(found), []
    for at in range(TRIES * len(found) + 2):
        taken.append(trial.current)
        trial.record(trial.current, seconds[trial.current], at)
    assert sorted(taken[: TRIES * len(found)]) == sorted(found * TRIES)
    assert [seconds[number] for number in taken[-2:]] == [min(seconds.values())] * 2
    assert {1, most} <= set(found)


def test_one_slow_step_does_not_decide() -> None:
    trial = Trial([2, 1])
    for number, seconds in ((2, 1.0), (1, 60.0), (2, 1.0), (1, 0.5), (2, 1.0), (1, 0.5)):
        trial.record(number, seconds, at=0)
    assert trial.current == 1


def test_what_was_measured_long_ago_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "_trials", {})
    trial = trial_of("shape", at=0)
    for number in trial.choices * TRIES:
        trial.record(number, 1.0, at=5)
    assert trial_of("shape", at=5 + VALID_SECONDS) is trial
    assert trial_of("shape", at=6 + VALID_SECONDS).seconds == {}


@pytest.mark.parametrize("ends_at", [0, 3])
def test_a_picture_is_drawn_by_threads_that_were_measured_and_leaves_their_number_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, ends_at: int
) -> None:
    monkeypatch.setattr(stepping, "_trials", {})
    monkeypatch.setattr(stepping, "_MOST", 2)
    threads: list[int] = []

    def on_step(step: int, _previews: object) -> None:
        threads.append(torch.get_num_threads())
        if step == ends_at:
            raise KeyboardInterrupt

    request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
    torch.set_num_threads(2)
    job = Job(Source(str(tiny.build(tmp_path / "tiny"))), ["a cat"], [""], [1], 16, 16, 12, [3.0])
    try:
        draw(job, on_step=on_step)
    except KeyboardInterrupt:
        assert ends_at
    else:
        (trial,) = stepping._trials.values()
        assert trial.best is not None
        assert set(threads[-3:]) == {trial.best}
    assert threads[:3] == [2, 2, 1]
    assert torch.get_num_threads() == 2
