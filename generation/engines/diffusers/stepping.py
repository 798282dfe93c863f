"""Counts the steps of a pipeline by the calls of its scheduler.

Pipelines report steps in different ways, or not at all, and some samplers call the model twice a step. All of them
call their scheduler, which is what is counted here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

LatentsCallback = Callable[[int, Any], None]


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
