"""Posts for programs: lists, publishing, likes, tags, lineage, and running a seed again."""

from typing import Any

from django.conf import settings
from django.db.models import Q, prefetch_related_objects
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from feed.challenges.models import Challenge
from feed.challenges.services import publish_into_challenge
from feed.comments.queries import count_comments
from feed.lists.api import FeedListMixin
from feed.posts import export_formats
from feed.posts import services as posts_services
from feed.posts.bulk_actions import read_originals, unpublish_posts
from feed.posts.lineage import lineage_of
from feed.posts.models import Like, Post
from feed.posts.near_duplicates import near_duplicates_of, variations_of
from feed.posts.reproduction import outcome_of, reproduce_post
from feed.posts.serializers import (
    AlikeSerializer,
    CopySerializer,
    LikeSerializer,
    LineageSerializer,
    ManyPostsSerializer,
    PostSerializer,
    PublishSerializer,
    ReproducedSerializer,
    ReproduceSerializer,
    ScoreSerializer,
    TagsSerializer,
    UnpublishedSerializer,
)
from feed.ranking.explain import score_of
from feed.tags.services import tags_of
from generation.media.openings import remember_opening
from generation.models import Image
from generation.queries import source_image_for
from generation.requests.answers import LoraUseSerializer
from lib.api import ZipRenderer, checked
from lib.http import download, zip_files
from lib.http.converters import PUBLIC_ID

ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
POST_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Id of the post")
POSTS = OpenApiParameter("post", str, many=True, description="Ids of posts of yours; left out, all of them")


class PostDetailSerializer(PostSerializer):
    """One post with what its page shows and a list leaves out."""

    saved = serializers.BooleanField(source="is_saved", help_text="In your default collection")
    saves = serializers.IntegerField(source="count.saves")
    comments = serializers.SerializerMethodField(help_text="Those that you may read")
    tags = serializers.SerializerMethodField()
    loras = LoraUseSerializer(source="image.generation.loras", many=True)
    # Field has an attribute of this name; the serializer's metaclass takes ours out of its way.
    parent = serializers.SerializerMethodField(help_text="The post it was remixed from")  # type: ignore[assignment]
    remix_kind = serializers.CharField(source="image.generation.remix_kind")

    def get_comments(self, post: Post) -> int:
        return count_comments(post, self._viewer, timezone.now())

    def get_tags(self, post: Post) -> list[str]:
        return tags_of(post.pk)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_parent(self, post: Post) -> str | None:
        """Null where it began from nothing, and where the viewer may not see what it began from."""
        above = Post.objects.listed_for(self._viewer, timezone.now()).filter(image=post.image.generation.parent_id)
        return above.values_list("public_id", flat=True).first()

    def to_representation(self, post: Post) -> dict[str, Any]:
        """What a list says as a list says it, and the fields above."""
        more = [field for name, field in self.fields.items() if name not in PostSerializer._declared_fields]
        added = {str(field.field_name): field.to_representation(field.get_attribute(post)) for field in more}
        return {**super().to_representation(post), **added}


