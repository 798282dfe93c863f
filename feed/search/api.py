"""REST API of search."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tokens.scopes import Scope
from feed.lists.api import CURSOR, post_page
from feed.posts.serializers import PostSerializer
from feed.search import similar
from feed.search.query_language import LONGEST
from feed.search.results import search_posts
from lib.api import checked
from lib.http import client_network
from lib.images import open_picture

QUERY = OpenApiParameter(
    "q",
    str,
    required=True,
    description='Words, "phrases", -without, and by: checkpoint: style: tag: seed: before: after: like: looks: order:',
)


class UsedSerializer(serializers.Serializer[Any]):
    """How one part of the query was used."""

    part = serializers.CharField(help_text="As it was typed")
    how = serializers.ChoiceField(
        ["exact", "prefix", "typo", "phrase", "without", "meaning", "picture", "more", "less", "filter", "unused"]
    )
    words = serializers.CharField(help_text="The same as a text")


@extend_schema_serializer(many=False)  # the page is the list
class ResultPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    used = UsedSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    results = PostSerializer(many=True)


class PictureUploadSerializer(serializers.Serializer[Any]):
    picture = serializers.FileField()


class PictureQuerySerializer(serializers.Serializer[Any]):
    q = serializers.CharField(help_text="A query for GET /api/search/")


class SearchViewSet(viewsets.ViewSet):
    """Searches posts by words, meaning and pictures, among those that the caller may see."""

    permission_classes = [AllowAny]
    token_scope = Scope.READ

    @extend_schema(parameters=[QUERY, CURSOR], responses=ResultPageSerializer)
    def list(self, request: Request) -> Response:
        """A page of results; `used` explains how each part of the query was used."""
        at, text = timezone.now(), request.query_params.get("q", "")[: LONGEST + 1]
        address, cursor = client_network(request), request.query_params.get("cursor", "")
        page = search_posts(text, request.user, address=address, at=at, cursor=cursor)
        results = post_page(request, page.posts, page.next)
        return Response({**results, "used": UsedSerializer(page.used, many=True).data, "notes": page.notes})

    @extend_schema(request=PictureUploadSerializer, responses=PictureQuerySerializer)
    @action(detail=False, methods=["post"], parser_classes=[MultiPartParser])
    def picture(self, request: Request) -> Response:
        """The query that finds pictures similar to an uploaded one; the upload is not kept."""
        picture = open_picture(checked(PictureUploadSerializer, request)["picture"])
        query = similar.query_for_picture(picture, request.user, address=client_network(request))
        return Response({"q": query})
