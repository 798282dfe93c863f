"""What a post's page tells, for programs: its family, its score, what looks like it, its settings to copy; and many
of one's own posts at a time."""

from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from feed.comments.services import count_comments
from feed.members.own_changes import remember_own_change
from feed.posts import export_formats
from feed.posts.bulk_actions import MOST_AT_ONCE, originals_archive, unpublish_posts
from feed.posts.lineage import Family, Relative, family_of
from feed.posts.models import Post
from feed.posts.near_duplicates import near_duplicates_of, variations_of
from feed.posts.serializers import PostSerializer
from feed.ranking.explain import score_of
from feed.rates import check_member_rate
from feed.tags.services import tags_of
from generation.api import LoraUseSerializer
from generation.queries import source_image_for
from lib.api import checked

ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
POSTS = OpenApiParameter("post", str, many=True, description="Ids of posts of yours; left out, all of them")


class PostDetailSerializer(PostSerializer):
    """One post with what its page tells and a list leaves out."""

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
        return tags_of(post)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_parent(self, post: Post) -> str | None:
        """Null where it began from nothing, and where the viewer may not see what it began from."""
        above = Post.objects.listed_for(self._viewer, timezone.now()).filter(image=post.image.generation.parent_id)
        return above.values_list("public_id", flat=True).first()

    def to_representation(self, post: Post) -> dict[str, Any]:
        """What a list says as a list says it, and the fields above."""
        more = [field for name, field in self.fields.items() if name not in PostSerializer._declared_fields]
        told = {str(field.field_name): field.to_representation(field.get_attribute(post)) for field in more}
        return {**super().to_representation(post), **told}


class ChangeSerializer(serializers.Serializer[Any]):
    change = serializers.ChoiceField(["same", "added", "removed"])
    text = serializers.CharField()


class RelativeSerializer(serializers.Serializer[Relative]):
    """A post of a family and the edge that leads to it; `children` are such objects again."""

    post = serializers.CharField(source="card.id")
    author = serializers.CharField(source="card.author_name")
    remixed = serializers.CharField(source="kind", help_text="How, in words; empty for a beginning")
    is_here = serializers.BooleanField(help_text="The post that was asked about")
    is_gap = serializers.BooleanField(help_text="Pictures that you may not see lie between")
    difference = ChangeSerializer(many=True, allow_null=True)
    children = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_children(self, relative: Relative) -> list[dict[str, Any]]:
        return [dict(RelativeSerializer(child).data) for child in relative.children]


class FamilySerializer(serializers.Serializer[Family]):
    root = RelativeSerializer()
    credits = serializers.ListField(child=serializers.CharField(), help_text="Authors above, the oldest first")


class PlaceSerializer(serializers.Serializer[Any]):
    list = serializers.CharField()
    value = serializers.FloatField()


class ScoreSerializer(serializers.Serializer[Any]):
    """Why it stands where it stands: ``hot = votes + age``."""

    hot = serializers.FloatField()
    votes = serializers.FloatField(help_text="log10 of the weight, at least 0")
    age = serializers.FloatField(help_text="Seconds from 1970 to publication / 45000")
    weight = serializers.IntegerField(help_text="likes + 2 x saves + 3 x remixes, of distinct others")
    places = PlaceSerializer(many=True, help_text="Its values in the lists that are worked out beforehand")


class AlikeSerializer(serializers.Serializer[Any]):
    variations = PostSerializer(many=True, help_text="Others of one generation, as drawn")
    near_duplicates = PostSerializer(many=True, help_text="Of the author, those that PDQ cannot tell apart")


class CopySerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    json = serializers.CharField(help_text="What POST /api/generations/ takes")
    parameters = serializers.CharField(help_text="As AUTOMATIC1111 writes them into PNGs")
    curl = serializers.CharField()


class ManyPostsSerializer(serializers.Serializer[Any]):
    posts = serializers.ListField(child=serializers.CharField(max_length=12), min_length=1, max_length=MOST_AT_ONCE)


@extend_schema_serializer(many=False)
class UnpublishedSerializer(serializers.Serializer[Any]):
    unpublished = serializers.IntegerField(help_text="How many were taken down")


class PostParts(viewsets.ViewSet):
    """Actions of `PostViewSet` beyond reading, publishing and liking one post."""

    @extend_schema(parameters=[ID], responses=FamilySerializer)
    @action(detail=True)
    def family(self, request: Request, pk: str) -> Response:
        """Whence it came and what came of it: 20 generations up and 3 down, 24 posts in each of those."""
        post = find_post(request, pk)
        return Response(FamilySerializer(family_of(post, request.user, timezone.now())).data)

    @extend_schema(parameters=[ID], responses=ScoreSerializer)
    @action(detail=True)
    def score(self, request: Request, pk: str) -> Response:
        """Why it is where it is: the terms of its score."""
        score = score_of(find_post(request, pk))
        places = [{"list": name, "value": value} for name, value in score.places]
        terms = {name: getattr(score, name) for name in ("hot", "votes", "age", "weight")}
        return Response(ScoreSerializer({**terms, "places": places}).data)

    @extend_schema(parameters=[ID], responses=AlikeSerializer)
    @action(detail=True)
    def alike(self, request: Request, pk: str) -> Response:
        """Variations of its generation, and the author's posts that look the same; 12 of each at most."""
        post, at = find_post(request, pk), timezone.now()
        variations, near = variations_of(post, request.user, at), near_duplicates_of(post, request.user, at)
        prefetch_related_objects([*variations, *near], "image__generation__style")
        shown = {"variations": PostSerializer.of(variations, request)}
        return Response({**shown, "near_duplicates": PostSerializer.of(near, request)})

    @extend_schema(parameters=[ID], responses=CopySerializer)
    @action(detail=True)
    def copy(self, request: Request, pk: str) -> Response:
        """Its settings in the forms people paste elsewhere; 404 where the author hides the prompt from you."""
        post = find_post(request, pk, is_prompt_readable=True)
        source = source_image_for(post.image, request.user, timezone.now())
        return Response(CopySerializer(export_formats.all_forms(post.image, source, settings.SITE_URL)).data)

    @extend_schema(operation_id="posts_unpublish_many", request=ManyPostsSerializer, responses=UnpublishedSerializer)
    @action(detail=False, methods=["post"], url_path="unpublish", permission_classes=[IsAuthenticated])
    def unpublish_many(self, request: Request) -> Response:
        """Takes up to 500 of one's own posts down; others' and those that are down already are passed over."""
        member, data = member_of(request), checked(ManyPostsSerializer, request)
        check_member_rate(member, "publish")
        count = unpublish_posts(author=member, public_ids=data["posts"])
        remember_own_change(member, timezone.now())
        return Response({"unpublished": count})

    @extend_schema(parameters=[POSTS], responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=False, permission_classes=[IsAuthenticated])
    def originals(self, request: Request) -> HttpResponseBase:
        """A ZIP of the PNGs behind one's own posts, recipes and all; the newest 2,000 at most."""
        member = member_of(request)
        check_member_rate(member, "publish")
        return originals_archive(member, request.query_params.getlist("post"))


def find_post(request: Request, public_id: str, *, is_prompt_readable: bool = False) -> Post:
    """Raises Http404 for what the caller may not see."""
    posts = Post.objects.visible_to(request.user, timezone.now()).with_card(request.user)
    post = get_object_or_404(posts.select_related("image__generation__style"), public_id=public_id)
    if is_prompt_readable and not post.may_read_prompt(request.user):
        raise Http404
    return post
