"""Waiting for an object store that cannot be reached: a build that takes hours survives the store's restart."""

import structlog
from boto3.exceptions import RetriesExceededError
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as StoreConnectionError
from tenacity import RetryCallState, retry, retry_if_exception, stop_after_delay, wait_exponential

GIVE_UP_AFTER = 900.0  # s
_log = structlog.get_logger(__name__)


def _is_temporary(error: BaseException) -> bool:
    """Whether trying again may help: no connection, a broken one, or a server error. A missing file is final."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return isinstance(error, HTTPClientError | IncompleteReadError | StoreConnectionError | RetriesExceededError)


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning("object store unreachable, retrying", error=str(error), attempt=state.attempt_number)


retry_unreachable_store = retry(
    retry=retry_if_exception(_is_temporary),
    stop=stop_after_delay(GIVE_UP_AFTER),
    wait=wait_exponential(multiplier=0.2, max=5.0),
    before_sleep=_log_retry,
    reraise=True,
)
