"""What happens between two steps of a pipeline: they are counted, and on a CPU the number of threads is chosen.

Pipelines report steps in different ways, or not at all, and some samplers call the model twice a step. All of them
call their scheduler, which is what is counted here.

Small pictures may be drawn faster by one thread than by two, large ones the other way round; where the turn is depends
on the machine. So the first steps of a shape try each number in turns, and the fastest draws the rest.
"""

import statistics
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import torch

LatentsCallback = Callable[[int, Any], None]
TRIES = 3  # steps of each number of threads, after a first step that nobody measures
VALID_SECONDS = 600.0  # then it is tried again: the machine may be busier, or less busy
_MOST = torch.get_num_threads()


@contextmanager
def counted_steps(scheduler: Any, *, steps: int, drawn: int, on_step: LatentsCallback) -> Iterator[None]:
    """Calls `on_step(k, latents)` when step k of `drawn` is done; what it raises ends the pipeline.

    Args:
        steps: of the whole schedule; img2img draws the last `drawn` of them.
    """
    original = scheduler.step
    calls, reported = 0, 0

    @wraps(original)  # pipelines look at the signature: a sampler that takes no generator is not given one
    def step(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls, reported
        result = original(*args, **kwargs)
        calls += 1
        total = len(scheduler.timesteps) - (steps - drawn) * getattr(scheduler, "order", 1)
        done = min(drawn, calls * drawn // max(1, total))
        if done > reported:
            reported = done
            on_step(done, result[0] if isinstance(result, tuple) else result.prev_sample)
        return result

    scheduler.step = step
    try:
        yield
    finally:
        vars(scheduler).pop("step", None)


def choices(most: int) -> list[int]:
    """Numbers of threads that are tried on a machine that draws with `most`."""
    return sorted({most, max(1, most // 2), 1}, reverse=True)


@dataclass
class Trial:
    """The steps of one shape: which number of threads each takes, and which was the fastest."""

    choices: list[int]
    seconds: dict[int, list[float]] = field(default_factory=dict)
    decided_at: float | None = None

    @property
    def best(self) -> int | None:
        """The fastest by the median step; None before every number had its tries."""
        if any(len(self.seconds.get(number, [])) < TRIES for number in self.choices):
            return None
        return min(self.choices, key=lambda number: statistics.median(self.seconds[number]))

    @property
    def current(self) -> int:
        """What the next step takes: the fastest, or the number that was tried least."""
        return self.best or min(self.choices, key=lambda number: len(self.seconds.get(number, [])))

    def record(self, threads: int, seconds: float, at: float) -> None:
        if self.decided_at is not None:
            return
        self.seconds.setdefault(threads, []).append(seconds)
        if self.best is not None:
            self.decided_at = at


_trials: dict[Hashable, Trial] = {}


def trial_of(shape: Hashable, at: float) -> Trial:
    """The trial of a shape that is still valid, or a new one."""
    found = _trials.get(shape)
    if found is None or (found.decided_at is not None and at - found.decided_at > VALID_SECONDS):
        found = _trials[shape] = Trial(choices(_MOST))
    return found


@contextmanager
def fastest_threads(shape: Hashable, on_step: LatentsCallback, *, is_cpu: bool) -> Iterator[LatentsCallback]:
    """Yields the step callback to use in place of `on_step`: between steps it sets how many threads draw."""
    if not is_cpu or _MOST == 1:
        yield on_step
        return
    trial = trial_of(shape, time.monotonic())
    began: float | None = None

    def timed(step: int, latents: Any) -> None:
        nonlocal began
        now = time.monotonic()
        if began is not None:
            trial.record(torch.get_num_threads(), now - began, now)
        on_step(step, latents)
        torch.set_num_threads(trial.current)
        began = time.monotonic()

    torch.set_num_threads(trial.current)
    try:
        yield timed
    finally:
        torch.set_num_threads(_MOST)
