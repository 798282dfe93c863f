"""REST API of lists of posts: the feed in every sort, and what all lists of posts share."""

from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from feed.lists.fast import anonymous_cache
from feed.lists.pages import read_page
from feed.lists.spec import SPEC_PARAMETERS, FeedSpec
from feed.posts.models import Post
from feed.posts.serializers import PostSerializer
from feed.ranking.orders import ASPECT_NAMES, SORT_NAMES, WINDOWS
from lib.pagination import next_link

CURSOR = OpenApiParameter("cursor", str, description="From `next` of the page before; opaque")
SORT = OpenApiParameter("sort", str, enum=list(SORT_NAMES), default="hot")
WINDOW = OpenApiParameter("window", str, enum=list(WINDOWS), description="With sort=top: published within")
ASPECT = OpenApiParameter("aspect", str, enum=list(ASPECT_NAMES), description="With sort=best")
TAG = OpenApiParameter("tag", str, description="Only posts with this tag")
SEEN = OpenApiParameter("seen", str, enum=["hide"], description="Leave out what you had on screen within a week")


@extend_schema_serializer(many=False)  # the page is the list
class PostPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = PostSerializer(many=True)


def post_page(request: Request, posts: list[Post], next_cursor: str | None) -> dict[str, Any]:
    """A page of posts as JSON: ``{"next": address or null, "results": […]}``."""
    return {"next": next_link(request, next_cursor), "results": PostSerializer.of(posts, request)}


class FeedListMixin:
    """The list action of posts."""

    @extend_schema(parameters=[SORT, WINDOW, ASPECT, TAG, SEEN, CURSOR], responses=PostPageSerializer)
    def list(self, request: Request) -> HttpResponseBase:
        """A page of the feed. Following `next` shows every post once, whatever happens to the ranking meanwhile."""

        def make_page() -> dict[str, Any]:
            query, at = request.query_params, timezone.now()
            spec = FeedSpec.parse(request.user, *(query.get(name, "") for name in SPEC_PARAMETERS))
            cursor, hide_seen = query.get("cursor", ""), query.get("seen") == "hide"
            page = read_page(spec, request.user, at=at, cursor=cursor, hide_seen=hide_seen)
            return post_page(request, page.posts, page.next)

        if anonymous_cache.is_cacheable(request):
            return anonymous_cache.respond(request, make_page)
        return Response(make_page())
