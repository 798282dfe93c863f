"""Generations and images in the API; `services` does the same work as the pages."""

import secrets
from collections.abc import Callable
from typing import Any, cast

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from generation import services
from generation.media.openings import remember_opening
from generation.models import (
    Checkpoint,
    Generation,
    GenerationQuerySet,
    Image,
    ImageQuerySet,
    Style,
    Upload,
    UploadQuerySet,
)
from generation.parameters import Wanted
from generation.requests import waiting
from generation.requests.answers import (
    CheckpointSerializer,
    CreatedSerializer,
    GenerationSerializer,
    ImageSerializer,
    StyleSerializer,
    UploadSerializer,
)
from generation.requests.budgets import Allowance, allowance_of
from generation.requests.pictures import Opened, PictureArguments, Pictures, named_pictures
from generation.requests.serializers import (
    AllowanceSerializer,
    CostSerializer,
    FinishSerializer,
    GenerationRequestSerializer,
    PictureGenerationRequestSerializer,
    PlaceSerializer,
    UploadRequestSerializer,
    VariationSerializer,
)
from generation.validation import check_request
from lib.api import checked
from lib.http.converters import PUBLIC_ID, SLUG


@extend_schema_view(retrieve=extend_schema(parameters=[OpenApiParameter("slug", str, OpenApiParameter.PATH)]))
class CheckpointViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Checkpoint]):
    """What pictures can be made with."""

    serializer_class = CheckpointSerializer
    permission_classes = [AllowAny]
    token_scope = Scope.READ
    lookup_field = "slug"
    lookup_value_regex = SLUG
    queryset = Checkpoint.objects.enabled().prefetch_related("styles")


class UploadViewSet(
    mixins.RetrieveModelMixin, mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Upload]
):
    """Pictures of yours to start from, to redraw by (masks), to follow, or for a mood board."""

    serializer_class = UploadSerializer
    permission_classes = [IsAuthenticated]
    token_scope = Scope.GENERATE
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID
    queryset = Upload.objects.none()

    def get_queryset(self) -> UploadQuerySet:
        return Upload.objects.visible_to(self.request.user).order_by("-pk")

    @extend_schema(request=UploadRequestSerializer, responses={201: UploadSerializer})
    def create(self, request: Request) -> Response:
        """Keeps a picture, at most 2048 pixels a side and without its metadata.

        It can be named in a request at once; nothing is drawn from it before its `state` is "ready". "refused" says why
        in `failure`, and what waited for it fails with the same sentence.
        """
        file = checked(UploadRequestSerializer, request)["file"]
        upload = services.upload_picture(author=member_of(request), file=file)
        return Response(self.get_serializer(upload).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: Upload) -> None:
        """What was drawn from it stays; what waits for it fails."""
        services.delete_upload(upload=instance, author=member_of(self.request))


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
        rows = rows.select_related("checkpoint", "style", "parent", "source_image", "upload")
        return rows.prefetch_related("images", "inputs__image", "inputs__upload")

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
        values, pictures = _asked(request, has_file=has_file)
        values["parent"] = _visible_image(request, values.get("parent"))
        made = services.submit_generation(
            author=member_of(request), idempotency_key=_key(request), **pictures, **values
        )
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
        values, pictures = _asked(request, has_file=bool(request.FILES))
        member, at = member_of(request), timezone.now()
        brought = Pictures(
            source=values.get("source_file") or pictures["source_upload"] or pictures["source_image"],
            mask=pictures["mask"],
            control=pictures["control_picture"],
            references=pictures["references"],
        )
        asked = check_request(cast(Wanted, values), given=Opened.of(brought, member, at).given(member))
        allowance: Allowance = allowance_of(member, at)
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


def _asked(request: Request, *, has_file: bool) -> tuple[dict[str, Any], PictureArguments]:
    """The request's values, and the pictures that it names; new ones come with a form only."""
    values = checked(PictureGenerationRequestSerializer if has_file else GenerationRequestSerializer, request)
    pictures = named_pictures(member_of(request), values, timezone.now())
    for name in ("source_image", "source_upload", "mask_upload", "control_image", "control_upload", "references"):
        values.pop(name, None)
    if mask := values.pop("mask_file", None):
        pictures["mask"] = mask
    return values, pictures


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
        if self.action in ("destroy", "retry", "cancel", "pause", "resume", "move", "finish"):
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

    @extend_schema(
        request=VariationSerializer,
        responses={201: CreatedSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], token_scope=Scope.GENERATE)
    def vary(self, request: Request, public_id: str) -> Response:
        """Asks for pictures near this one: its seed and settings, with a part of another seed's noise."""
        asked = checked(VariationSerializer, request)
        return self._created(
            services.vary_image(
                image=self._with_settings(), author=member_of(request), idempotency_key=_key(request), **asked
            )
        )

    @extend_schema(
        request=FinishSerializer,
        responses={201: CreatedSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], token_scope=Scope.GENERATE)
    def finish(self, request: Request, public_id: str) -> Response:
        """Draws a draft of yours to its end: what was seen is what comes."""
        asked = checked(FinishSerializer, request)
        return self._created(
            services.finish_draft(
                image=self._with_settings(), author=member_of(request), idempotency_key=_key(request), **asked
            )
        )

    def _with_settings(self) -> Image:
        rows = Image.objects.select_related("generation__checkpoint", "generation__style", "generation__source_image",
                                            "generation__upload")  # fmt: skip
        return rows.get(pk=self.get_object().pk)

    def _created(self, made: Generation) -> Response:
        created = CreatedSerializer(made, context=self.get_serializer_context())
        return Response(created.data, status=status.HTTP_201_CREATED)

    @extend_schema(request=PlaceSerializer, responses=ImageSerializer(many=True))
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated], token_scope=Scope.GENERATE)
    def move(self, request: Request, public_id: str) -> Response:
        """Moves it to a place among your own waiting images; returns them in their new order."""
        asked = PlaceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        place = asked.validated_data["place"]
        own = waiting.move_image(image=self.get_object(), author=member_of(request), place=place)
        return Response(self.get_serializer(own, many=True).data)
