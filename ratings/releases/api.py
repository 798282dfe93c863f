"""Dataset releases in the API, for the research team; others get 404."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Role
from accounts.permissions import HasRole, member_of
from accounts.tokens.scopes import Scope
from lib.content_levels import ContentLevel
from lib.http.converters import PUBLIC_ID
from lib.text.fields import ApiLine, ApiNumber, ApiSlug
from ratings.releases import previews
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.formats.registry import FORMATS, USUAL
from ratings.releases.models import Release, ReleaseQuerySet
from ratings.releases.point_releases import start_point_release


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    id = serializers.CharField(source="public_id", read_only=True)
    filter = serializers.JSONField(read_only=True)

    class Meta:
        model = Release
        fields = ["id", "name", "kinds", "filter", "state", "failure", "plan", "manifest", "as_of", "published_at"]
        read_only_fields = fields


@extend_schema_field({"type": "string", "pattern": "^[-a-zA-Z0-9_]*$", "default": ""})
class _SlugField(ApiSlug):
    """The slug of a checkpoint or campaign, or nothing."""


class ReleaseRequestSerializer(serializers.Serializer[Any]):
    name = ApiLine(max_length=120, required=False, default="", allow_blank=True)
    kinds = serializers.MultipleChoiceField(choices=[(kind, kind) for kind in FORMATS], default=set(USUAL))
    level = serializers.ChoiceField(choices=ContentLevel.choices, default=ContentLevel.GENERAL)
    since = serializers.DateField(required=False, allow_null=True, default=None)
    checkpoint = _SlugField(required=False, allow_blank=True, default="")
    with_simulated = serializers.BooleanField(default=True)
    min_margin = ApiNumber(min_value=0, max_value=1, default=0.0)
    campaign = _SlugField(required=False, allow_blank=True, default="")

    def get_choice(self) -> dict[str, Any]:
        """`filter` and `kinds` for the services; call on a valid serializer."""
        data = self.validated_data
        names = ("level", "since", "checkpoint", "with_simulated", "min_margin", "campaign")
        filter = ReleaseFilter(**{name: data[name] for name in names})
        return {"filter": filter, "kinds": sorted(data["kinds"])}


class ReleaseViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Release]):
    permission_classes = [HasRole.of(Role.RESEARCHER)]
    token_scope = Scope.RESEARCH
    serializer_class = ReleaseSerializer
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID
    queryset = Release.objects.none()

    def get_queryset(self) -> ReleaseQuerySet:
        return Release.objects.visible_to(self.request.user).order_by("-created_at", "-pk")

    @extend_schema(request=ReleaseRequestSerializer, responses={201: ReleaseSerializer})
    def create(self, request: Request) -> Response:
        """Starts a release; workers plan and build it. Get it again to see its progress."""
        choice = _parse_request(request)
        name = choice.validated_data["name"]
        release = releases_services.start_release(**choice.get_choice(), name=name, created_by=member_of(request))
        return Response(ReleaseSerializer(release).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ReleaseRequestSerializer, responses={200: dict[str, Any], 202: None})
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """What a release would hold: rows, what is left out and why, label balance, required splits without a row.

        Over a long ledger a worker counts: the answer is 202, and the same request a little later returns the counts.
        """
        preview = previews.request_preview(**_parse_request(request).get_choice(), member=member_of(request))
        if preview is None:
            return Response(status=status.HTTP_202_ACCEPTED)
        return Response({name: value for name, value in preview.items() if name != "examples"})

    @extend_schema(request=None, responses=ReleaseSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, public_id: str) -> Response:
        """Cancels an unfinished release; changes nothing about one that ended."""
        release = self.get_object()
        releases_services.cancel_release(release=release)
        release.refresh_from_db()
        return Response(ReleaseSerializer(release).data)

    @extend_schema(request=None, responses={201: ReleaseSerializer})
    @action(detail=True, methods=["post"])
    def follow(self, request: Request, public_id: str) -> Response:
        """Starts a point release: this one again without deleted rows; this one is withdrawn."""
        follower = start_point_release(release=self.get_object(), created_by=member_of(request))
        return Response(ReleaseSerializer(follower).data, status=status.HTTP_201_CREATED)


def _parse_request(request: Request) -> ReleaseRequestSerializer:
    serializer = ReleaseRequestSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer
