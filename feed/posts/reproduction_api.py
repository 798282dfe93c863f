"""Running a post's seed again, for programs."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from feed.posts.models import Post
from feed.posts.reproduction import Outcome, outcome_of, reproduce_post
from feed.rates import check_member_rate
from lib.api import checked

POST = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Id of the post")


class AskAgainSerializer(serializers.Serializer[Any]):
    post = serializers.CharField(help_text="Id of the post")


class ReproducedSerializer(serializers.Serializer[Outcome]):
    generation = serializers.CharField(source="reproduction.generation.public_id")
    image = serializers.CharField(source="image.public_id")
    state = serializers.CharField(source="image.state")
    distance = serializers.IntegerField(allow_null=True, help_text="Bits of 256 in which the PDQ hashes differ")
    verdict = serializers.ChoiceField(["", "same", "alike", "other"])
    changed = serializers.ListField(child=serializers.CharField())


class ReproductionViewSet(viewsets.ViewSet):
    """The same seed and settings again, and how far the new picture is from the old one."""

    permission_classes = [IsAuthenticated]
    lookup_value_regex = r"[\w-]{12}"

    @extend_schema(request=AskAgainSerializer, responses={201: ReproducedSerializer})
    def create(self, request: Request) -> Response:
        """Runs a post's seed again; once a post, however often it is asked for."""
        at, member, data = timezone.now(), member_of(request), checked(AskAgainSerializer, request)
        check_member_rate(member, "reproduce")
        posts = Post.objects.visible_to(member, at).select_related("image__generation__checkpoint")
        post = get_object_or_404(posts, public_id=data["post"])
        reproduce_post(post=post, member=member, at=at)
        return Response(ReproducedSerializer(outcome_of(post, member)).data, status=201)

    @extend_schema(parameters=[POST], responses=ReproducedSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        post = get_object_or_404(Post.objects.visible_to(member, timezone.now()).select_related("image"), public_id=pk)
        if (outcome := outcome_of(post, member)) is None:
            raise Http404
        return Response(ReproducedSerializer(outcome).data)
