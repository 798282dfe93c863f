"""The files of pictures: public ones at plain addresses, every other only at a signed one."""

import io
import re
from collections.abc import AsyncIterator
from datetime import datetime

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from generation.media import signing, storage
from generation.media.metadata import without_parameters
from generation.models import Image
from lib.streaming import off_thread

TYPES = {"webp": "image/webp", "avif": "image/avif", "png": "image/png"}
_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?\Z", re.ASCII)


class PictureResponse(FileResponse):
    """A FileResponse that an ASGI server reads chunk by chunk beside the event loop, not whole."""

    block_size = 1 << 16

    def __aiter__(self) -> AsyncIterator[bytes]:
        return off_thread(iter(self))


@require_safe
def rendition(request: HttpRequest, public_id: str, content: str, width: str, form: str) -> HttpResponseBase:
    """One file of a picture. Public ones are cached for an hour at most, so that a removal is a removal."""
    at = timezone.now()
    image = _image(public_id, content, int(width), form)
    is_plain = _is_for_everybody(image, at)
    if not is_plain and not signing.is_signed(image, request.GET.get("s", ""), at=at):
        raise Http404
    is_bare = form == "png" and image.is_prompt_hidden
    etag = f'"{content}-{width}-{form}{"-bare" if is_bare else ""}"'
    modified = int((image.ready_at or image.queued_at).timestamp())
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag, last_modified=modified)
    if response is None:
        response = _file_response(request, _name(image, int(width), form), etag=etag, is_bare=is_bare)
        response["Content-Type"] = TYPES[form]
    response["ETag"] = etag
    response["Last-Modified"] = http_date(modified)
    response["Cache-Control"] = "public, max-age=3600" if is_plain else "private, max-age=600"
    return _safe(response, filename=f"{public_id}.{form}" if "download" in request.GET else "")


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
    widths = [] if image is None else [image.width] if form == "png" else image.rendition_widths
    if image is None or width not in widths or form not in TYPES:
        raise Http404
    return image


def _is_for_everybody(image: Image, at: datetime) -> bool:
    return signing.is_plainly_public(image) and Image.objects.public(at).filter(pk=image.pk).exists()


def _name(image: Image, width: int, form: str) -> str:
    return f"{image.prefix}/" + ("original.png" if form == "png" else f"{image.rendition_hash}-{width}.{form}")


def _file_response(request: HttpRequest, name: str, *, etag: str, is_bare: bool) -> HttpResponseBase:
    """The whole file, or the one range that was asked for (RFC 9110; several ranges get the whole).

    A PNG whose prompt is hidden is made bare in memory; of every other only what is sent is read.
    """
    asked = _RANGE.match(request.headers.get("Range", ""))
    if request.headers.get("If-Range", etag) != etag or (asked and not any(asked.groups())):
        asked = None
    try:
        bare = without_parameters(storage.read(name)) if is_bare else None
        if asked is None:
            file = storage.open_file(name) if bare is None else io.BytesIO(bare)
            return PictureResponse(file, headers={"Accept-Ranges": "bytes"})
        total = storage.size(name) if bare is None else len(bare)
        start, end = _span(*asked.groups(), total=total)
        if start > end:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{total}"})
        part = storage.read_part(name, start, end) if bare is None else bare[start : end + 1]
    except FileNotFoundError:
        raise Http404 from None
    headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end}/{total}"}
    return PictureResponse(io.BytesIO(part), status=206, headers=headers)


def _span(first: str | None, last: str | None, *, total: int) -> tuple[int, int]:
    """The first and last byte of a range; the first is greater where the range lies outside the file."""
    if first is None:
        return (max(0, total - int(last or 0)), total - 1)
    return int(first), min(int(last), total - 1) if last is not None else total - 1
