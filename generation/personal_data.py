"""Generation's part of “download my data” and “delete my account” (see accounts.hooks)."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from generation.media import storage
from generation.media.blanks import blank_images
from generation.models import PENDING, Generation, Image, ImageState, PromptExample, QueueShare, Upload

COVERED = frozenset(
    {
        "generation.Generation.author",
        "generation.Generation.parent",  # what others made from it keeps pointing at the tombstone
        "generation.Generation.source_image",
        "generation.Image.author",
        "generation.InputPicture.image",  # what others made after it keeps pointing at the tombstone
        "generation.PromptExample.image",
        "generation.QueueShare.author",  # a number that means nothing elsewhere
        "generation.Upload.author",
    }
)


def export(user: User) -> dict[str, Any]:
    images = Image.objects.filter(author=user).order_by("pk")
    return {
        "generations": list(
            Generation.objects.filter(author=user)
            .order_by("pk")
            .values("public_id", "prompt", "negative_prompt", "checkpoint__slug", "style__slug", "scheduler", "steps",
                    "guidance", "width", "height", "parent__public_id", "remix_kind", "strength", "kind", "edit",
                    "is_draft", "submitted_at")
        ),
        "images": list(
            images.values("public_id", "generation__public_id", "seed", "state", "alt_text", "content_level",
                          "is_public", "is_prompt_hidden", "is_favourite", "queued_at", "ready_at", "deleted_at")
        ),
        "uploads": list(
            Upload.objects.filter(author=user).order_by("pk").values("public_id", "width", "height", "created_at")
        ),
    }  # fmt: skip


def erase(user: User) -> None:
    """Tombstones for images, blank prompts for generations, nothing for uploads; files go after the commit."""
    images = Image.objects.filter(author=user)
    # A worker that still draws one of them finds its lease gone and drops what it brings.
    images.filter(state__in=PENDING).update(state=ImageState.CANCELLED, lease_expires_at=None)
    PromptExample.objects.filter(image__author=user).delete()
    QueueShare.objects.filter(author=user).delete()
    blank_images(images.filter(deleted_at=None), at=timezone.now())
    Generation.objects.filter(author=user).update(prompt="", negative_prompt="", edit={})
    uploads = Upload.objects.filter(author=user)
    names = list(uploads.values_list("file", flat=True))
    uploads.delete()
    transaction.on_commit(lambda: storage.delete_each(names))
