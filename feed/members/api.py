"""Members for programs: profiles, follows, blocks, mutes, and hidden posts."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from feed.lists.api import PostPageSerializer, post_page
from feed.lists.pages import PAGE_SIZE as POSTS_ON_A_PAGE
from feed.members import services as members_services
from feed.members.forms import find_muted
from feed.members.models import Block, Follow, HiddenPost, Mute, Profile
from feed.members.queries import FollowSide, follows_of, profile_of, visible_members
from feed.members.serializers import (
    BlockSerializer,
    EditProfileSerializer,
    FollowSerializer,
    HiddenPostSerializer,
    MuteSerializer,
)
from feed.posts import services as posts_services
from feed.posts.cards import avatar_post, picture_of
from feed.posts.models import Post
from feed.posts.serializers import PictureSerializer
from generation.models import Image
from lib.api import checked
from lib.http.converters import NUMBER, PUBLIC_ID, USERNAME
from lib.pagination import KeysetPagination, read_keyset

CURSOR = OpenApiParameter("cursor", str, description="From `next` of the page before; opaque")
NAME = OpenApiParameter("id", str, OpenApiParameter.PATH, description="The username")
POST_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Public id of the post")
MUTE_ID = OpenApiParameter("id", int, OpenApiParameter.PATH)


class MemberPagination(KeysetPagination):
    ordering = "created_at"
    page_size = 100


class ProfileSerializer(serializers.ModelSerializer[Profile]):
    username = serializers.CharField(source="user.username")
    avatar = serializers.SerializerMethodField()

    class Meta:
        model = Profile
        fields = ["username", "display_name", "bio", "avatar"]

    @extend_schema_field(PictureSerializer(allow_null=True))
    def get_avatar(self, profile: Profile) -> dict[str, Any] | None:
        at, viewer = timezone.now(), self.context["request"].user
        post = avatar_post(profile, viewer, at)
        return dict(PictureSerializer(picture_of(post, viewer, at)).data) if post else None


class ProfileViewSet(viewsets.GenericViewSet[Any]):
    """Members as others see them."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    queryset = User.objects.none()  # for the schema
    serializer_class: Any = ProfileSerializer
    pagination_class = MemberPagination
    lookup_value_regex = USERNAME

    @extend_schema(parameters=[NAME], responses=ProfileSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        at = timezone.now()
        member = get_object_or_404(visible_members(request.user, at), username__iexact=pk)
        return Response(ProfileSerializer(profile_of(member), context={"request": request}).data)

    @extend_schema(parameters=[NAME], request=EditProfileSerializer, responses=ProfileSerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Changes one's own profile; anybody else's is not there to be changed."""
        at, member, data = timezone.now(), member_of(request), checked(EditProfileSerializer, request)
        get_object_or_404(visible_members(member, at).filter(pk=member.pk), username__iexact=pk)
        avatar_id = data.pop("avatar")
        avatar = get_object_or_404(Image.objects.filter(author=member), public_id=avatar_id) if avatar_id else None
        profile = members_services.edit_profile(member=member, avatar=avatar, at=at, **data)
        return Response(ProfileSerializer(profile, context={"request": request}).data)

    @extend_schema(parameters=[NAME, CURSOR], responses=PostPageSerializer)
    @action(detail=True)
    def posts(self, request: Request, pk: str) -> Response:
        """What a member published, the newest first."""
        at, viewer = timezone.now(), request.user
        member = get_object_or_404(visible_members(viewer, at), username__iexact=pk)
        listed = Post.objects.listed_for(viewer, at).filter(author=member).with_card(viewer)
        cursor = request.query_params.get("cursor", "")
        page = read_keyset(listed, by="published_at", cursor=cursor, size=POSTS_ON_A_PAGE)
        return Response(post_page(request, page.rows, page.next))

    @extend_schema(parameters=[NAME], responses=FollowSerializer(many=True))
    @action(detail=True)
    def following(self, request: Request, pk: str) -> Response:
        """Whom a member follows, the latest first."""
        return self._follows(request, pk, "followed")

    @extend_schema(parameters=[NAME], responses=FollowSerializer(many=True))
    @action(detail=True)
    def followers(self, request: Request, pk: str) -> Response:
        """Who follows a member, the latest first."""
        return self._follows(request, pk, "member")

    def _follows(self, request: Request, username: str, side: FollowSide) -> Response:
        at, viewer = timezone.now(), request.user
        member = get_object_or_404(visible_members(viewer, at), username__iexact=username)
        follows: Any = follows_of(member, viewer, at, side=side).select_related(side)
        rows: Any = self.paginate_queryset(follows)
        return self.get_paginated_response(FollowSerializer(rows, many=True, context={"side": side}).data)


class FollowViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Follow]):
    """Members you follow; PUT follows, DELETE stops, each may be repeated."""

    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    queryset = Follow.objects.none()  # for the schema
    serializer_class = FollowSerializer
    pagination_class = MemberPagination
    lookup_value_regex = USERNAME

    def get_queryset(self) -> QuerySet[Follow]:
        member = member_of(self.request)
        return follows_of(member, member, timezone.now(), side="followed").select_related("followed")

    @extend_schema(parameters=[NAME], request=None, responses={204: None})
    def update(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        other = get_object_or_404(visible_members(member, timezone.now()), username__iexact=pk)
        members_services.follow_member(member=member, followed=other)
        return Response(status=204)

    @extend_schema(parameters=[NAME], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        for row in Follow.objects.filter(member=member, followed__username__iexact=pk).select_related("followed"):
            members_services.unfollow_member(member=member, followed=row.followed)
        return Response(status=204)


class BlockViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Block]):
    """Members you blocked: neither of you sees the other. PUT blocks, DELETE takes it back."""

    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    queryset = Block.objects.none()  # for the schema
    serializer_class = BlockSerializer
    pagination_class = MemberPagination
    lookup_value_regex = USERNAME

    def get_queryset(self) -> QuerySet[Block]:
        own = Block.objects.filter(member=member_of(self.request), blocked__deleted_at=None)
        return own.select_related("blocked")

    @extend_schema(parameters=[NAME], request=None, responses={204: None})
    def update(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        known = Block.objects.blocked_by(member.pk)
        seen = visible_members(member, timezone.now()).values("pk")
        others = User.objects.filter(pk__in=seen) | User.objects.filter(pk__in=known)
        members_services.block_member(member=member, blocked=get_object_or_404(others, username__iexact=pk))
        return Response(status=204)

    @extend_schema(parameters=[NAME], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        for row in Block.objects.filter(member=member, blocked__username__iexact=pk).select_related("blocked"):
            members_services.unblock_member(member=member, blocked=row.blocked)
        return Response(status=204)


class MuteViewSet(viewsets.ViewSet):
    """What you do not want in lists: hidden or blurred, for ever or until a time."""

    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    lookup_value_regex = NUMBER

    @extend_schema(responses=MuteSerializer(many=True))
    def list(self, request: Request) -> Response:
        rows = Mute.objects.active(timezone.now()).filter(member=member_of(request))
        rows = rows.select_related("author", "checkpoint").order_by("-created_at", "-pk")
        return Response(MuteSerializer(rows[: members_services.MAX_MUTES], many=True).data)

    @extend_schema(request=MuteSerializer, responses={201: MuteSerializer})
    def create(self, request: Request) -> Response:
        """The same thing again changes effect and end."""
        at, data = timezone.now(), checked(MuteSerializer, request)
        member = member_of(request)
        value = find_muted(data["kind"], data.pop("value"), member, at)
        return Response(
            MuteSerializer(members_services.mute(member=member, value=value, at=at, **data)).data, status=201
        )

    @extend_schema(parameters=[MUTE_ID], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        members_services.unmute(
            mute=get_object_or_404(Mute.objects.select_related("member"), pk=int(pk), member=member)
        )
        return Response(status=204)


class HiddenPostViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[HiddenPost]):
    """Posts you are not interested in: in none of your lists. PUT hides one, DELETE shows it again."""

    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    queryset = HiddenPost.objects.none()  # for the schema
    serializer_class = HiddenPostSerializer
    pagination_class = MemberPagination
    lookup_value_regex = PUBLIC_ID

    def get_queryset(self) -> QuerySet[HiddenPost]:
        member = member_of(self.request)
        openable = Post.objects.visible_to(member, timezone.now()).values("pk")
        return HiddenPost.objects.filter(member=member, post__in=openable).select_related("post")

    @extend_schema(parameters=[POST_ID], request=None, responses={204: None})
    def update(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        post = get_object_or_404(Post.objects.visible_to(member, timezone.now()), public_id=pk)
        posts_services.hide_post(post=post, member=member)
        return Response(status=204)

    @extend_schema(parameters=[POST_ID], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        post = get_object_or_404(Post.objects.visible_to(member, timezone.now()), public_id=pk)
        posts_services.unhide_post(post=post, member=member)
        return Response(status=204)
