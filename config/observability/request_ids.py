"""An id for every request: in each line of a log, in the answer, and in the tasks that it queues."""

import uuid
from typing import Any

import structlog
from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from lib.text.regex import compile_linear

HEADER, TASK_HEADER = "X-Request-ID", "request_id"
_USABLE = compile_linear(r"[A-Za-z0-9_.:-]{8,64}")
log = structlog.get_logger(__name__)


class RequestIdMiddleware(MiddlewareMixin):
    """Takes the id that our proxy gave; a stranger's is never believed."""

    def process_request(self, request: HttpRequest) -> None:
        given = request.headers.get(HEADER, "") if settings.NUM_PROXIES or settings.SECURE_PROXY_SSL_HEADER else ""
        request_id = given if _USABLE.fullmatch(given) else uuid.uuid4().hex
        request.META["salon.request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request_id := request.META.get("salon.request_id"):
            response[HEADER] = request_id
        if response.status_code >= 500:
            log.error("request_failed", method=request.method, path=request.path, status=response.status_code)
        return response


@before_task_publish.connect
def _send(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id and headers is not None:
        headers.setdefault(TASK_HEADER, request_id)


@task_prerun.connect
def _bind(task: "Task[Any, Any]", **kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=task.name)
    if request_id := task.request.get(TASK_HEADER):
        structlog.contextvars.bind_contextvars(request_id=request_id)


@task_postrun.connect
def _unbind(**kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
