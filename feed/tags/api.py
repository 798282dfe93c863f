"""Tags for programs."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tokens.scopes import Scope
from feed.posts.models import Post
from feed.posts.serializers import TagsSerializer
from feed.tags.services import suggest_tags

Q = OpenApiParameter("q", str, required=True, description="How the tag begins")


class TagViewSet(viewsets.ViewSet):
    """What a half-written tag may become."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.READ

    @extend_schema(parameters=[Q], responses=TagsSerializer)
    def list(self, request: Request) -> Response:
        """The most used tags that begin with `q`; an alias brings the tag it stands for."""
        posts = Post.objects.listed_for(request.user, timezone.now())
        return Response({"tags": suggest_tags(beginning=request.query_params.get("q", "")[:40], posts=posts)})
