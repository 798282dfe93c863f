"""REST API of polls."""

from collections.abc import Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Role
from accounts.permissions import HasRole, member_of
from accounts.tokens.scopes import Scope
from feed.challenges.services import begun_on
from feed.polls.models import Poll
from feed.polls.services import (
    LEAST_OPTIONS,
    LONGEST_OPTION,
    LONGEST_QUESTION,
    MOST_OPTIONS,
    create_poll,
    view_poll,
    vote_in_poll,
)
from lib.api import checked
from lib.http.converters import PUBLIC_ID
from lib.text.fields import ApiLine

ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
SHOWN = 50


class PollOptionSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    text = serializers.CharField()
    votes = serializers.IntegerField(allow_null=True, help_text="null until you voted or the poll is closed")
    is_own = serializers.BooleanField(help_text="You voted for it")


class PollSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="poll.public_id")
    question = serializers.CharField(source="poll.question")
    closes_at = serializers.DateTimeField(source="poll.closes_at")
    is_open = serializers.BooleanField()
    options = PollOptionSerializer(many=True)


@extend_schema_serializer(many=False)  # one page is all there is
class PollsSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = PollSerializer(many=True)


class PollVoteSerializer(serializers.Serializer[Any]):
    option = serializers.IntegerField(min_value=0, max_value=MOST_OPTIONS - 1, help_text="Position of the option")


class NewPollSerializer(serializers.Serializer[Any]):
    question = ApiLine(max_length=LONGEST_QUESTION)
    options = serializers.ListField(
        child=ApiLine(max_length=LONGEST_OPTION), min_length=LEAST_OPTIONS, max_length=MOST_OPTIONS
    )
    closes_at = serializers.DateTimeField()
    day = serializers.DateField(required=False, help_text="Of a challenge that has begun: shows the poll with it")


class PollViewSet(viewsets.ViewSet):
    """Polls by the staff: one vote a member, results after voting."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(responses=PollsSerializer)
    def list(self, request: Request) -> Response:
        """The 50 that close or closed last, the latest first."""
        at = timezone.now()
        polls = Poll.objects.filter(created_at__lte=at).order_by("-closes_at", "-pk")[:SHOWN]
        shown = [view_poll(poll, request.user, at) for poll in polls]
        return Response({"next": None, "results": PollSerializer(shown, many=True).data})

    def get_permissions(self) -> Sequence[Any]:
        if self.action == "create":
            return [HasRole.of(Role.STAFF)()]
        return super().get_permissions()

    @extend_schema(request=NewPollSerializer, responses={201: PollSerializer})
    def create(self, request: Request) -> Response:
        """Opens a poll (staff)."""
        data, at, staff = checked(NewPollSerializer, request), timezone.now(), member_of(request)
        day = data.pop("day", None)
        challenge = begun_on(day.isoformat(), at) if day else None
        poll = create_poll(**data, challenge=challenge, created_by=staff, at=at)
        return Response(PollSerializer(view_poll(poll, staff, at)).data, status=201)

    @extend_schema(parameters=[ID], responses=PollSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        poll = get_object_or_404(Poll, public_id=pk)
        return Response(PollSerializer(view_poll(poll, request.user, timezone.now())).data)

    @extend_schema(parameters=[ID], request=PollVoteSerializer, responses=PollSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def vote(self, request: Request, pk: str) -> Response:
        """Votes once; the same again changes nothing, another option is refused with 409."""
        poll = get_object_or_404(Poll, public_id=pk)
        vote_in_poll(poll=poll, option=checked(PollVoteSerializer, request)["option"], member=member_of(request))
        return self.retrieve(request, pk)
