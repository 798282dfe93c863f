"""The paginators of lists: one form of page, one cursor, one schema."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts.models import ConsentEvent, User
from lib.errors import Refused
from lib.pagination import KeysetPagination, next_link


class EventPagination(KeysetPagination):
    ordering = "at"
    page_size = 2


@pytest.fixture
def events(alice: User) -> list[ConsentEvent]:
    """Five events, two at the same moment."""
    now = timezone.now()
    return [
        ConsentEvent.objects.create(user=alice, purpose="train", granted=True, text_version="1", at=now - timedelta(n))
        for n in (0, 1, 1, 2, 3)
    ]


def read_page(url: str) -> tuple[list[int], str | None]:
    paginator, request = EventPagination(), Request(APIRequestFactory().get(url))
    rows = paginator.paginate_queryset(ConsentEvent.objects.all(), request)
    page = paginator.get_paginated_response([row.pk for row in rows])
    return page.data["results"], page.data["next"]


def test_following_next_shows_every_row_once_newest_first(events: list[ConsentEvent]) -> None:
    url: str | None = "/api/events/?purpose=train"
    found: list[int] = []
    while url:
        assert "purpose=train" in url
        rows, url = read_page(url)
        found += rows
    newest, first, second, *older = [event.pk for event in events]
    assert found == [newest, second, first, *older]


def test_a_damaged_cursor_is_refused(events: list[ConsentEvent]) -> None:
    with pytest.raises(Refused) as refused:
        read_page("/api/events/?cursor=x")
    assert refused.value.status == 400


def test_the_next_address_replaces_the_cursor_and_keeps_the_rest() -> None:
    request = Request(APIRequestFactory().get("/api/x/?tag=a&tag=b&cursor=old"))
    assert next_link(request, "new") == "http://testserver/api/x/?cursor=new&tag=a&tag=b"
    assert next_link(request, None) is None
