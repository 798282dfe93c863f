"""What requests for pictures, and pictures themselves, are answered with."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Viewer
from generation.media import signing
from generation.models import Checkpoint, Generation, Image, ImageState, InputPicture, Style, Upload
from generation.parameters import kind_of
from generation.queue.queries import Place, places_of
from generation.requests.budgets import allowance_of
from generation.requests.edits import offer_of
from generation.requests.serializers import AllowanceSerializer, BordersSerializer


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    styles: "serializers.SlugRelatedField[Style]" = serializers.SlugRelatedField(
        slug_field="slug", many=True, read_only=True
    )
    kinds = serializers.SerializerMethodField()
    controls = serializers.SerializerMethodField()
    reference_method = serializers.SerializerMethodField()

    class Meta:
        model = Checkpoint
        fields = ["slug", "name", "licence", "outputs_may_train", "sizes", "default_steps", "max_steps",
                  "default_guidance", "schedulers", "styles", "kinds", "controls", "reference_method"]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_kinds(self, checkpoint: Checkpoint) -> list[str]:
        """What it can be asked for."""
        return offer_of(checkpoint).kinds

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_controls(self, checkpoint: Checkpoint) -> list[str]:
        """Slugs of the ControlNets that it can follow a picture with."""
        return [each.slug for each in offer_of(checkpoint).controls]

    @extend_schema_field(serializers.CharField())
    def get_reference_method(self, checkpoint: Checkpoint) -> str:
        """How a mood board is followed: by the pictures themselves, or only by words that their prompts share."""
        return offer_of(checkpoint).reference_method


class UploadSerializer(serializers.ModelSerializer[Upload]):
    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Upload
        fields = ["id", "state", "failure", "width", "height", "content_level", "created_at"]


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
        fields = ["id", "position", "seed", "variation_seed", "state", "message", "place", "eta_s", "cost_units",
                  "width", "height", "alt_text", "content_level", "is_public", "thumbhash", "url", "original_url",
                  "queued_at", "ready_at"]  # fmt: skip

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


class ControlUseSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    strength = serializers.FloatField()


class ReferencesSerializer(serializers.Serializer[Any]):
    """How a mood board was followed: `words` were added to the prompt where no model looked at the pictures."""

    method = serializers.CharField(help_text="ip_adapter or words")
    count = serializers.IntegerField()
    strength = serializers.FloatField(default=0.6)
    words = serializers.ListField(child=serializers.CharField(), default=list)


class EditSerializer(serializers.Serializer[Any]):
    """The numbers of an edit; what is not there is not used."""

    mask_margin = serializers.IntegerField(required=False, help_text="Pixels that the mask was enlarged by")
    mask_feather = serializers.IntegerField(required=False, help_text="Pixels over which it was blended")
    borders = BordersSerializer(required=False)
    factor = serializers.FloatField(required=False, help_text="How much larger each side became")
    variation_strength = serializers.FloatField(required=False)
    control = ControlUseSerializer(required=False)
    references = ReferencesSerializer(required=False)


class InputPictureSerializer(serializers.ModelSerializer[InputPicture]):
    """A picture beside the source; both are null once it is gone."""

    image = serializers.SlugRelatedField(slug_field="public_id", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    upload = serializers.SlugRelatedField(slug_field="public_id", read_only=True, allow_null=True)  # type: ignore[var-annotated]

    class Meta:
        model = InputPicture
        fields = ["role", "position", "image", "upload"]


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
    kind = serializers.SerializerMethodField()
    edit = EditSerializer(read_only=True)
    inputs = InputPictureSerializer(many=True, read_only=True)
    images = serializers.SerializerMethodField()

    class Meta:
        model = Generation
        fields = ["id", "prompt", "negative_prompt", "checkpoint", "style", "scheduler", "steps", "guidance", "width",
                  "height", "loras", "parent", "remix_kind", "source_image", "source_upload", "strength", "clip_skip",
                  "kind", "edit", "is_draft", "inputs", "submitted_at", "images"]  # fmt: skip

    @extend_schema_field(serializers.CharField())
    def get_kind(self, generation: Generation) -> str:
        return kind_of(generation)

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
