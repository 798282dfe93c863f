"""What is left of a view when everything but its writes is taken away: the reference that benchmarks divide by."""

from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.tokens.scopes import Scope


@cache
def pool() -> ConnectionPool:
    data = settings.DATABASES["default"]
    address = make_conninfo(
        host=data["HOST"], port=data["PORT"], user=data["USER"], password=data["PASSWORD"], dbname=data["NAME"]
    )
    return ConnectionPool(address, min_size=1, max_size=8, open=True)


@csrf_exempt
def answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """The writes of `ratings:ask-answer` in one transaction: close the ask if it is open, store the rating."""
    now = timezone.now()
    with pool().connection() as connection:
        closed = connection.execute(
            "UPDATE ratings_ask SET outcome = 'answered', closed_at = %s, shown_at = created_at, dwell_ms = %s"
            " WHERE public_id = %s AND outcome = 'open' AND expires_at > %s"
            " RETURNING id, rater_id, image_id, question_id",
            [now, int(request.POST["dwell_ms"]), public_id, now],
        ).fetchone()
        if closed is None:
            return HttpResponse(status=409)
        connection.execute(
            "INSERT INTO ratings_rating (ask_id, rater_id, image_id, question_id, repeat_no, value, created_at)"
            " VALUES (%s, %s, %s, %s, 0, %s, %s)",
            [*closed, int(request.POST["value"]), now],
        )
    return HttpResponse("Thank you.")


class ConstantView(APIView):
    """The bytes of the feed's JSON page from memory, behind the same authentication, permissions and throttles."""

    token_scope = Scope.READ
    body = b""

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(self.body, content_type="application/json")


urlpatterns = [
    path("bare/<str:public_id>/", answer),
    path("constant/", ConstantView.as_view()),
    path("", include("config.urls")),
]
