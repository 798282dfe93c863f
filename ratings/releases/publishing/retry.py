"""Waiting for a store that is gone for a while: a release that takes hours outlives its restart."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from boto3.exceptions import RetriesExceededError
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection

T = TypeVar("T")
PATIENCE = 900.0  # s
_LONGEST = 5.0  # s between two attempts
_log = structlog.get_logger(__name__)


def patiently(work: Callable[[], T], beat: Callable[[], None] | None = None) -> T:
    """What `work` returns, tried again while the store cannot be reached, for `PATIENCE` seconds.

    `beat` is called before each attempt but the first, and may raise to stop. A wrong key or a missing file is
    raised at once; so is the last failure.
    """
    deadline, pause = time.monotonic() + PATIENCE, 0.2
    while True:
        try:
            return work()
        except (ClientError, HTTPClientError, IncompleteReadError, NoConnection, RetriesExceededError) as error:
            if not _is_passing(error) or time.monotonic() + pause > deadline:
                raise
            _log.warning("the store does not answer; waiting for it", error=str(error))
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST)
        if beat is not None:
            beat()


def _is_passing(error: Exception) -> bool:
    """Whether trying again may help: no connection, a broken one, or a server in trouble."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return True
