"""Comments as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from feed.comments.models import Comment
from feed.comments.queries import CommentNode
from feed.comments.services import MAX_LENGTH
from lib.text.fields import ApiLine, ApiText


class CommentSerializer(serializers.Serializer[Comment]):
    id = serializers.CharField(source="public_id")
    author = serializers.CharField(source="author.username")
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)


class ThreadSerializer(serializers.Serializer[CommentNode]):
    """A comment with its answers, oldest first; `comment` is null where it is not shown and an answer is."""

    comment = CommentSerializer(allow_null=True)
    answers = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_answers(self, node: CommentNode) -> Any:
        return ThreadSerializer(node.answers, many=True).data  # type: ignore[arg-type]  # many=True


class CommentTextSerializer(serializers.Serializer[Any]):
    text = ApiText(max_length=MAX_LENGTH)


class NewCommentSerializer(CommentTextSerializer):
    post = ApiLine(help_text="Id of the post")
    answers = ApiLine(default="", allow_blank=True, help_text="Id of the comment that is answered")
