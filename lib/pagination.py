"""Lists in pages: a cursor says where the page before ended, so that nothing is repeated or skipped.

class FollowPagination(KeysetPagination):
    ordering = "created_at"

class FollowViewSet(mixins.ListModelMixin, GenericViewSet):
    pagination_class = FollowPagination
"""

from datetime import date, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.pagination import BasePagination, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from lib.errors import Refused
from lib.text.regex import compile_linear

M = TypeVar("M", bound=Model)
PAGE_SIZE = 30
_KEY = compile_linear("[0-9]{1,18}")


class Keyset(NamedTuple, Generic[M]):
    rows: list[M]
    next: str | None  # the cursor of the page after this one


def read_keyset(rows: QuerySet[M], *, by: str, cursor: str, size: int = PAGE_SIZE) -> Keyset[M]:
    """One page of `rows` by a column of times or days, the newest first, ties by primary key.

    Raises:
        Refused: 400 for a cursor that is not one of this list.
    """
    salt = f"feed.keyset.{rows.model._meta.label_lower}.{by}"
    if cursor:
        time, pk = _parse(cursor, salt)
        rows = rows.filter(Q(**{f"{by}__lt": time}) | Q(**{by: time, "pk__lt": pk}), **{f"{by}__lte": time})
    found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    if len(found) <= size:
        return Keyset(found, None)
    last = found[size - 1]
    return Keyset(found[:size], signing.dumps([getattr(last, by).isoformat(), last.pk], salt=salt))


def _parse(cursor: str, salt: str) -> tuple[datetime | date, int]:
    try:
        text, pk = signing.loads(cursor, salt=salt)
    except (signing.BadSignature, ValueError, TypeError):
        raise Refused(
            "bad_cursor", _("This link to a page of the list is damaged. Start again from the top.")
        ) from None
    return (datetime if "T" in text else date).fromisoformat(text), pk


class NextPagination(BasePagination):
    """``{"next": address or null, "results": […]}``: the base of lists that find the next cursor themselves.

    A view with such a list calls ``paginator.set_page(request, page.next)`` and then ``get_paginated_response(data)``.
    """

    cursor_query_param = "cursor"
    _next_link: str | None = None

    def set_page(self, request: Request, next_cursor: str | None) -> None:
        """Remembers where the page ended; the address of the next keeps every other parameter of this one's."""
        self._next_link = next_link(request, next_cursor, self.cursor_query_param)

    def get_cursor(self, request: Request) -> str:
        """The cursor that the client sent; empty for the first page."""
        return request.query_params.get(self.cursor_query_param, "")

    def get_next_link(self) -> str | None:
        return self._next_link

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.get_next_link(), "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        next_address = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": next_address, "results": schema},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": self.cursor_query_param,
                "required": False,
                "in": "query",
                "description": "From `next` of the page before; opaque",
                "schema": {"type": "string"},
            }
        ]


def next_link(request: Request, cursor: str | None, name: str = "cursor") -> str | None:
    """The absolute address of the page that `cursor` begins, with this request's other parameters."""
    if cursor is None:
        return None
    return replace_query_param(remove_query_param(request.build_absolute_uri(), name), name, cursor)


class KeysetPagination(NextPagination):
    """Newest first by one column of times or days (`ordering`), ties by primary key."""

    ordering = "created_at"
    page_size = PAGE_SIZE

    def paginate_queryset(  # type: ignore[override]  # a keyset needs a QuerySet
        self, queryset: QuerySet[M], request: Request, view: APIView | None = None
    ) -> list[M]:
        page = read_keyset(queryset, by=self.ordering, cursor=self.get_cursor(request), size=self.page_size)
        self.set_page(request, page.next)
        return page.rows


class DefaultPagination(CursorPagination):
    """What a list does unless its view says otherwise: newest first by primary key."""

    ordering = "-pk"
    page_size = PAGE_SIZE

    def decode_cursor(self, request: Request) -> Any:
        """Raises NotFound for a cursor that is none of this list: its position is a primary key."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _KEY.fullmatch(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
