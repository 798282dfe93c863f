"""The files of pictures: public ones at plain addresses, every other at one signed for its viewer.

Who that is, and whether they may see it, is checked at each request. Bytes always pass through here, also from S3: no
address of a store is given away.
"""

import io
from datetime import datetime

from django.core.files.base import File
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import Role, User
from accounts.permissions import viewer_of
from generation.media import encoding, signing, storage
from generation.media.metadata import without_parameters
from generation.models import Image, ImageState
from lib.http import serve_file
from lib.images import open_stored
from moderation.evidence.services import is_sealed

TYPES = {"webp": "image/webp", "avif": "image/avif", "png": "image/png", "jpg": "image/jpeg"}


@require_safe
def rendition(request: HttpRequest, public_id: str, content: str, width: str, form: str) -> HttpResponseBase:
    """One file of a picture. Public ones are cached for an hour at most, so that a removal is a removal."""
    at = timezone.now()
    image = _image(public_id, content, int(width), form)
    is_plain = _is_for_everybody(image, at)
    if not is_plain and not _may_open(request, image, at):
        raise Http404
    is_bare = form == "png" and image.is_prompt_hidden
    name = f"{image.prefix}/" + ("original.png" if form == "png" else f"{content}-{width}.{form}")
    try:
        response = serve_file(
            request,
            open_file=lambda: _opened(image, name, int(width), form, is_bare=is_bare),
            etag=f'"{content}-{width}-{form}{"-bare" if is_bare else ""}"',
            last_modified=image.ready_at,
            content_type=TYPES[form],
            headers=_cache_headers(image, is_plain=is_plain),
        )
    except FileNotFoundError:
        raise Http404 from None
    return _safe(response, filename=f"{public_id}.{form}" if "download" in request.GET else "")


def _may_open(request: HttpRequest, image: Image, at: datetime) -> bool:
    """Whether the address was signed for this viewer, and they may see the picture.

    A banned member's published pictures keep their plain addresses, which open for moderators.
    """
    viewer = viewer_of(request)
    if not isinstance(viewer, User):
        return False
    if not signing.is_plainly_public(image) and not signing.is_signed(image, request.GET.get("s", ""), viewer, at=at):
        return False
    if _is_sealed(image) and not viewer.has_role(Role.STAFF):
        return False
    return Image.objects.visible_to(viewer, at).filter(pk=image.pk).exists()


def _is_sealed(image: Image) -> bool:
    return image.state == ImageState.REJECTED and is_sealed(file=storage.original_name(image))


def _cache_headers(image: Image, *, is_plain: bool) -> dict[str, str]:
    """A browser asks again for what is not published, so that nothing of it is shown after signing out."""
    if is_plain:
        return {"Cache-Control": "public, max-age=3600"}
    if image.state != ImageState.READY:
        kept = "private, no-store"
    else:
        kept = "private, max-age=600" if image.is_public else "private, no-cache"
    return {"Cache-Control": kept, "Vary": "Authorization, Cookie"}


def _opened(image: Image, name: str, width: int, form: str, *, is_bare: bool) -> File[bytes]:
    if form == "jpg":
        return _jpeg(image, width)
    return _bare_png(name) if is_bare else storage.open_file(name)


def _jpeg(image: Image, width: int) -> File[bytes]:
    """A small JPEG made in memory from the training copy, which carries no metadata."""
    picture = open_stored(storage.training_jpeg(image))
    return File(io.BytesIO(encoding.preview_jpeg(picture, width)), "preview.jpg")


def _bare_png(name: str) -> File[bytes]:
    """A PNG whose prompt is hidden, made without it in memory."""
    return File(io.BytesIO(without_parameters(storage.read(name))), name)


def _safe(response: HttpResponseBase, *, filename: str) -> HttpResponseBase:
    """Whatever the bytes are, a browser shows a picture and runs nothing."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Content-Disposition"] = f'attachment; filename="{filename}"' if filename else "inline"
    response["Cross-Origin-Resource-Policy"] = "same-site"
    return response


def _image(public_id: str, content: str, width: int, form: str) -> Image:
    image = (
        Image.objects.filter(public_id=public_id, rendition_hash=content, deleted_at=None).exclude(prefix="").first()
    )
    if image is None or form not in TYPES or width not in _widths(image, form):
        raise Http404
    return image


def _widths(image: Image, form: str) -> list[int]:
    if form == "png":
        return [image.width]
    return encoding.jpeg_widths(image.rendition_widths) if form == "jpg" else image.rendition_widths


def _is_for_everybody(image: Image, at: datetime) -> bool:
    return signing.is_plainly_public(image) and Image.objects.public(at).filter(pk=image.pk).exists()
