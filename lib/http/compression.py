"""Pages travel compressed; what a stranger could guess from their size is hidden."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompressionMiddleware(GZipMiddleware):
    """Compresses pages alone: streams of events would wait in the compressor, files are compressed already.

    Against BREACH, Django masks CSRF tokens anew in each page and makes the compressed size random.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
