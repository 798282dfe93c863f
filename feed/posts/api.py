"""REST API of posts and profiles."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from feed.challenges.models import Challenge
from feed.lists.api import CURSOR, FeedListMixin, PostPageSerializer, post_page
from feed.lists.pages import PAGE_SIZE
from feed.members.api import PeopleSerializer, people_page
from feed.members.own_changes import remember_own_change
from feed.members.queries import FollowSide, follows_of, profile_of, visible_members
from feed.posts import services as posts_services
from feed.posts.detail_api import PostDetailSerializer, PostParts, find_post
from feed.posts.models import Post
from feed.posts.serializers import (
    EditProfileSerializer,
    LikeSerializer,
    ProfileSerializer,
    PublishSerializer,
    TagsSerializer,
)
from feed.rates import check_member_rate
from feed.tags.services import tag_post, tags_of
from generation.models import Image
from lib.api import checked
from lib.pagination import read_keyset

ID = OpenApiParameter("id", str, OpenApiParameter.PATH)


class PostViewSet(FeedListMixin, PostParts):
    """Posts, ranked; publishing pictures of one's own; likes."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    lookup_value_regex = r"[\w-]{12}"

    @extend_schema(parameters=[ID], responses=PostDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(request, pk)

    @extend_schema(request=PublishSerializer, responses={201: PostDetailSerializer})
    def create(self, request: Request) -> Response:
        """Publishes a finished picture of one's own. The same again changes title and prompt, never the age."""
        at, member, data = timezone.now(), member_of(request), checked(PublishSerializer, request)
        check_member_rate(member, "publish")
        image = get_object_or_404(Image.objects.filter(author=member), public_id=data["image"])
        challenge = get_object_or_404(Challenge.objects.begun(at), day=data["challenge"]) if data["challenge"] else None
        words: dict[str, Any] = {name: data.get(name) for name in ("tags", "alt_text")}
        words |= {"title": data["title"], "hide_prompt": data["hide_prompt"]}
        post = posts_services.publish_image(image=image, author=member, challenge=challenge, at=at, **words)
        remember_own_change(member, at)
        return self._shown(request, post.public_id, status=201)

    @extend_schema(parameters=[ID], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Deletes one's own post for good."""
        member = member_of(request)
        posts_services.delete_post(post=get_object_or_404(Post, public_id=pk, author=member), author=member)
        return Response(status=204)

    @extend_schema(parameters=[ID], request=None, responses=PostDetailSerializer)
    @action(detail=True, methods=["post"])
    def unpublish(self, request: Request, pk: str) -> Response:
        """Takes one's own post down; publishing the picture again puts it back with its age and likes."""
        at, member = timezone.now(), member_of(request)
        posts_services.unpublish_post(post=get_object_or_404(Post, public_id=pk, author=member), author=member, at=at)
        remember_own_change(member, at)
        return self._shown(request, pk)

    @extend_schema(parameters=[ID], request=None, responses=LikeSerializer)
    @action(detail=True, methods=["put", "delete"], permission_classes=[IsAuthenticated])
    def like(self, request: Request, pk: str) -> Response:
        """PUT likes, DELETE withdraws; each may be repeated."""
        at, member, is_liked = timezone.now(), member_of(request), request.method == "PUT"
        check_member_rate(member, "like")
        post = get_object_or_404(Post.objects.visible_to(member, at), public_id=pk)
        if is_liked:
            posts_services.like_post(post=post, member=member, at=at)
        else:
            posts_services.unlike_post(post=post, member=member)
        return Response(LikeSerializer({"liked": is_liked}).data)

    @extend_schema(methods=["get"], parameters=[ID], responses=TagsSerializer)
    @extend_schema(methods=["put"], parameters=[ID], request=TagsSerializer, responses=TagsSerializer)
    @action(detail=True, methods=["get", "put"])
    def tags(self, request: Request, pk: str) -> Response:
        """The tags of a post; PUT sets those of one's own."""
        if request.method == "PUT":
            member, data = member_of(request), checked(TagsSerializer, request)
            check_member_rate(member, "publish")
            post = get_object_or_404(Post, public_id=pk, author=member)
            tag_post(post=post, author=member, tags=data["tags"])
        post = get_object_or_404(Post.objects.visible_to(request.user, timezone.now()), public_id=pk)
        return Response({"tags": tags_of(post)})

    def _shown(self, request: Request, public_id: str, status: int = 200) -> Response:
        post = find_post(request, public_id)
        return Response(PostDetailSerializer(post, context={"request": request}).data, status=status)


class ProfileViewSet(viewsets.ViewSet):
    """Members as others see them."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    lookup_value_regex = r"[\w.@+-]{1,150}"
    NAME = OpenApiParameter("id", str, OpenApiParameter.PATH, description="The username")

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
        check_member_rate(member, "profile")
        avatar_id = data.pop("avatar")
        avatar = get_object_or_404(Image.objects.filter(author=member), public_id=avatar_id) if avatar_id else None
        profile = posts_services.edit_profile(member=member, avatar=avatar, at=at, **data)
        return Response(ProfileSerializer(profile, context={"request": request}).data)

    @extend_schema(parameters=[NAME, CURSOR], responses=PostPageSerializer)
    @action(detail=True)
    def posts(self, request: Request, pk: str) -> Response:
        """What a member published, the newest first."""
        at, viewer = timezone.now(), request.user
        member = get_object_or_404(visible_members(viewer, at), username__iexact=pk)
        listed = Post.objects.listed_for(viewer, at).filter(author=member).with_card(viewer)
        cursor = request.query_params.get("cursor", "")
        page = read_keyset(listed, by="published_at", cursor=cursor, size=PAGE_SIZE)
        return Response(post_page(request, page.rows, page.next))

    @extend_schema(parameters=[NAME, CURSOR], responses=PeopleSerializer)
    @action(detail=True)
    def following(self, request: Request, pk: str) -> Response:
        """Whom a member follows, the latest first."""
        return self._follows(request, pk, "followed")

    @extend_schema(parameters=[NAME, CURSOR], responses=PeopleSerializer)
    @action(detail=True)
    def followers(self, request: Request, pk: str) -> Response:
        """Who follows a member, the latest first."""
        return self._follows(request, pk, "member")

    def _follows(self, request: Request, username: str, side: FollowSide) -> Response:
        at, viewer = timezone.now(), request.user
        member = get_object_or_404(visible_members(viewer, at), username__iexact=username)
        rows = follows_of(member, viewer, at, side=side).select_related(side)
        return people_page(
            request, rows, lambda row: {"username": getattr(row, side).username, "since": row.created_at}
        )
