"""Generations and images in the API; `services` does the same work as the pages."""

import secrets
from collections.abc import Callable
from typing import Any, cast

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Viewer
from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from generation import services
from generation.media import signing
from generation.media.openings import remember_opening
from generation.models import (
    Checkpoint,
    Generation,
    GenerationQuerySet,
    Image,
    ImageQuerySet,
    ImageState,
    Style,
    Upload,
)
from generation.parameters import Wanted
from generation.queue.queries import Place, places_of
from generation.requests import waiting
from generation.requests.budgets import Allowance, allowance_of
from generation.requests.serializers import (
    AllowanceSerializer,
    CostSerializer,
    GenerationRequestSerializer,
    PictureGenerationRequestSerializer,
    PlaceSerializer,
)
from generation.validation import check_request
from lib.api import checked
from lib.http.converters import PUBLIC_ID, SLUG


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    styles: "serializers.SlugRelatedField[Style]" = serializers.SlugRelatedField(
        slug_field="slug", many=True, read_only=True
    )

    class Meta:
        model = Checkpoint
        fields = ["slug", "name", "licence", "outputs_may_train", "sizes", "default_steps", "max_steps",
                  "default_guidance", "schedulers", "styles"]  # fmt: skip


class StyleSerializer(serializers.ModelSerializer[Style]):
    class Meta:
        model = Style
        fields = ["slug", "name", "template", "negative_prompt"]


class ImageSerializer(serializers.ModelSerializer[Image]):
    id = serializers.CharField(source="public_id", read_only=True)
    message = serializers.SerializerMethodField()
    alt_text = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    original_url = serializers.SerializerMethodField()
    place = serializers.SerializerMethodField()
    eta_s = serializers.SerializerMethodField()

    class Meta:
        model = Image
        fields = ["id", "position", "seed", "state", "message", "place", "eta_s", "cost_units", "width", "height",
                  "alt_text", "content_level", "is_public", "thumbhash", "url", "original_url", "queued_at",
                  "ready_at"]  # fmt: skip

    def get_message(self, image: Image) -> str:
        return image.message()

    def get_alt_text(self, image: Image) -> str:
        return image.alt_for(self._viewer)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_url(self, image: Image) -> str | None:
        """A WebP. The address of a picture that is not public opens for you alone: send the same token or cookie."""
        return signing.picture(image, viewer_may_sign=True, viewer=self._viewer).src if _is_there(image) else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_original_url(self, image: Image) -> str | None:
        return signing.original_url(image, viewer_may_sign=True, viewer=self._viewer) if _is_there(image) else None

    @property
    def _viewer(self) -> Viewer | None:
        request = self.context.get("request")
        return request.user if request else None

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_place(self, image: Image) -> int | None:
        """In the queue, from 1; null when it does not wait, or is too far back to say."""
        place = self._place(image)
        return None if place is None else place.place

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_eta_s(self, image: Image) -> int | None:
        """Seconds until it is drawn, by the speed that was measured; null where it is not known."""
        place = self._place(image)
        return None if place is None else place.eta_s

    def _place(self, image: Image) -> Place | None:
        """Only the author learns it; a list brings the places of all along."""
        if image.state != ImageState.QUEUED:
            return None
        known: dict[int, Place] = self.context.get("places", {})
        return known.get(image.pk) or places_of([image], at=timezone.now()).get(image.pk)


def _is_there(image: Image) -> bool:
    return bool(image.prefix) and image.state in (ImageState.READY, ImageState.HELD, ImageState.REJECTED)


class LoraUseSerializer(serializers.Serializer[Any]):
    """A LoRA as a picture was made with it."""

    slug = serializers.CharField()
    weight = serializers.FloatField()


