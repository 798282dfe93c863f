"""Sends what may be lost (progress, wake-ups) from a thread of its own, so that a broker never holds up drawing."""

import queue
import threading
from collections.abc import Callable
from functools import cache

import structlog
from django.db import connection

Call = Callable[[], object]
MOST_WAITING = 500  # calls; more are dropped
IDLE_SECONDS = 5.0  # then the thread gives its database connection back
log = structlog.get_logger(__name__)


class Sender:
    """One thread that makes calls in order; what does not fit, and what fails, is dropped."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._waiting: queue.Queue[Call] = queue.Queue(most)
        self._dropped = 0
        threading.Thread(target=self._run, name="sender", daemon=True).start()

    def send(self, call: Call) -> bool:
        """Returns at once; False where the call is dropped."""
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            self._dropped += 1
            if self._dropped.bit_count() == 1:  # the 1st, 2nd, 4th, 8th …: a log that a long outage cannot fill
                log.warning("messages_dropped", dropped=self._dropped)
            return False
        return True

    def flush(self) -> None:
        """Waits until everything sent so far was tried."""
        self._waiting.join()

    def _run(self) -> None:
        while True:
            try:
                call = self._waiting.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                connection.close()
                continue
            try:
                call()
            except Exception as error:  # noqa: BLE001 - whatever a broker or database raises, the next call may do
                log.warning("message_lost", error=str(error))
                connection.close()
            finally:
                self._waiting.task_done()


@cache
def sender() -> Sender:
    """The sender of this process."""
    return Sender()


def send(call: Call) -> None:
    """Hands a call over to the sender; inside a transaction (a test) it is made here, where the rows can be seen."""
    if connection.in_atomic_block:
        call()
    else:
        sender().send(call)
