"""Public benchmarks in the API: protocol, every registered model, figures with intervals, and the bundle."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.tokens.scopes import Scope
from lib.api import ZipRenderer
from lib.http.converters import SLUG
from ratings.benchmarks.bundle import bundle, results_of
from ratings.benchmarks.models import Benchmark, BenchmarkQuerySet


class BenchmarkSerializer(serializers.ModelSerializer[Benchmark]):
    id = serializers.CharField(source="slug", read_only=True)
    prompt_set = serializers.CharField(source="prompt_set.slug", read_only=True)
    prompts_sha256 = serializers.CharField(source="prompt_set.sha256", read_only=True)
    state = serializers.CharField(read_only=True)  # a value of Benchmark.State
    checkpoints = serializers.SerializerMethodField()

    class Meta:
        model = Benchmark
        fields = [
            "id", "title", "state", "prompt_set", "prompts_sha256", "checkpoints", "protocol_sha256", "registered_at",
            "closes_at", "closed_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_checkpoints(self, benchmark: Benchmark) -> list[str]:
        return [row["slug"] for row in benchmark.protocol["checkpoints"]]


class BenchmarkDetailSerializer(BenchmarkSerializer):
    """With the protocol, and the figures so far: they are not final while `state` is not `closed`."""

    protocol = serializers.JSONField(read_only=True)
    figures = serializers.SerializerMethodField()

    class Meta(BenchmarkSerializer.Meta):
        fields = [*BenchmarkSerializer.Meta.fields, "protocol", "figures"]
        read_only_fields = fields

    def get_figures(self, benchmark: Benchmark) -> dict[str, Any]:
        return results_of(benchmark)


class BenchmarkViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Benchmark]):
    """What stands on the public pages; nothing here is written."""

    permission_classes = [AllowAny]
    token_scope = Scope.READ
    serializer_class = BenchmarkSerializer
    lookup_field = "slug"
    lookup_value_regex = SLUG
    queryset = Benchmark.objects.none()

    def get_queryset(self) -> BenchmarkQuerySet:
        return Benchmark.objects.shown().select_related("prompt_set")

    def get_serializer_class(self) -> type[BenchmarkSerializer]:
        return BenchmarkDetailSerializer if self.action == "retrieve" else BenchmarkSerializer

    @extend_schema(responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY)})
    @action(detail=True, methods=["get"], renderer_classes=[JSONRenderer, ZipRenderer])
    def bundle(self, request: Request, slug: str) -> HttpResponse:
        """Prompts, protocol and results as a zip that is enough to run it again elsewhere."""
        benchmark = self.get_object()
        name = f'attachment; filename="{benchmark.slug}.zip"'
        return HttpResponse(bundle(benchmark), content_type="application/zip", headers={"Content-Disposition": name})