class PostViewSet(FeedListMixin, viewsets.ViewSet):
    """Posts, ranked; publishing pictures of one's own; likes."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(parameters=[ID], responses=PostDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return self._detail(request, pk)

    @extend_schema(request=PublishSerializer, responses={201: PostDetailSerializer})
    def create(self, request: Request) -> Response:
        """Publishes a finished picture of one's own. The same again changes what is given, never the age."""
        at, member, data = timezone.now(), member_of(request), checked(PublishSerializer, request)
        image = get_object_or_404(Image.objects.filter(author=member), public_id=data["image"])
        challenge = get_object_or_404(Challenge.objects.begun(at), day=data["challenge"]) if data["challenge"] else None
        fields = {name: data.get(name) for name in ("title", "hide_prompt", "tags", "alt_text")}
        post = publish_into_challenge(image=image, author=member, challenge=challenge, at=at, **fields)
        return self._detail(request, post.public_id, status=201)

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
        return self._detail(request, pk)

    @extend_schema(parameters=[ID], request=None, responses={200: LikeSerializer})
    @action(detail=True, methods=["put", "delete"], permission_classes=[IsAuthenticated])
    def like(self, request: Request, pk: str) -> Response:
        """PUT likes, DELETE withdraws; each may be repeated."""
        at, member, is_liked = timezone.now(), member_of(request), request.method == "PUT"
        visible = Q(pk__in=Post.objects.visible_to(member, at).values("pk"))
        if is_liked:
            post = get_object_or_404(Post, visible, public_id=pk)
            posts_services.like_post(post=post, member=member, at=at)
        else:  # also of what is no longer shown to them
            liked = Q(pk__in=Like.objects.filter(member=member).values("post"))
            posts_services.unlike_post(post=get_object_or_404(Post, visible | liked, public_id=pk), member=member)
        return Response(LikeSerializer({"liked": is_liked}).data)

    @extend_schema(methods=["get"], parameters=[ID], responses=TagsSerializer)
    @extend_schema(methods=["put"], parameters=[ID], request=TagsSerializer, responses=TagsSerializer)
    @action(detail=True, methods=["get", "put"])
    def tags(self, request: Request, pk: str) -> Response:
        """The tags of a post; PUT sets those of one's own."""
        if request.method == "PUT":
            member, data = member_of(request), checked(TagsSerializer, request)
            post = get_object_or_404(Post, public_id=pk, author=member)
            posts_services.tag_post(post=post, author=member, tags=data["tags"])
        post = get_object_or_404(Post.objects.visible_to(request.user, timezone.now()), public_id=pk)
        return Response({"tags": tags_of(post.pk)})

    @extend_schema(parameters=[ID], responses=LineageSerializer)
    @action(detail=True)
    def family(self, request: Request, pk: str) -> Response:
        """What it was remixed from and what was remixed from it: 20 generations up; 3 down, with 24 posts in each."""
        post = self._post(pk)
        return Response(LineageSerializer(lineage_of(post, request.user, timezone.now())).data)

    @extend_schema(parameters=[ID], responses=ScoreSerializer)
    @action(detail=True)
    def score(self, request: Request, pk: str) -> Response:
        """The terms of its score."""
        score = score_of(self._post(pk))
        places = [{"list": name, "value": value} for name, value in score.places]
        terms = {name: getattr(score, name) for name in ("hot", "votes", "age", "weight")}
        return Response(ScoreSerializer({**terms, "places": places}).data)

    @extend_schema(parameters=[ID], responses=AlikeSerializer)
    @action(detail=True)
    def alike(self, request: Request, pk: str) -> Response:
        """Variations of its generation, and the author's posts that look the same; 12 of each at most."""
        post, at = self._post(pk), timezone.now()
        variations, near = variations_of(post, request.user, at), near_duplicates_of(post, request.user, at)
        prefetch_related_objects([*variations, *near], "image__generation__style")
        shown = {"variations": PostSerializer.of(variations, request)}
        return Response({**shown, "near_duplicates": PostSerializer.of(near, request)})

    @extend_schema(parameters=[ID], responses=CopySerializer)
    @action(detail=True)
    def copy(self, request: Request, pk: str) -> Response:
        """Its settings in the forms people paste elsewhere; 404 where the author hides the prompt from you."""
        post = self._post(pk)
        if not post.may_read_prompt(request.user):
            raise Http404
        source = source_image_for(post.image, request.user, timezone.now())
        return Response(CopySerializer(export_formats.all_forms(post.image, source, settings.SITE_URL)).data)

    @extend_schema(operation_id="posts_unpublish_many", request=ManyPostsSerializer, responses=UnpublishedSerializer)
    @action(detail=False, methods=["post"], url_path="unpublish", permission_classes=[IsAuthenticated])
    def unpublish_many(self, request: Request) -> Response:
        """Takes up to 500 of one's own posts down; others' and those that are down already are passed over."""
        member, data = member_of(request), checked(ManyPostsSerializer, request)
        return Response({"unpublished": unpublish_posts(author=member, public_ids=data["posts"])})

    @extend_schema(parameters=[POSTS], responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=False, permission_classes=[IsAuthenticated], renderer_classes=[JSONRenderer, ZipRenderer])
    def originals(self, request: Request) -> HttpResponseBase:
        """A ZIP of the PNGs of one's own posts, with their parameters; the newest 2,000 at most."""
        member = member_of(request)
        files = read_originals(author=member, public_ids=request.query_params.getlist("post"))
        return download(f"{member.username}-originals.zip", zip_files(files))

    def _post(self, public_id: str) -> Post:
        """Raises Http404 for what the caller may not see."""
        return get_object_or_404(Post.objects.for_page(self.request.user, timezone.now()), public_id=public_id)

    def _detail(self, request: Request, public_id: str, status: int = 200) -> Response:
        post = self._post(public_id)
        remember_opening(request.user, post.image_id)
        return Response(PostDetailSerializer(post, context={"request": request}).data, status=status)


class ReproductionViewSet(viewsets.ViewSet):
    """The same seed and settings again, and how far the new picture is from the old one."""

    permission_classes = [IsAuthenticated]
    token_scope = Scope.GENERATE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(request=ReproduceSerializer, responses={201: ReproducedSerializer})
    def create(self, request: Request) -> Response:
        """Runs a post's seed again; once a post, however often it is asked for."""
        at, member, data = timezone.now(), member_of(request), checked(ReproduceSerializer, request)
        posts = Post.objects.visible_to(member, at).select_related("image__generation__checkpoint")
        post = get_object_or_404(posts, public_id=data["post"])
        reproduce_post(post=post, member=member, at=at)
        return Response(ReproducedSerializer(outcome_of(post, member)).data, status=201)

    @extend_schema(parameters=[POST_ID], responses=ReproducedSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        post = get_object_or_404(Post.objects.visible_to(member, timezone.now()).select_related("image"), public_id=pk)
        if (outcome := outcome_of(post, member)) is None:
            raise Http404
        return Response(ReproducedSerializer(outcome).data)
