"""Error pages, and JSON where a program asked: a service's refusal, an unreachable part, a fault of ours."""

import sys
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import TemplateDoesNotExist, loader
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from config.availability import is_unreachable
from lib.errors import Refused

RETRY_SECONDS = "5"
FALLBACK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1><p>{words}</p><p><a href="">Try again</a></p></html>"""


def api_error(code: str, detail: str, status: int, fields: dict[str, Any] | None = None) -> Response:
    """The one form of an error in the API: a code for programs, a sentence for people, messages by field."""
    return Response({"code": code, "detail": detail, "fields": fields or {}}, status=status)


def api_exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's EXCEPTION_HANDLER; None (a 500) for what nobody foresaw."""
    if isinstance(error, Refused):
        return api_error(error.code, error.message, error.status, error.fields)
    if is_unreachable(error):
        unavailable = api_error("unavailable", _sentence(), 503)
        unavailable["Retry-After"] = RETRY_SECONDS
        return unavailable
    response = drf_exception_handler(error, context)
    if response is not None:
        _reshape(response, error)
    return response


def _reshape(response: Response, error: Exception) -> None:
    """Puts the library's own errors into the form of ``api_error``."""
    if isinstance(error, exceptions.ValidationError):
        fields = response.data if isinstance(response.data, dict) else {"non_field_errors": response.data}
        response.data = {"code": "invalid", "detail": _("Some fields are not valid."), "fields": fields}
    elif isinstance(response.data, dict):
        code = getattr(response.data.get("detail"), "code", "error")
        response.data = {"code": code, "detail": str(response.data.get("detail", "")), "fields": {}}


class RefusalMiddleware(MiddlewareMixin):
    """Shows a refusal that a view left to us, with the page of its status."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refused):
            return None
        names = [f"{error.status}.html", "400.html"]
        page = loader.render_to_string(names, {"message": error.message}, request)
        return HttpResponse(page, status=error.status)


def _sentence() -> str:
    return _("Part of the site is unavailable right now. Nothing is lost. Try again in a moment.")


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith("application/json")


def _page(name: str, status: int, title: str, words: str) -> HttpResponse:
    """The page of that name without any context, or, should even that fail, one without a template."""
    try:
        return HttpResponse(loader.render_to_string(name), status=status)
    except (TemplateDoesNotExist, ValueError, OSError):  # ValueError: a static file that was not collected
        return HttpResponse(FALLBACK.format(title=title, words=words), status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: 503 with Retry-After when a part is not reachable, else 500; never a query, never a stack trace."""
    if is_unreachable(sys.exc_info()[1]):
        response = (
            JsonResponse({"code": "unavailable", "detail": _sentence(), "fields": {}}, status=503)
            if _wants_json(request)
            else _page("503.html", 503, "We’ll be right back", _sentence())
        )
        response["Retry-After"] = RETRY_SECONDS
        return response
    words = _("Something went wrong on our side.")
    if _wants_json(request):
        return JsonResponse({"code": "error", "detail": words, "fields": {}}, status=500)
    return _page("500.html", 500, "Something went wrong", words)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400. The reason is shown where we wrote it; Django's own are for its log."""
    words = str(exception) if isinstance(exception, BadRequest) else ""
    if _wants_json(request):
        detail = words or _("This request could not be understood.")
        return JsonResponse({"code": "bad_request", "detail": detail, "fields": {}}, status=400)
    return HttpResponse(loader.render_to_string("400.html", {"message": words}), status=400)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"code": "not_found", "detail": _("Page not found."), "fields": {}}, status=404)
    return HttpResponse(loader.render_to_string("404.html", {}, request), status=404)
