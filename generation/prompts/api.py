"""The count of a prompt's tokens, for other programs."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from generation.models import Checkpoint
from generation.prompts.expansion import expand_prompt
from generation.prompts.tokens import count_prompt
from generation.validation import MAX_PROMPT
from lib.api import checked
from lib.text.fields import ApiText


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


class PromptSerializer(serializers.Serializer[object]):
    prompt = ApiText(max_length=MAX_PROMPT)


class ExpansionSerializer(serializers.Serializer[object]):
    """A proposal; nothing is drawn with it before you ask for that."""

    prompt = serializers.CharField(help_text="as it was, to undo")
    expanded = serializers.CharField(help_text="the same as `prompt` where nothing fits")
    added = serializers.ListField(child=serializers.CharField(), help_text="phrases that were added")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["community", "model"], help_text="who proposes it"
    )


class PromptExpansionView(APIView):
    """A richer prompt, from what the community publishes."""

    token_scope = Scope.READ
    permission_classes = [IsAuthenticated]

    @extend_schema(request=PromptSerializer, responses=ExpansionSerializer)
    def post(self, request: Request) -> Response:
        """Proposes an expanded prompt."""
        prompt = checked(PromptSerializer, request)["prompt"]
        return Response(
            ExpansionSerializer(expand_prompt(prompt=prompt, member=member_of(request), longest=MAX_PROMPT)).data
        )
