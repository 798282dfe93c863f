"""Pairs of a challenge in the API; they are answered as all comparisons are."""

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from feed.challenges.services import begun_on
from ratings.asking.serializers import ComparisonSerializer
from ratings.challenges.services import draw_vote

DAY = OpenApiParameter("day", OpenApiTypes.DATE, OpenApiParameter.PATH)
NOTHING = OpenApiResponse(description="You have seen every pair, or as many as one member is shown.")


class ChallengePairView(APIView):
    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE

    @extend_schema(
        operation_id="challenges_pair",
        parameters=[DAY],
        request=None,
        responses={201: ComparisonSerializer, 204: NOTHING},
    )
    def post(self, request: Request, day: str) -> Response:
        """The next pair of a challenge that is being voted on: answer it at `/api/comparisons/{id}/answer/`."""
        at = timezone.now()
        ask = draw_vote(challenge=begun_on(day, at), rater=member_of(request), at=at)
        if ask is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(ComparisonSerializer(ask, context={"request": request}).data, status=status.HTTP_201_CREATED)
