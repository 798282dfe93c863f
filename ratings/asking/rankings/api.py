"""Rankings in the API: draw pictures of one prompt, put them in order."""

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
from ratings.asking.rankings.serializers import RankedSerializer, RankingSerializer, RanksSerializer
from ratings.asking.rankings.services import answer_ranking, draw_ranking


class RankingViewSet(viewsets.ViewSet):
    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(request=None, responses={201: RankingSerializer, 204: NOTHING})
    def create(self, request: Request) -> Response:
        """The next pictures to put in order; 204 when none are left. `POST /api/asks/{id}/skip/` skips them."""
        return drawn(request, draw_ranking(rater=member_of(request)), RankingSerializer)

    @extend_schema(parameters=[ID], request=RanksSerializer, responses=RankedSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Stores the order. The same again changes nothing; another one is refused with 409."""
        body = RanksSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        ask = answer_ranking(**dict(body.validated_data), rater=member_of(request), about=[pk])
        return Response(RankedSerializer(ask).data)
