"""What requests for pictures send and are answered with."""

from typing import Any

from rest_framework import serializers

from generation.catalogue.kinds import MAX_REFERENCES, Kind
from generation.models import Generation
from lib.text.fields import ApiLine, ApiNumber, ApiText


class BordersSerializer(serializers.Serializer[Any]):
    """Pixels that a picture grows by."""

    left = serializers.IntegerField(default=0, min_value=0)
    top = serializers.IntegerField(default=0, min_value=0)
    right = serializers.IntegerField(default=0, min_value=0)
    bottom = serializers.IntegerField(default=0, min_value=0)


class GenerationRequestSerializer(serializers.Serializer[Any]):
    """The form of a request; `services.submit_generation` says which values go together."""

    prompt = ApiText(allow_blank=True, trim_whitespace=False)
    checkpoint = ApiLine()
    negative_prompt = ApiText(allow_blank=True, default="")
    style = ApiLine(allow_blank=True, default="")  # type: ignore[assignment]
    count = serializers.IntegerField(default=4)
    seed = ApiLine(allow_null=True, allow_blank=True, default=None, help_text="0 to 2⁶³ - 1")
    width = serializers.IntegerField(allow_null=True, default=None)
    height = serializers.IntegerField(allow_null=True, default=None)
    steps = serializers.IntegerField(allow_null=True, default=None)
    guidance = ApiNumber(allow_null=True, default=None)
    scheduler = ApiLine(allow_null=True, allow_blank=True, default=None)
    loras = serializers.ListField(child=serializers.DictField(), default=list, max_length=8)
    parent = ApiLine(  # type: ignore[assignment]
        allow_null=True, default=None, help_text="An image to remix"
    )
    source_upload = ApiLine(
        allow_null=True, default=None, help_text="An upload of yours to start from, as an earlier generation names it"
    )
    remix_kind = serializers.ChoiceField(Generation.RemixKind.choices, allow_blank=True, default="")
    source_image = ApiLine(allow_null=True, default=None, help_text="An image to start from")
    strength = ApiNumber(allow_null=True, default=None)
    clip_skip = serializers.IntegerField(
        allow_null=True, default=None, help_text="1 reads the last layer of the text encoder, 2 the one before"
    )
    kind = ApiLine(
        allow_blank=True, default="",
        help_text=f"{', '.join(Kind)}; left out, it follows from the pictures that come along",
    )  # fmt: skip
    mask_upload = ApiLine(allow_null=True, default=None, help_text="Upload, white where the source is drawn anew")
    mask_margin = serializers.IntegerField(allow_null=True, default=None, help_text="Pixels that a mask is enlarged by")
    mask_feather = serializers.IntegerField(allow_null=True, default=None, help_text="Pixels over which it is blended")
    borders = BordersSerializer(allow_null=True, default=None, help_text="For outpaint")
    upscale_factor = ApiNumber(allow_null=True, default=None)
    control = ApiLine(allow_blank=True, default="", help_text="Slug of a ControlNet of the checkpoint")
    control_image = ApiLine(allow_null=True, default=None, help_text="An image to follow")
    control_upload = ApiLine(allow_null=True, default=None, help_text="An upload of yours to follow")
    control_strength = ApiNumber(allow_null=True, default=None)
    references = serializers.ListField(
        child=ApiLine(), default=list, max_length=MAX_REFERENCES, help_text="Mood board: images, or uploads of yours"
    )
    reference_strength = ApiNumber(allow_null=True, default=None)
    variation_strength = ApiNumber(allow_null=True, default=None, help_text="Part of the other noise, from 0 to 1")
    variation_seed = ApiLine(allow_null=True, allow_blank=True, default=None)
    is_draft = serializers.BooleanField(default=False, help_text="One picture of few steps, to be finished later")
    confirm_doubtful = serializers.BooleanField(default=False)


class PictureGenerationRequestSerializer(GenerationRequestSerializer):
    """The same with a picture to start from, as a form."""

    source_file = serializers.FileField(allow_empty_file=True, help_text="A picture to start from")
    mask_file = serializers.FileField(
        allow_empty_file=True, required=False, help_text="White where the source is drawn anew; no transparency"
    )
    # Forms hold no lists of objects, and there is one source.
    loras = source_image = source_upload = borders = references = None  # type: ignore[assignment]


class UploadRequestSerializer(serializers.Serializer[Any]):
    """A picture to keep."""

    file = serializers.FileField(allow_empty_file=True)


class AllowanceSerializer(serializers.Serializer[Any]):
    """What you may have drawn within 24 hours, in cost units (pixels x steps x passes)."""

    limit = serializers.IntegerField(allow_null=True, help_text="null: there is no limit")
    used = serializers.IntegerField(help_text="charged, and reserved for what waits")
    left = serializers.IntegerField(allow_null=True)
    refills_at = serializers.DateTimeField(allow_null=True)


class CostSerializer(serializers.Serializer[Any]):
    cost_units = serializers.IntegerField(help_text="of all images together")
    per_image = serializers.IntegerField()
    share_percent = serializers.IntegerField(help_text="of what you may use in 24 hours, rounded up; 0 without a limit")
    fits = serializers.BooleanField()
    allowance = AllowanceSerializer()


class VariationSerializer(serializers.Serializer[Any]):
    """How far variations go from a picture, and how many are asked for."""

    strength = ApiNumber(allow_null=True, default=None, help_text="From 0 (the same picture) to 1 (another one)")
    count = serializers.IntegerField(default=4)


class FinishSerializer(serializers.Serializer[Any]):
    """How a draft is drawn to its end; what is left out is usual."""

    steps = serializers.IntegerField(allow_null=True, default=None)
    strength = ApiNumber(allow_null=True, default=None, help_text="How much may change from the draft")


class PlaceSerializer(serializers.Serializer[Any]):
    place = serializers.IntegerField(min_value=1, max_value=10_000, help_text="among your own, from 1")
