"""Comments for programs."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from feed.comments import services as comments_services
from feed.comments.models import Comment
from feed.comments.queries import read_threads
from feed.comments.serializers import (
    CommentSerializer,
    CommentTextSerializer,
    NewCommentSerializer,
    ThreadSerializer,
)
from feed.posts.models import Post
from lib.api import checked
from lib.http.converters import PUBLIC_ID
from lib.pagination import NextPagination

POST = OpenApiParameter("post", str, required=True, description="Id of the post")
ID = OpenApiParameter("id", str, OpenApiParameter.PATH)


class CommentViewSet(viewsets.GenericViewSet[Comment]):
    """Comments below posts."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    queryset = Comment.objects.none()  # for the schema
    serializer_class = CommentSerializer
    pagination_class = NextPagination
    paginator: NextPagination
    lookup_value_regex = PUBLIC_ID

    @extend_schema(parameters=[POST], responses=ThreadSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Threads below a post, the newest first."""
        at, viewer, query = timezone.now(), request.user, request.query_params
        post = get_object_or_404(Post.objects.visible_to(viewer, at), public_id=query.get("post", ""))
        threads = read_threads(post, viewer, at=at, cursor=query.get("cursor", ""))
        self.paginator.set_page(request, threads.next)
        return self.get_paginated_response(ThreadSerializer(threads.rows, many=True).data)  # type: ignore[arg-type]

    @extend_schema(parameters=[ID], responses=CommentSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        shown = Comment.objects.visible_to(request.user, timezone.now()).select_related("author")
        return Response(CommentSerializer(get_object_or_404(shown, public_id=pk)).data)

    @extend_schema(request=NewCommentSerializer, responses={201: CommentSerializer})
    def create(self, request: Request) -> Response:
        """Writes a comment below a post, or answers one."""
        at, member, data = timezone.now(), member_of(request), checked(NewCommentSerializer, request)
        post = get_object_or_404(Post.objects.visible_to(member, at), public_id=data["post"])
        readable = Comment.objects.filter(post=post).readable_by(member, at)
        parent = get_object_or_404(readable, public_id=data["answers"]) if data["answers"] else None
        comment = comments_services.post_comment(post=post, author=member, text=data["text"], parent=parent, at=at)
        return Response(CommentSerializer(comment).data, status=201)

    @extend_schema(parameters=[ID], request=CommentTextSerializer, responses=CommentSerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Changes the text of one's own comment."""
        member, data = member_of(request), checked(CommentTextSerializer, request)
        comment = get_object_or_404(Comment.objects.filter(author=member), public_id=pk)
        return Response(
            CommentSerializer(comments_services.edit_comment(comment=comment, author=member, text=data["text"])).data
        )

    @extend_schema(parameters=[ID], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Deletes one's own comment for good, or one below one's own post; answers stay."""
        member = member_of(request)
        comment = get_object_or_404(Comment.objects.deletable_by(member), public_id=pk)
        comments_services.delete_comment(comment=comment, member=member)
        return Response(status=204)