class GenerationSerializer(serializers.ModelSerializer[Generation]):
    id = serializers.CharField(source="public_id", read_only=True)
    checkpoint: "serializers.SlugRelatedField[Checkpoint]" = serializers.SlugRelatedField(
        slug_field="slug", read_only=True
    )
    # Field has attributes of these names; the serializer's metaclass takes ours out of their way.
    style = serializers.SlugRelatedField(slug_field="slug", read_only=True, allow_null=True)  # type: ignore[assignment, var-annotated]
    parent = serializers.SlugRelatedField(slug_field="public_id", read_only=True, allow_null=True)  # type: ignore[assignment, var-annotated]
    loras = LoraUseSerializer(many=True, read_only=True)
    source_image = serializers.SlugRelatedField(slug_field="public_id", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    source_upload = serializers.SlugRelatedField(  # type: ignore[var-annotated]
        slug_field="public_id",
        source="upload",
        read_only=True,
        allow_null=True,
        help_text="Only you can start from it again",
    )
    images = serializers.SerializerMethodField()

    class Meta:
        model = Generation
        fields = ["id", "prompt", "negative_prompt", "checkpoint", "style", "scheduler", "steps", "guidance", "width",
                  "height", "loras", "parent", "remix_kind", "source_image", "source_upload", "strength", "clip_skip",
                  "submitted_at", "images"]  # fmt: skip

    @extend_schema_field(ImageSerializer(many=True))
    def get_images(self, generation: Generation) -> list[dict[str, Any]]:
        kept = [image for image in generation.images.all() if image.deleted_at is None]
        kept.sort(key=lambda image: image.position)
        context = {**self.context, "places": places_of(kept, at=timezone.now())}
        return list(ImageSerializer(kept, many=True, context=context).data)


class CreatedSerializer(GenerationSerializer):
    """A new generation, and what is left after it."""

    allowance = serializers.SerializerMethodField()

    class Meta(GenerationSerializer.Meta):
        fields = [*GenerationSerializer.Meta.fields, "allowance"]

    @extend_schema_field(AllowanceSerializer)
    def get_allowance(self, generation: Generation) -> dict[str, Any]:
        return dict(AllowanceSerializer(allowance_of(generation.author, timezone.now())).data)


@extend_schema_view(retrieve=extend_schema(parameters=[OpenApiParameter("slug", str, OpenApiParameter.PATH)]))
class CheckpointViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Checkpoint]):
    """What pictures can be made with."""

    serializer_class = CheckpointSerializer
    permission_classes = [AllowAny]
    token_scope = Scope.READ
    lookup_field = "slug"
    lookup_value_regex = SLUG
    queryset = Checkpoint.objects.enabled().prefetch_related("styles")


class StyleViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Style]):
    serializer_class = StyleSerializer
    permission_classes = [AllowAny]
    token_scope = Scope.READ
    queryset = Style.objects.all()


class GenerationViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Generation]):
    """Your own generations."""

    serializer_class = GenerationSerializer
    permission_classes = [IsAuthenticated]
    token_scope = Scope.GENERATE
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID
    queryset = Generation.objects.none()

    def get_queryset(self) -> GenerationQuerySet:
        rows = Generation.objects.visible_to(self.request.user)
        return rows.select_related("checkpoint", "style", "parent", "source_image", "upload").prefetch_related("images")

    @extend_schema(
        request=GenerationRequestSerializer,
        responses={201: CreatedSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def create(self, request: Request) -> Response:
        """Asks for images. With an `Idempotency-Key`, asking again brings the same generation back; another request
        with the same key is refused (409).
        """
        return self._submit(request, has_file=bool(request.FILES))

    @extend_schema(
        request=PictureGenerationRequestSerializer,
        responses={201: CreatedSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    @action(detail=False, methods=["post"], url_path="from-picture", parser_classes=[MultiPartParser])
    def from_picture(self, request: Request) -> Response:
        """Asks for images that start from a picture of yours."""
        return self._submit(request, has_file=True)

    def _submit(self, request: Request, *, has_file: bool) -> Response:
        values = _asked(request, has_file=has_file)
        for name in ("parent", "source_image"):
            values[name] = _visible_image(request, values.get(name))
        if named := values.get("source_upload"):
            values["source_upload"] = get_object_or_404(Upload.objects.visible_to(request.user), public_id=named)
        made = services.submit_generation(author=member_of(request), idempotency_key=_key(request), **values)
        return self._created(made)

    @extend_schema(responses=AllowanceSerializer)
    @action(detail=False, methods=["get"])
    def allowance(self, request: Request) -> Response:
        """What you have used of your 24 hours, and what is left."""
        return Response(AllowanceSerializer(allowance_of(member_of(request), timezone.now())).data)

    @extend_schema(request=GenerationRequestSerializer, responses=CostSerializer)
    @action(detail=False, methods=["post"])
    def cost(self, request: Request) -> Response:
        """What a request would cost, without asking for it."""
        values = _asked(request, has_file=bool(request.FILES))
        has_source = any(values.get(name) for name in ("source_image", "source_upload", "source_file"))
        asked = check_request(cast(Wanted, values), has_source=has_source)
        allowance: Allowance = allowance_of(member_of(request), timezone.now())
        found = {
            "cost_units": asked.cost_units,
            "per_image": asked.parameters.cost_units(),
            "share_percent": allowance.share_of(asked.cost_units),
            "fits": allowance.fits(asked.cost_units),
            "allowance": allowance,
        }
        return Response(CostSerializer(found).data)

    @extend_schema(request=None, responses=GenerationSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, public_id: str) -> Response:
        waiting.cancel_generation(generation=self.get_object(), author=member_of(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=GenerationSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, public_id: str) -> Response:
        """Keeps what waits from being drawn until you resume it."""
        waiting.pause_images(images=self.get_object().images.all(), author=member_of(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=GenerationSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, public_id: str) -> Response:
        waiting.resume_images(images=self.get_object().images.all(), author=member_of(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        request=None,
        responses={201: CreatedSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, public_id: str) -> Response:
        """Asks for the same again, with new seeds."""
        made = services.clone_generation(
            generation=self.get_object(), author=member_of(request), idempotency_key=_key(request)
        )
        return self._created(made)

    def _created(self, made: Generation) -> Response:
        generation = self.get_queryset().select_related("author").get(pk=made.pk)
        created = CreatedSerializer(generation, context=self.get_serializer_context())
        return Response(created.data, status=status.HTTP_201_CREATED)


def _asked(request: Request, *, has_file: bool) -> dict[str, Any]:
    """The request's values; a picture comes with a form only."""
    return checked(PictureGenerationRequestSerializer if has_file else GenerationRequestSerializer, request)


def _key(request: Request) -> str:
    return request.headers.get("Idempotency-Key") or secrets.token_urlsafe(24)


def _visible_image(request: Request, public_id: str | None) -> Image | None:
    if not public_id:
        return None
    return get_object_or_404(Image.objects.visible_to(request.user, timezone.now()), public_id=public_id)


class ImageViewSet(viewsets.GenericViewSet[Image]):
    """Images you may see; your own can be deleted, tried again, and while they wait cancelled, paused and moved."""

    serializer_class = ImageSerializer
    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID
    queryset = Image.objects.none()

    def get_queryset(self) -> ImageQuerySet:
        rows = Image.objects.visible_to(self.request.user, timezone.now())
        if self.action in ("destroy", "retry", "cancel", "pause", "resume", "move"):
            rows = rows.filter(author_id=self.request.user.pk or 0)
        return rows.select_related("generation")

    def retrieve(self, request: Request, public_id: str) -> Response:
        image = self.get_object()
        remember_opening(request.user, image.pk)
        return Response(self.get_serializer(image).data)

    def destroy(self, request: Request, public_id: str) -> Response:
        services.delete_image(image=self.get_object(), author=member_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ImageSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], token_scope=Scope.GENERATE)
    def retry(self, request: Request, public_id: str) -> Response:
        image = services.retry_image(image=self.get_object(), author=member_of(request))
        return Response(self.get_serializer(image).data)

    @extend_schema(request=None, responses=ImageSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], token_scope=Scope.GENERATE)
    def cancel(self, request: Request, public_id: str) -> Response:
        return self._change(waiting.cancel_images)

    @extend_schema(request=None, responses=ImageSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], token_scope=Scope.GENERATE)
    def pause(self, request: Request, public_id: str) -> Response:
        return self._change(waiting.pause_images)

    @extend_schema(request=None, responses=ImageSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], token_scope=Scope.GENERATE)
    def resume(self, request: Request, public_id: str) -> Response:
        return self._change(waiting.resume_images)

    def _change(self, change: Callable[..., object]) -> Response:
        """Changes the image by a service of `waiting`, and says how it is now."""
        images = Image.objects.filter(pk=self.get_object().pk)
        change(images=images, author=member_of(self.request))
        return Response(self.get_serializer(images.select_related("generation").get()).data)

    @extend_schema(request=PlaceSerializer, responses=ImageSerializer(many=True))
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], token_scope=Scope.GENERATE)
    def move(self, request: Request, public_id: str) -> Response:
        """Moves it to a place among your own waiting images; returns them in their new order."""
        asked = PlaceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        place = asked.validated_data["place"]
        own = waiting.move_image(image=self.get_object(), author=member_of(request), place=place)
        return Response(self.get_serializer(own, many=True).data)
