"""About, terms, privacy and contact: pages that an operator fills by templates in TEMPLATES_DIR."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/about.html")


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/terms.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/privacy.html")


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/contact.html")


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What the service worker shows while the site cannot be reached; nothing of anybody is on it."""
    return render(request, "pages/offline.html")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Lets a browser install the site."""
    return render(request, "pages/manifest.json", content_type="application/manifest+json")


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """At the root, so that it may answer for every page."""
    response = render(request, "pages/service_worker.js", content_type="text/javascript")
    response["Cache-Control"] = "no-cache"
    return response
