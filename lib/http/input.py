"""Every request as views may take it: characters that texts can hold, and bodies of bounded size and depth."""

import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from lib.text.regex import compile_linear

MOST_DEPTH = 32  # of arrays and objects inside one another
LONGEST_NUMBER = 30  # digits
_NUMBER = compile_linear("[0-9]{1,18}")
_CONTROL = compile_linear(r"[\x00-\x1f\x7f]")
_UNSTORABLE = dict.fromkeys([0, *range(0xD800, 0xE000)])  # for str.translate: NUL and surrogates


class InputMiddleware:
    """Answers 404 for an address with control characters, and 400 for a query or a form with a NUL character.

    PostgreSQL stores no NUL, and no keyboard types one. A cookie that holds one is ignored. A body that is no upload is
    at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes long, whoever parses it.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self.process_view: Callable[..., Any] = _check_form
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            self.process_view = _check_form_async

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._respond(request)
        _check(request)
        return self._get_response(request)

    async def _respond(self, request: HttpRequest) -> HttpResponseBase:
        _check(request)
        response: HttpResponseBase = await self._get_response(request)
        return response


def _check(request: HttpRequest) -> None:
    if _CONTROL.search(request.path_info):
        raise Http404("There are control characters in this address.")
    if _has_nul(request.GET):
        raise BadRequest(_nul())
    if any("\x00" in value for value in request.COOKIES.values()):
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if "\x00" not in value}
    length = _length(request)
    if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and request.content_type != "multipart/form-data":
        raise RequestDataTooBig(_("This request is too large."))


def _is_form(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether a view takes a form; the API, which needs no CSRF token, parses its own bodies."""
    return request.method == "POST" and not getattr(view, "csrf_exempt", False)


def _check_form(request: HttpRequest, view: Callable[..., Any], *_args: object) -> None:
    if _is_form(request, view) and _has_nul(request.POST):
        raise BadRequest(_nul())


async def _check_form_async(request: HttpRequest, view: Callable[..., Any], *_args: object) -> None:
    if _is_form(request, view):
        await sync_to_async(_check_form)(request, view)  # parsing a form may read a file


def _has_nul(values: QueryDict) -> bool:
    return any("\x00" in name or any("\x00" in value for value in listed) for name, listed in values.lists())


def _nul() -> str:
    return _("This request contains a NUL character, which no text has.")


def _length(request: HttpRequest) -> int:
    """The length that the client gave; raises BadRequest where it is no number."""
    given = request.META.get("CONTENT_LENGTH") or "0"
    if not _NUMBER.fullmatch(str(given)):
        raise BadRequest(_("The length of this request is not a number."))
    return int(given)


class BoundedJSONParser(JSONParser):
    """JSON that is neither deep nor full of numbers that no column holds; NUL and lone surrogates are left out."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Raises ParseError (400)."""
        try:
            text = stream.read().decode("utf-8")
            parsed = json.loads(text, parse_int=_whole, parse_float=_decimal, parse_constant=_refuse)
        except RecursionError:
            raise ParseError(_deep()) from None
        except ValueError as error:  # UnicodeDecodeError and JSONDecodeError too
            raise ParseError(_("JSON parse error: %(error)s") % {"error": error}) from None
        return _storable(parsed, MOST_DEPTH)


def _storable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.translate(_UNSTORABLE)
    if not isinstance(value, dict | list):
        return value
    if not depth:
        raise ParseError(_deep())
    if isinstance(value, list):
        return [_storable(each, depth - 1) for each in value]
    return {name.translate(_UNSTORABLE): _storable(each, depth - 1) for name, each in value.items()}


def _deep() -> str:
    return _("This JSON is nested too deeply.")


def _whole(digits: str) -> int:
    return int(digits) if len(digits) <= LONGEST_NUMBER else _refuse(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    return number if abs(number) < float("inf") else _refuse(digits)


def _refuse(literal: str) -> Any:
    raise ValueError(f"{literal[:LONGEST_NUMBER]} is out of range")
