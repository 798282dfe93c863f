"""Hands out the files of pictures: plainly when they are for everybody, else only to a signed address."""

import re
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from generation.media import signing, storage
from generation.media.metadata import without_parameters
from generation.models import Image

TYPES = {"webp": "image/webp", "avif": "image/avif", "png": "image/png"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z", re.ASCII)


@require_safe
def rendition(request: HttpRequest, public_id: str, content: str, width: str, form: str) -> HttpResponse:
    """One file of a picture. Public ones are cached for an hour at most, so that a removal is a removal."""
    at = timezone.now()
    image = _image(public_id, content, int(width), form)
    is_plain = _is_for_everybody(image, at)
    if not is_plain and not signing.is_signed(image, request.GET.get("s", ""), at=at):
        raise Http404
    response = _with_range(request, _content(image, int(width), form))
    response["Content-Type"] = TYPES[form]
    response["ETag"] = f'"{content}-{width}-{form}"'
    response["Cache-Control"] = "public, max-age=3600" if is_plain else "private, max-age=600"
    return _safe(response, filename=f"{public_id}.{form}" if "download" in request.GET else "")


def _safe(response: HttpResponse, *, filename: str) -> HttpResponse:
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
    widths = [] if image is None else [image.width] if form == "png" else image.rendition_widths
    if image is None or width not in widths or form not in TYPES:
        raise Http404
    return image


def _is_for_everybody(image: Image, at: datetime) -> bool:
    return signing.is_plainly_public(image) and Image.objects.public(at).filter(pk=image.pk).exists()


def _content(image: Image, width: int, form: str) -> bytes:
    try:
        if form != "png":
            return storage.read(f"{image.prefix}/{image.rendition_hash}-{width}.{form}")
        original = storage.original_png(image)
    except FileNotFoundError:
        raise Http404 from None
    return without_parameters(original) if image.is_prompt_hidden else original


def _with_range(request: HttpRequest, content: bytes) -> HttpResponse:
    """The whole content, or the one range that was asked for (RFC 9110; several ranges get the whole)."""
    total = len(content)
    match = _RANGE.match(request.headers.get("Range", ""))
    if match is None or match.group(0) == "bytes=-":
        return HttpResponse(content, headers={"Accept-Ranges": "bytes"})
    first, last = match.groups()
    start = int(first) if first else max(0, total - int(last))
    end = min(int(last), total - 1) if first and last else total - 1
    if start > end:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{total}"})
    headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end}/{total}"}
    return HttpResponse(content[start : end + 1], status=206, headers=headers)
