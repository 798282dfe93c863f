"""What views share: the client's address, refusals in forms, and downloads."""

import ipaddress
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import IO, Any

from asgiref.sync import sync_to_async
from django import forms
from django.conf import settings
from django.core.files.base import File
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date, url_has_allowed_host_and_scheme
from rest_framework.request import Request
from zipstream import ZipStream

from lib.errors import Refused
from lib.text.regex import compile_linear

UNPROCESSABLE = 422  # the status of a page whose form has errors
ZIP = "application/zip"
CHUNK_BYTES = 1 << 16
_RANGE = compile_linear("bytes=([0-9]{0,18})-([0-9]{0,18})")


def client_address(request: HttpRequest | Request) -> str:
    """The client's IP address; empty where the server does not know it (a Unix socket).

    Each proxy writes the address that called it at the right end of X-Forwarded-For, so the NUM_PROXIES-th from the
    right is what our outermost proxy saw; anybody can write what stands further left. Without proxies of ours, and
    where a request came past them, the header is ignored.
    """
    peer = str(request.META.get("REMOTE_ADDR") or "")
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    if not 0 < settings.NUM_PROXIES <= len(forwarded):
        return peer
    try:
        address = ipaddress.ip_address(forwarded[-settings.NUM_PROXIES].strip())
    except ValueError:
        return peer
    return str(getattr(address, "ipv4_mapped", None) or address)


def client_network(request: HttpRequest | Request) -> str:
    """What limits count by: the IPv4 address, or the first 64 bits of IPv6, as a client chooses the rest freely."""
    address = client_address(request)
    try:
        return str(ipaddress.IPv6Network(f"{address}/64", strict=False))
    except ValueError:  # no IPv6 address
        return address


def is_page_of_ours(request: HttpRequest, page: str) -> bool:
    """Whether somebody may be sent to this address: a path or an address of this site, not a word without a slash."""
    is_here = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return is_here and "/" in page  # `redirect` takes a word for the name of a view


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of a page."""
    return bool(getattr(request, "htmx", False))  # set by django_htmx.middleware.HtmxMiddleware


def add_refusal(form: forms.Form | forms.ModelForm[Any], error: Refused) -> None:
    """Shows a service's refusal beside the fields it is about, else above the form."""
    about = {name: lines for name, lines in error.fields.items() if name in form.fields}
    for name, lines in about.items():
        for line in lines:
            form.add_error(name, line)
    if not about:
        form.add_error(None, error.message)


def serve_file(
    request: HttpRequest,
    *,
    open_file: Callable[[], File[bytes]],
    etag: str,
    content_type: str,
    last_modified: datetime | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponseBase:
    """A file, or 304 if the client has it, or 206 with the one range that was asked for (RFC 9110).

    Args:
        open_file: opens it for reading; not called for a 304. What it raises goes up.
        etag: quoted; the same for the same bytes.
        headers: more headers, for 304 and 206 as well.
    """
    headers = {"ETag": etag, "Accept-Ranges": "bytes", **(headers or {})}
    modified = int(last_modified.timestamp()) if last_modified else None
    if modified is not None:
        headers["Last-Modified"] = http_date(modified)
    plain = HttpResponse(headers=headers)
    conditional = get_conditional_response(request, etag=etag, last_modified=modified, response=plain)
    if conditional is not None and conditional is not plain:
        return conditional
    file = open_file()
    wanted = _wanted_range(request, etag, file.size)
    if wanted is None:
        return _FileDownload(file, content_type=content_type, headers=headers)
    start, end = wanted
    if start > end:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    headers |= {"Content-Range": f"bytes {start}-{end}/{file.size}", "Content-Length": str(end - start + 1)}
    chunks = _read_range(file, start, end)
    return StreamingHttpResponse(off_thread(chunks), status=206, content_type=content_type, headers=headers)


class _FileDownload(FileResponse):
    """A FileResponse that an ASGI server sends in chunks; Django's own is collected in memory there."""

    def _set_streaming_content(self, value: Any) -> None:
        super()._set_streaming_content(value)  # type: ignore[misc]  # not in django-stubs
        if self.file_to_stream is not None:
            super()._set_streaming_content(off_thread(self._iterator))  # type: ignore[misc,attr-defined]


def _wanted_range(request: HttpRequest, etag: str, size: int) -> tuple[int, int] | None:
    """First and last byte of the range asked for, first > last if there are no such bytes; None for the whole file."""
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or match.group(0) == "bytes=-" or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    return start, min(int(last), size - 1) if first and last else size - 1


def _read_range(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = end - start + 1
        while left and (chunk := file.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk


def zip_files(files: Iterable[tuple[str, Callable[[], bytes | Iterable[bytes]]]]) -> Iterator[bytes]:
    """One zip of files by name, each read when its turn comes and not compressed: pictures and Parquet are already.

    A file that is gone when its turn comes (FileNotFoundError) is left out.
    """
    archive = ZipStream()
    for name, read in files:
        try:
            content = read()
        except FileNotFoundError:
            continue
        archive.add(content, name)
        yield from archive.all_files()
    yield from archive.finalize()


def download(name: str, chunks: Iterator[bytes], *, content_type: str = ZIP) -> StreamingHttpResponse:
    """A private file, written while it is sent: no cache keeps it, and no browser runs it."""
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(off_thread(chunks), content_type=content_type, headers=headers)


async def off_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Reads a blocking iterator in a thread, chunk by chunk; Django would collect it in memory under ASGI."""
    read_next = sync_to_async(lambda: next(chunks, None), thread_sensitive=False)
    while (chunk := await read_next()) is not None:
        if chunk:
            yield chunk
