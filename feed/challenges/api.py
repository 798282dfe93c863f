"""REST API of challenges."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from feed.challenges.models import Challenge, ChallengeQuerySet
from feed.challenges.serializers import ChallengeSerializer, EnterSerializer
from feed.challenges.services import begun_on, enter_challenge, entries_of
from feed.lists.api import CURSOR, PostPageSerializer, post_page
from feed.lists.pages import PAGE_SIZE
from feed.posts.models import Post
from lib.api import checked
from lib.http.converters import DAY as DAY_PATTERN
from lib.pagination import KeysetPagination, read_keyset

DAY = OpenApiParameter("day", OpenApiTypes.DATE, OpenApiParameter.PATH)


class ChallengePagination(KeysetPagination):
    ordering = "day"
    page_size = PAGE_SIZE


class ChallengeViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Challenge]):
    """Daily challenges: today's and earlier ones, their entries, and entering."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    serializer_class = ChallengeSerializer
    pagination_class = ChallengePagination
    lookup_field = "day"
    lookup_value_regex = DAY_PATTERN

    def get_queryset(self) -> ChallengeQuerySet:
        """Future themes stay secret."""
        return Challenge.objects.begun(timezone.now())

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "at": timezone.now()}

    @extend_schema(parameters=[DAY], responses=ChallengeSerializer)
    def retrieve(self, request: Request, day: str) -> Response:
        return Response(self.get_serializer(self._challenge(day)).data)

    @extend_schema(parameters=[DAY, CURSOR], responses=PostPageSerializer)
    @action(detail=True)
    def entries(self, request: Request, day: str) -> Response:
        """The entries that the caller may see, the newest first."""
        entries = entries_of(self._challenge(day), request.user, timezone.now()).with_card(request.user)
        cursor = request.query_params.get("cursor", "")
        page = read_keyset(entries, by="published_at", cursor=cursor, size=PAGE_SIZE)
        return Response(post_page(request, page.rows, page.next))

    @extend_schema(parameters=[DAY], request=EnterSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def enter(self, request: Request, day: str) -> Response:
        """Enters a post of one's own. Idempotent."""
        at, member, data = timezone.now(), member_of(request), checked(EnterSerializer, request)
        post = get_object_or_404(Post, public_id=data["post"], author=member)
        enter_challenge(challenge=self._challenge(day), post=post, member=member, at=at)
        return Response(status=204)

    def _challenge(self, day: str) -> Challenge:
        return begun_on(day, timezone.now())
