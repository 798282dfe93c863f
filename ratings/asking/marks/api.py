"""Region marks in the API: draw a picture, say where it is wrong."""

from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from lib.http.converters import PUBLIC_ID
from ratings.asking.api import ID, NOTHING, drawn
from ratings.asking.marks.serializers import MarkedSerializer, MarkingSerializer, MarksSerializer
from ratings.asking.marks.services import Place, answer_marking, draw_marking


class MarkingViewSet(viewsets.ViewSet):
    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(request=None, responses={201: MarkingSerializer, 204: NOTHING})
    def create(self, request: Request) -> Response:
        """The next picture to mark; 204 when none is left. `POST /api/asks/{id}/skip/` skips it."""
        return drawn(request, draw_marking(rater=member_of(request)), MarkingSerializer)

    @extend_schema(parameters=[ID], request=MarksSerializer, responses=MarkedSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Stores where the picture is wrong. The same again changes nothing; other marks are refused with 409."""
        body = MarksSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = dict(body.validated_data)
        places = [Place(**mark) for mark in data.pop("marks")]
        return Response(
            MarkedSerializer(answer_marking(**data, places=places, rater=member_of(request), about=[pk])).data
        )
