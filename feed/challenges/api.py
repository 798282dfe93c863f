"""REST API of challenges."""

from datetime import date
from typing import Any

from django.db.models import Count
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from feed.challenges.entries import is_cursor, read_entries
from feed.challenges.models import Challenge, ChallengeEntry, ChallengeQuerySet, ThemeIdea, ThemeIdeaQuerySet
from feed.challenges.results import leaders
from feed.challenges.serializers import (
    ChallengeResultSerializer,
    ChallengeSerializer,
    EnterSerializer,
    IdeaSerializer,
    LeaderSerializer,
    ProposeSerializer,
)
from feed.challenges.services import begun_on, enter_challenge, withdraw_entry
from feed.challenges.themes.ideas import propose_theme, vote_for_idea
from feed.lists.api import CURSOR, PostPageSerializer, post_page
from feed.lists.pages import PAGE_SIZE
from feed.posts.models import Post
from lib.api import checked
from lib.days import local_day
from lib.errors import NotFound
from lib.http.converters import DAY as DAY_PATTERN
from lib.http.converters import PUBLIC_ID
from lib.pagination import KeysetPagination, read_keyset

DAY = OpenApiParameter("day", OpenApiTypes.DATE, OpenApiParameter.PATH)
PERIOD = OpenApiParameter("period", str, enum=["month", "all"], default="month")
ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
SCORES = 200  # lines of a score sheet


class ChallengePagination(KeysetPagination):
    ordering = "day"
    page_size = PAGE_SIZE


class ChallengeViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Challenge]):
    """Daily challenges: today's and earlier ones, their entries and results, and entering."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    serializer_class = ChallengeSerializer
    pagination_class = ChallengePagination
    lookup_field = "day"
    lookup_value_regex = DAY_PATTERN

    def get_queryset(self) -> ChallengeQuerySet:
        """Future themes stay secret."""
        return Challenge.objects.begun(timezone.now()).select_related("checkpoint", "style")

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "at": timezone.now()}

    @extend_schema(parameters=[DAY], responses=ChallengeSerializer)
    def retrieve(self, request: Request, day: str) -> Response:
        return Response(self.get_serializer(self._challenge(day)).data)

    @extend_schema(parameters=[DAY, CURSOR], responses=PostPageSerializer)
    @action(detail=True)
    def entries(self, request: Request, day: str) -> Response:
        """The entries that the caller may see: shuffled for them, and once it is decided the strongest first."""
        challenge, at, cursor = self._challenge(day), timezone.now(), request.query_params.get("cursor", "")
        if cursor and not is_cursor(cursor):  # the version before listed them as they were published
            rows = Post.objects.listed_for(request.user, at).filter(challenge_entries__challenge=challenge)
            old = read_keyset(rows.with_card(request.user), by="published_at", cursor=cursor, size=PAGE_SIZE)
            return Response(post_page(request, old.rows, old.next))
        page = read_entries(challenge, request.user, at=at, size=PAGE_SIZE, cursor=cursor)
        return Response(post_page(request, page.posts, page.next or None))

    @extend_schema(parameters=[DAY], responses=ChallengeResultSerializer)
    @action(detail=True)
    def result(self, request: Request, day: str) -> Response:
        """The score sheet of a decided challenge (404 before), the strongest 200 entries that the caller may see."""
        at, challenge = timezone.now(), self._challenge(day)
        if challenge.closed_at is None:
            raise NotFound("This challenge is not decided yet.")
        listed = Post.objects.listed_for(request.user, at).values("pk")
        entries = ChallengeEntry.objects.filter(challenge=challenge, post__in=listed).exclude(strength=None)
        scores = entries.select_related("post", "member").order_by("-strength", "pk")[:SCORES]
        return Response(ChallengeResultSerializer({"challenge": challenge, "scores": scores}).data)

    @extend_schema(parameters=[PERIOD], responses=LeaderSerializer(many=True), filters=False)
    @action(detail=False, pagination_class=None)
    def leaders(self, request: Request) -> Response:
        """Members by points, of this month or of all time: 3 for a first place, 2 for a second, 1 for a third."""
        at = timezone.now()
        month: date | None = None if request.query_params.get("period") == "all" else local_day(at)
        return Response(LeaderSerializer(leaders(request.user, month=month, at=at), many=True).data)

    @extend_schema(parameters=[DAY], request=EnterSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def enter(self, request: Request, day: str) -> Response:
        """Enters a post of one's own. Idempotent."""
        member, data = member_of(request), checked(EnterSerializer, request)
        post = get_object_or_404(Post, public_id=data["post"], author=member)
        enter_challenge(challenge=self._challenge(day), post=post, member=member, at=timezone.now())
        return Response(status=204)

    @extend_schema(parameters=[DAY], request=EnterSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, day: str) -> Response:
        """Takes an entry of one's own out, until the challenge is decided. Idempotent."""
        member, data = member_of(request), checked(EnterSerializer, request)
        post = get_object_or_404(Post, public_id=data["post"], author=member)
        withdraw_entry(challenge=self._challenge(day), post=post, member=member, at=timezone.now())
        return Response(status=204)

    def _challenge(self, day: str) -> Challenge:
        return begun_on(day, timezone.now())


class ThemeIdeaPagination(KeysetPagination):
    ordering = "created_at"


class ThemeIdeaViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[ThemeIdea]):
    """Themes that members propose for coming challenges."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    serializer_class = IdeaSerializer
    pagination_class = ThemeIdeaPagination
    lookup_value_regex = PUBLIC_ID

    def get_queryset(self) -> ThemeIdeaQuerySet:
        return ThemeIdea.objects.shown(timezone.now()).annotate(vote_count=Count("votes"))

    @extend_schema(request=ProposeSerializer, responses={201: IdeaSerializer})
    def create(self, request: Request) -> Response:
        """Proposes a theme and votes for it; one that is proposed already is only voted for."""
        idea = propose_theme(member=member_of(request), **checked(ProposeSerializer, request))
        return Response(IdeaSerializer(self.get_queryset().get(pk=idea.pk)).data, status=201)

    @extend_schema(parameters=[ID], request=None, responses={204: None})
    @action(detail=True, methods=["put", "delete"], permission_classes=[IsAuthenticated])
    def vote(self, request: Request, pk: str) -> Response:
        """PUT votes for a theme, DELETE takes the vote back; either may be repeated."""
        vote_for_idea(idea_id=pk, member=member_of(request), is_for=request.method == "PUT")
        return Response(status=204)
