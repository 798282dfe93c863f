"""Comments for programs."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from feed.comments import services as comments_services
from feed.comments.models import Comment
from feed.comments.queries import read_threads
from feed.comments.serializers import (
    CommentSerializer,
    CommentTextSerializer,
    NewCommentSerializer,
    ThreadPageSerializer,
    ThreadSerializer,
)
from feed.posts.models import Post
from lib.api import checked

POST = OpenApiParameter("post", str, required=True, description="Id of the post")
CURSOR = OpenApiParameter("cursor", str, description="From `next` of the page before; opaque")
ID = OpenApiParameter("id", str, OpenApiParameter.PATH)


class CommentViewSet(viewsets.ViewSet):
    """Comments below posts."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    lookup_value_regex = r"[\w-]{12}"

    @extend_schema(parameters=[POST, CURSOR], responses=ThreadPageSerializer)
    def list(self, request: Request) -> Response:
        """Threads below a post, the newest first."""
        at, viewer, query = timezone.now(), request.user, request.query_params
        post = get_object_or_404(Post.objects.visible_to(viewer, at), public_id=query.get("post", ""))
        threads = read_threads(post, viewer, at=at, cursor=query.get("cursor", ""))
        following = f"{request.path}?post={post.public_id}&cursor={threads.next}"
        return Response(
            {
                "next": request.build_absolute_uri(following) if threads.next else None,
                "results": ThreadSerializer(threads.rows, many=True).data,  # type: ignore[arg-type]  # many=True
            }
        )

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
