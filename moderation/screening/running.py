"""Running checkers: each within its deadline, behind a circuit breaker that holds, measured.

A checker runs in a thread of its own, so that one that does not return blocks nobody: it counts as a failure, and a
failure holds. After `FAILURES` failures in a row it is not asked for `PAUSE` seconds; what comes meanwhile is held too.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field

import structlog
from django.db import connections
from django.utils.module_loading import import_string
from prometheus_client import Counter, Histogram

from moderation.policy import Reason
from moderation.screening.observations import Label, Observation

FAILURES, PAUSE = 5, 30.0
MAX_STUCK = 8  # threads of one checker that may be stuck at once; more would only wait for the same thing

log = structlog.get_logger(__name__)
seconds = Histogram("salon_checker_seconds", "Time that a checker took for one text or picture", ["checker"])
failures = Counter("salon_checker_failures", "Texts and pictures that a checker failed to check", ["checker", "kind"])

Checker = Callable[..., list[Observation]]
Ask = Callable[[Callable[..., list[Observation]]], list[Observation]]


class CheckerPausedError(RuntimeError):
    """The checker failed too often just now and is not asked."""


class NonsenseError(TypeError):
    """The checker answered with something else than observations."""


def bounded(check: Checker) -> Checker:
    """Marks a checker that ends by itself within the deadline; it runs in the caller's thread and transaction."""
    check.is_bounded = True  # type: ignore[attr-defined]
    return check


@dataclass
class Breaker:
    """Counts failures in a row. The clock is an argument."""

    in_a_row: int = 0
    paused_until: float = 0.0
    stuck: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_closed(self, now: float) -> bool:
        """Whether the checker may be asked; after a pause one text tries whether it is well again."""
        with self.lock:
            if self.stuck >= MAX_STUCK or now < self.paused_until:
                return False
            if self.in_a_row >= FAILURES:
                self.paused_until = now + PAUSE
            return True

    def note(self, *, is_well: bool, now: float) -> None:
        with self.lock:
            self.in_a_row = 0 if is_well else self.in_a_row + 1
            self.paused_until = now + PAUSE if self.in_a_row >= FAILURES else 0.0


_breakers: dict[str, Breaker] = {}


def breaker_of(name: str) -> Breaker:
    return _breakers.setdefault(name, Breaker())


def run_checkers(names: Sequence[str], ask: Ask, *, deadline: float) -> list[Observation]:
    """What the checkers of these dotted names say; one that fails, is late, pauses or talks nonsense says FAILED.

    No checker at all is a failure too. `deadline`: seconds for each.
    """
    if not names:
        return [_failed("none", "NoCheckers")]
    seen: list[Observation] = []
    for name in names:
        seen += _run(name, ask, deadline)
    return seen


def _run(name: str, ask: Ask, deadline: float) -> list[Observation]:
    short = name.removesuffix(".check").rpartition(".")[2]
    breaker, started = breaker_of(name), time.monotonic()
    try:
        if not breaker.is_closed(started):
            raise CheckerPausedError(name)
        found = _within(import_string(name), ask, deadline, breaker)
        _require_sense(found)
    except Exception as error:
        kind = "Timeout" if isinstance(error, FutureTimeout) else type(error).__name__
        failures.labels(short, kind).inc()
        if not isinstance(error, CheckerPausedError):
            breaker.note(is_well=False, now=time.monotonic())
            log.exception("checker_failed", checker=name)
        return [_failed(short, kind)]
    breaker.note(is_well=True, now=time.monotonic())
    seconds.labels(short).observe(time.monotonic() - started)
    return found


def _within(check: Callable[..., list[Observation]], ask: Ask, deadline: float, breaker: Breaker) -> list[Observation]:
    """The answer of the checker, or TimeoutError once the deadline has passed; it may go on, unheard."""
    if getattr(check, "is_bounded", False):
        return ask(check)
    answer: Future[list[Observation]] = Future()

    def work() -> None:
        try:
            answer.set_result(ask(check))
        except Exception as error:  # noqa: BLE001 (it is raised where the answer is awaited)
            answer.set_exception(error)
        finally:
            connections.close_all()
            with breaker.lock:
                breaker.stuck -= 1

    with breaker.lock:
        breaker.stuck += 1
    threading.Thread(target=work, name="checker", daemon=True).start()
    return answer.result(timeout=deadline)


def _require_sense(found: object) -> None:
    if not isinstance(found, list) or not all(_makes_sense(each) for each in found):
        raise NonsenseError("A checker answers with a list of observations.")


def _makes_sense(each: object) -> bool:
    return isinstance(each, Observation) and isinstance(each.label, Label) and isinstance(each.score, int | float)


def _failed(checker: str, kind: str) -> Observation:
    return Observation(checker, kind, Label.FAILED, 1.0, Reason.UNCHECKED)
