"""For programs: whom a member follows and blocks, what they mute, and what they are not interested in."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import member_of
from feed.members import services as members_services
from feed.members.forms import named
from feed.members.models import Block, Follow, HiddenPost, Mute
from feed.members.own_changes import remember_own_change
from feed.members.queries import visible_members
from feed.posts.models import Post
from feed.rates import check_member_rate
from lib.api import checked
from lib.pagination import read_keyset

PAGE_SIZE = 100
CURSOR = OpenApiParameter("cursor", str, description="From `next` of the page before; opaque")
NAME = OpenApiParameter("id", str, OpenApiParameter.PATH, description="The username")
POST_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Public id of the post")
MUTE_ID = OpenApiParameter("id", int, OpenApiParameter.PATH)


class PersonSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    since = serializers.DateTimeField()


@extend_schema_serializer(many=False)  # the page is the list
class PeopleSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = PersonSerializer(many=True)


class MuteSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True, source="pk")
    kind = serializers.ChoiceField(Mute.Kind.choices)
    value = serializers.CharField(max_length=150, help_text="A tag, words, a checkpoint's slug, or a username")
    effect = serializers.ChoiceField(Mute.Effect.choices, default=Mute.Effect.HIDE)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)

    def to_representation(self, instance: Mute) -> dict[str, Any]:
        named_by = instance.author.username if instance.author else None
        named_by = instance.checkpoint.slug if instance.checkpoint else named_by
        return {
            "id": instance.pk,
            "kind": instance.kind,
            "value": named_by or instance.value,
            "effect": instance.effect,
            "expires_at": instance.expires_at,
        }


class HiddenSerializer(serializers.Serializer[Any]):
    post = serializers.CharField()
    since = serializers.DateTimeField()


@extend_schema_serializer(many=False)  # the page is the list
class HiddenPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = HiddenSerializer(many=True)


def people_page(request: Request, rows: Any, shown: Any) -> Response:
    """A page of rows by `created_at`, the newest first, each as `shown` makes it."""
    page = read_keyset(rows, by="created_at", cursor=request.query_params.get("cursor", ""), size=PAGE_SIZE)
    following = f"{request.build_absolute_uri(request.path)}?cursor={page.next}" if page.next else None
    return Response({"next": following, "results": [shown(row) for row in page.rows]})


def _changed(request: Request) -> User:
    """The member, whose lists are fresh from now on."""
    member = member_of(request)
    check_member_rate(member, "people")
    remember_own_change(member, timezone.now())
    return member


class FollowViewSet(viewsets.ViewSet):
    """Members you follow; PUT follows, DELETE stops, each may be repeated."""

    permission_classes = [IsAuthenticated]
    lookup_value_regex = r"[\w.@+-]{1,150}"

    @extend_schema(parameters=[CURSOR], responses=PeopleSerializer)
    def list(self, request: Request) -> Response:
        member = member_of(request)
        seen = visible_members(member, timezone.now()).values("pk")
        rows = Follow.objects.filter(member=member, followed__in=seen).select_related("followed")
        return people_page(request, rows, lambda row: {"username": row.followed.username, "since": row.created_at})

    @extend_schema(parameters=[NAME], request=None, responses={204: None})
    def update(self, request: Request, pk: str) -> Response:
        member = _changed(request)
        other = get_object_or_404(visible_members(member, timezone.now()), username__iexact=pk)
        members_services.follow_member(member=member, followed=other)
        return Response(status=204)

    @extend_schema(parameters=[NAME], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = _changed(request)
        for row in Follow.objects.filter(member=member, followed__username__iexact=pk).select_related("followed"):
            members_services.unfollow_member(member=member, followed=row.followed)
        return Response(status=204)


class BlockViewSet(viewsets.ViewSet):
    """Members you blocked: neither of you sees the other. PUT blocks, DELETE takes it back."""

    permission_classes = [IsAuthenticated]
    lookup_value_regex = r"[\w.@+-]{1,150}"

    @extend_schema(parameters=[CURSOR], responses=PeopleSerializer)
    def list(self, request: Request) -> Response:
        rows = Block.objects.filter(member=member_of(request), blocked__deleted_at=None).select_related("blocked")
        return people_page(request, rows, lambda row: {"username": row.blocked.username, "since": row.created_at})

    @extend_schema(parameters=[NAME], request=None, responses={204: None})
    def update(self, request: Request, pk: str) -> Response:
        member = _changed(request)
        known = Block.objects.blocked_by(member.pk)
        seen = visible_members(member, timezone.now()).values("pk")
        others = User.objects.filter(pk__in=seen) | User.objects.filter(pk__in=known)
        members_services.block_member(member=member, blocked=get_object_or_404(others, username__iexact=pk))
        return Response(status=204)

    @extend_schema(parameters=[NAME], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = _changed(request)
        for row in Block.objects.filter(member=member, blocked__username__iexact=pk).select_related("blocked"):
            members_services.unblock_member(member=member, blocked=row.blocked)
        return Response(status=204)


class MuteViewSet(viewsets.ViewSet):
    """What you do not want in lists: hidden or blurred, for ever or until a time."""

    permission_classes = [IsAuthenticated]
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(responses=MuteSerializer(many=True))
    def list(self, request: Request) -> Response:
        rows = Mute.objects.active(timezone.now()).filter(member=member_of(request))
        rows = rows.select_related("author", "checkpoint").order_by("-created_at", "-pk")
        return Response(MuteSerializer(rows[: members_services.MOST_MUTES], many=True).data)

    @extend_schema(request=MuteSerializer, responses={201: MuteSerializer})
    def create(self, request: Request) -> Response:
        """The same thing again changes effect and end."""
        at, data = timezone.now(), checked(MuteSerializer, request)
        member = _changed(request)
        value = named(data["kind"], data.pop("value"), member, at)
        return Response(
            MuteSerializer(members_services.mute(member=member, value=value, at=at, **data)).data, status=201
        )

    @extend_schema(parameters=[MUTE_ID], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = _changed(request)
        members_services.unmute(mute=get_object_or_404(Mute, pk=int(pk), member=member))
        return Response(status=204)


class HiddenPostViewSet(viewsets.ViewSet):
    """Posts you are not interested in: in none of your lists. PUT hides one, DELETE shows it again."""

    permission_classes = [IsAuthenticated]
    lookup_value_regex = r"[\w-]{12}"

    @extend_schema(parameters=[CURSOR], responses=HiddenPageSerializer)
    def list(self, request: Request) -> Response:
        member = member_of(request)
        openable = Post.objects.visible_to(member, timezone.now()).values("pk")
        rows = HiddenPost.objects.filter(member=member, post__in=openable).select_related("post")
        return people_page(request, rows, lambda row: {"post": row.post.public_id, "since": row.created_at})

    @extend_schema(parameters=[POST_ID], request=None, responses={204: None})
    def update(self, request: Request, pk: str) -> Response:
        member = _changed(request)
        post = get_object_or_404(Post.objects.visible_to(member, timezone.now()), public_id=pk)
        members_services.hide_post(member=member, post=post)
        return Response(status=204)

    @extend_schema(parameters=[POST_ID], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = _changed(request)
        post = get_object_or_404(Post.objects.visible_to(member, timezone.now()), public_id=pk)
        members_services.unhide_post(member=member, post=post)
        return Response(status=204)
