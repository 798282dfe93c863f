"""What staff may set up (checkpoints, styles, LoRAs) and look at; images change by services alone."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from generation.models import (
    BatchCap,
    Checkpoint,
    ControlNet,
    Generation,
    Image,
    ImagePrompt,
    Lora,
    PoolWorker,
    Style,
    TextualInversion,
)


@admin.register(Checkpoint)
class CheckpointAdmin(admin.ModelAdmin[Checkpoint]):
    list_display = ("name", "slug", "source", "licence", "outputs_may_train", "pool", "is_enabled")
    list_filter = ("is_enabled", "outputs_may_train", "pool")
    readonly_fields = ("sha256", "created_at")


@admin.register(Style)
class StyleAdmin(admin.ModelAdmin[Style]):
    list_display = ("name", "slug", "template")
    filter_horizontal = ("checkpoints",)


@admin.register(Lora)
class LoraAdmin(admin.ModelAdmin[Lora]):
    list_display = ("name", "slug", "base_family", "checkpoint", "licence", "is_enabled")
    list_select_related = ("checkpoint",)
    readonly_fields = ("sha256",)


@admin.register(TextualInversion)
class TextualInversionAdmin(admin.ModelAdmin[TextualInversion]):
    list_display = ("name", "slug", "base_family", "checkpoint", "licence", "is_enabled")
    list_select_related = ("checkpoint",)
    readonly_fields = ("sha256",)


@admin.register(ControlNet)
class ControlNetAdmin(admin.ModelAdmin[ControlNet]):
    list_display = ("name", "slug", "base_family", "checkpoint", "licence", "is_enabled")
    list_select_related = ("checkpoint",)
    readonly_fields = ("sha256",)


@admin.register(ImagePrompt)
class ImagePromptAdmin(admin.ModelAdmin[ImagePrompt]):
    list_display = ("name", "slug", "base_family", "checkpoint", "licence", "is_enabled")
    list_select_related = ("checkpoint",)
    readonly_fields = ("sha256",)


@admin.register(BatchCap)
class BatchCapAdmin(admin.ModelAdmin[BatchCap]):
    list_display = ("checkpoint", "device", "width", "height", "cap", "images_per_second", "updated_at")
    list_select_related = ("checkpoint",)


@admin.register(PoolWorker)
class PoolWorkerAdmin(ReadOnlyAdmin):
    list_display = ("name", "pool", "units_per_second", "seen_at")


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "author", "checkpoint", "steps", "submitted_at")
    list_select_related = ("author", "checkpoint")
    search_fields = ("public_id", "author__username")


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "author", "state", "attempts", "interruptions", "worker", "pool", "queued_at")
    list_filter = ("state", "pool")
    list_select_related = ("author",)
    search_fields = ("public_id", "author__username")
