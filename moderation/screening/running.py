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
Ask = Callable[[Checker], list[Observation]]
Answer = Callable[[], tuple[list[Observation], float]]  # and when it came, by the monotonic clock


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

    No checker at all is a failure too. They work side by side. `deadline`: seconds for each.
    """
    if not names:
        return [_failed("none", "NoCheckers")]
    runs = [_Run(name, ask, deadline) for name in names]
    return [observation for run in runs for observation in run.result()]


class _Run:
    """One checker on one text or picture: one with a thread of its own starts at once, others run when asked."""

    def __init__(self, name: str, ask: Ask, deadline: float) -> None:
        self.name, self.short = name, name.removesuffix(".check").rpartition(".")[2]
        self.breaker, self.started = breaker_of(name), time.monotonic()
        self.error: Exception | None = None
        self.answer: Answer
        try:
            if not self.breaker.is_closed(self.started):
                raise CheckerPausedError(name)
            self.answer = _begin(import_string(name), ask, self.started + deadline, self.breaker)
        except Exception as error:  # noqa: BLE001 (it is what the checker answers)
            self.error = error

    def result(self) -> list[Observation]:
        try:
            if self.error is not None:
                raise self.error
            found, ended = self.answer()
            _require_sense(found)
        except Exception as error:
            kind = "Timeout" if isinstance(error, FutureTimeout) else type(error).__name__
            failures.labels(self.short, kind).inc()
            if not isinstance(error, CheckerPausedError):
                self.breaker.note(is_well=False, now=time.monotonic())
                log.exception("checker_failed", checker=self.name)
            return [_failed(self.short, kind)]
        self.breaker.note(is_well=True, now=time.monotonic())
        seconds.labels(self.short).observe(ended - self.started)
        return found


def _begin(check: Checker, ask: Ask, ends_at: float, breaker: Breaker) -> Answer:
    """What gives the checker's answer and when it came, or TimeoutError after the deadline; it may go on, unheard."""
    if getattr(check, "is_bounded", False):
        return lambda: (ask(check), time.monotonic())
    answer: Future[tuple[list[Observation], float]] = Future()

    def work() -> None:
        try:
            answer.set_result((ask(check), time.monotonic()))
        except Exception as error:  # noqa: BLE001 (it is raised where the answer is awaited)
            answer.set_exception(error)
        finally:
            connections.close_all()
            with breaker.lock:
                breaker.stuck -= 1

    with breaker.lock:
        breaker.stuck += 1
    threading.Thread(target=work, name="checker", daemon=True).start()
    return lambda: answer.result(timeout=max(0.0, ends_at - time.monotonic()))


def _require_sense(found: object) -> None:
    if not isinstance(found, list) or not all(_makes_sense(each) for each in found):
        raise NonsenseError("A checker answers with a list of observations.")


def _makes_sense(each: object) -> bool:
    return isinstance(each, Observation) and isinstance(each.label, Label) and isinstance(each.score, int | float)


def _failed(checker: str, kind: str) -> Observation:
    return Observation(checker, kind, Label.FAILED, 1.0, Reason.UNCHECKED)
