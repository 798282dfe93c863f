"""REST API of emergent styles."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from feed.posts.serializers import PostSerializer
from feed.styles import clustering
from feed.styles import services as styles_services
from feed.styles.models import EmergentStyle, StyleName, StyleWeek
from feed.styles.queries import names_of, trending_styles, weeks_of
from lib.api import checked
from lib.http.converters import PUBLIC_ID
from lib.text.fields import ApiLine

ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
NAME = OpenApiParameter("name_id", str, OpenApiParameter.PATH)


class StyleNameSerializer(serializers.ModelSerializer[StyleName]):
    id = serializers.CharField(source="public_id", read_only=True)
    likes = serializers.IntegerField(source="score", read_only=True)

    class Meta:
        model = StyleName
        fields = ["id", "name", "likes"]


class StyleWeekSerializer(serializers.ModelSerializer[StyleWeek]):
    rise = serializers.FloatField(source="growth_ratio", help_text="Share of posts over that of the four weeks before")
    luck = serializers.SerializerMethodField(help_text="Likes per post over the site's in that week")

    class Meta:
        model = StyleWeek
        fields = ["week", "posts", "likes", "rise", "luck"]

    def get_luck(self, row: StyleWeek) -> float:
        return round(clustering.relative_like_rate(row.posts, row.likes, row.site_posts, row.site_likes), 3)


class RisingStyleSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="style.public_id")
    words = serializers.CharField(source="style.words")
    name = serializers.CharField(source="title", help_text="The most liked name, or typical words")
    week = StyleWeekSerializer()
    examples = PostSerializer(many=True)


@extend_schema_serializer(many=False)  # one page is all there is
class RisingStylesSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = RisingStyleSerializer(many=True)


class StyleDetailSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="style.public_id")
    words = serializers.CharField(source="style.words")
    names = StyleNameSerializer(many=True)
    weeks = StyleWeekSerializer(many=True)


class SuggestNameSerializer(serializers.Serializer[Any]):
    name = ApiLine(max_length=styles_services.LONGEST)


class EmergentStyleViewSet(viewsets.ViewSet):
    """Groups of prompts whose style words mean nearly the same, with their growth and likes; named by members."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(responses=RisingStylesSerializer)
    def list(self, request: Request) -> Response:
        """The styles of the latest week, the fastest growing first, with examples that the caller may see."""
        shown = trending_styles(request.user, timezone.now())
        results = RisingStyleSerializer(shown, many=True, context={"request": request}).data
        return Response({"next": None, "results": results})

    @extend_schema(parameters=[ID], responses=StyleDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        style = get_object_or_404(EmergentStyle, public_id=pk)
        names = names_of([style], timezone.now()).get(style.pk, [])
        return Response(StyleDetailSerializer({"style": style, "names": names, "weeks": weeks_of(style)}).data)

    @extend_schema(parameters=[ID], request=SuggestNameSerializer, responses=StyleDetailSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def names(self, request: Request, pk: str) -> Response:
        """Suggests a name and likes it."""
        style, member = get_object_or_404(EmergentStyle, public_id=pk), member_of(request)
        styles_services.suggest_name(style=style, member=member, name=checked(SuggestNameSerializer, request)["name"])
        return self.retrieve(request, pk)

    @extend_schema(parameters=[ID, NAME], request=None, responses={204: None})
    @action(detail=True, methods=["put", "delete"], permission_classes=[IsAuthenticated],
            url_path=f"names/(?P<name_id>{PUBLIC_ID})/like")  # fmt: skip
    def like_name(self, request: Request, pk: str, name_id: str) -> Response:
        """PUT likes a name, DELETE withdraws the like; either may be repeated."""
        style = get_object_or_404(EmergentStyle, public_id=pk)
        change = styles_services.like_name if request.method == "PUT" else styles_services.unlike_name
        change(style=style, name_id=name_id, member=member_of(request))
        return Response(status=204)
