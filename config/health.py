"""What machines ask a site: is the process alive, can it serve, what are its numbers."""

import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from config import availability, static_files
from lib.http import client_address

LOOPBACK = {"127.0.0.1", "::1"}


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; asks nothing of anybody else, so that a database outage restarts no web process."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 once this process can serve: its static files are collected and its migrations applied; else 503.

    What all processes share is asked for in `statusz` alone: its outage would take every one of them out of rotation,
    and with them the pages that still work.
    """
    parts = {"static": static_files.is_collected(), "migrations": availability.is_migrated()}
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


@never_cache
@require_safe
def statusz(request: HttpRequest) -> JsonResponse:
    """200 when PostgreSQL, Valkey and the object store answer, else 503; says which of them do not."""
    parts = {
        "database": availability.database_trouble() is None,
        "valkey": availability.valkey_trouble() is None,
        "store": availability.store_trouble() is None,
    }
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' page for this host, for staff, and for whoever knows METRICS_TOKEN; nobody else learns of it."""
    if not (_is_local(request) or _has_token(request) or request.user.is_staff):
        raise Http404
    response: HttpResponse = ExportToDjangoView(request)
    return response


def _is_local(request: HttpRequest) -> bool:
    """A proxy on this host connects from loopback for everybody: then the address proves nothing."""
    is_proxied = bool(settings.SECURE_PROXY_SSL_HEADER or settings.NUM_PROXIES) or "X-Forwarded-For" in request.headers
    return client_address(request) in LOOPBACK and not is_proxied


def _has_token(request: HttpRequest) -> bool:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
