"""The count of a prompt's tokens, for other programs."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.tokens.scopes import Scope
from generation.models import Checkpoint
from generation.prompts.tokens import count_prompt
from generation.validation import MAX_PROMPT


class PromptTokensSerializer(serializers.Serializer[object]):
    tokens = serializers.IntegerField()
    limit = serializers.IntegerField(help_text="Tokens that the checkpoint reads; 0 where it reads all of them")
    unread = serializers.CharField(help_text="The end of the prompt that it will not read")
    is_exact = serializers.BooleanField(help_text="False where the checkpoint's own tokenizer is not at hand")


class PromptTokensView(APIView):
    """How long a prompt is for a checkpoint."""

    token_scope = Scope.READ
    permission_classes = [AllowAny]

    @extend_schema(
        responses=PromptTokensSerializer,
        parameters=[OpenApiParameter("prompt", str), OpenApiParameter("checkpoint", str, required=True)],
    )
    def get(self, request: Request) -> Response:
        """Counts a prompt's tokens."""
        slug = request.query_params.get("checkpoint", "").replace("\x00", "")[:64]
        row = get_object_or_404(Checkpoint.objects.enabled(), slug=slug)
        prompt = request.query_params.get("prompt", "").replace("\x00", "")[:MAX_PROMPT]
        count = count_prompt(prompt, location=row.source, limit=row.token_limit)
        return Response(PromptTokensSerializer(count).data)
