"""The feed for programs: posts, profiles, challenges."""

from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from accounts.permissions import member_of
from feed.challenges.models import Challenge
from feed.challenges.services import begun_on, entries_of
from feed.lists.fast import anonymous_cache
from feed.lists.pages import PAGE_SIZE, Page, read_page
from feed.lists.spec import SPEC_PARAMETERS, FeedSpec
from feed.members.api import PeopleSerializer, people_page
from feed.members.own_changes import remember_own_change
from feed.members.queries import FollowSide, follows_of, profile_of, visible_members
from feed.posts import services as posts_services
from feed.posts.detail_api import PostDetailSerializer, PostParts, find_post
from feed.posts.models import Post
from feed.posts.serializers import (
    ChallengePageSerializer,
    ChallengeSerializer,
    EditProfileSerializer,
    EnterSerializer,
    LikeSerializer,
    PostPageSerializer,
    PostSerializer,
    ProfileSerializer,
    PublishSerializer,
    TagsSerializer,
)
from feed.ranking.orders import ASPECT_NAMES, SORT_NAMES, WINDOWS
from feed.rates import check_member_rate
from feed.tags.services import tag_post, tags_of
from generation.models import Image
from lib.api import checked
from lib.pagination import read_keyset

CURSOR = OpenApiParameter("cursor", str, description="From `next` of the page before; opaque")
SORT = OpenApiParameter("sort", str, enum=list(SORT_NAMES), default="hot")
ASPECT = OpenApiParameter("aspect", str, enum=list(ASPECT_NAMES), description="With sort=best")
TAG = OpenApiParameter("tag", str, description="Only what has this tag")
SEEN = OpenApiParameter("seen", str, enum=["hide"], description="Leave out what you had on screen within a week")
WINDOW = OpenApiParameter("window", str, enum=list(WINDOWS), description="With sort=top: published within")
ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
DAY = OpenApiParameter("day", OpenApiTypes.DATE, OpenApiParameter.PATH)


def posts_shown(request: Request, posts: list[Post], next_cursor: str | None, base: str) -> dict[str, Any]:
    """The page of a list of posts: ``{"next": address or null, "results": […]}``."""
    query = request.query_params.copy()
    query["cursor"] = next_cursor or ""
    following = request.build_absolute_uri(f"{base}?{query.urlencode()}") if next_cursor else None
    return {"next": following, "results": PostSerializer.of(posts, request)}


class PostViewSet(PostParts):
    """Posts, ranked; publishing pictures of one's own; likes."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    lookup_value_regex = r"[\w-]{12}"
    cache_version: anonymous_cache.CacheVersion | None = None  # of a request that a kept page may answer

    def get_throttles(self) -> list[BaseThrottle]:
        throttles: list[BaseThrottle] = super().get_throttles()
        if self.action == "list" and anonymous_cache.is_cacheable(self.request):
            self.cache_version = anonymous_cache.read_with_throttle(throttles)
        return throttles

    @extend_schema(parameters=[SORT, WINDOW, ASPECT, TAG, SEEN, CURSOR], responses=PostPageSerializer)
    def list(self, request: Request) -> HttpResponseBase:
        """A page of the feed. Following `next` shows every post once, whatever happens to the ranking meanwhile."""

        def read() -> dict[str, Any]:
            query, at = request.query_params, timezone.now()
            spec = FeedSpec.parse(request.user, *(query.get(name, "") for name in SPEC_PARAMETERS))
            cursor, hide_seen = query.get("cursor", ""), query.get("seen") == "hide"
            page: Page = read_page(spec, request.user, at=at, cursor=cursor, hide_seen=hide_seen)
            return posts_shown(request, page.posts, page.next, request.path)

        return anonymous_cache.respond(request, self.cache_version, read) if self.cache_version else Response(read())

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
        return Response(posts_shown(request, page.rows, page.next, request.path))

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


class ChallengeViewSet(viewsets.ViewSet):
    """Daily themes: today's and earlier ones, their entries, and entering."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    lookup_field = "day"
    lookup_value_regex = r"\d{4}-\d{2}-\d{2}"

    @extend_schema(parameters=[CURSOR], responses=ChallengePageSerializer)
    def list(self, request: Request) -> Response:
        """The latest first; themes to come are not told."""
        at = timezone.now()
        begun = Challenge.objects.begun(at)
        page = read_keyset(begun, by="day", cursor=request.query_params.get("cursor", ""), size=PAGE_SIZE)
        base = request.build_absolute_uri(reverse("api:challenge-list"))
        following = f"{base}?cursor={page.next}" if page.next else None
        return Response(
            {"next": following, "results": ChallengeSerializer(page.rows, many=True, context={"at": at}).data}
        )

    @extend_schema(parameters=[DAY], responses=ChallengeSerializer)
    def retrieve(self, request: Request, day: str) -> Response:
        at = timezone.now()
        return Response(ChallengeSerializer(self._challenge(day), context={"at": at}).data)

    @extend_schema(parameters=[DAY, CURSOR], responses=PostPageSerializer)
    @action(detail=True)
    def entries(self, request: Request, day: str) -> Response:
        at, viewer = timezone.now(), request.user
        entries = entries_of(self._challenge(day), viewer, at).with_card(viewer)
        cursor = request.query_params.get("cursor", "")
        page = read_keyset(entries, by="published_at", cursor=cursor, size=PAGE_SIZE)
        return Response(posts_shown(request, page.rows, page.next, request.path))

    @extend_schema(parameters=[DAY], request=EnterSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def enter(self, request: Request, day: str) -> Response:
        """Enters a post of one's own; again changes nothing."""
        at, member, data = timezone.now(), member_of(request), checked(EnterSerializer, request)
        check_member_rate(member, "publish")
        post = get_object_or_404(Post, public_id=data["post"], author=member)
        posts_services.enter_challenge(challenge=self._challenge(day), post=post, member=member, at=at)
        return Response(status=204)

    def _challenge(self, day: str) -> Challenge:
        return begun_on(day, timezone.now())
