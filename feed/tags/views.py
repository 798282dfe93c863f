"""Tags: what a half-written one may become."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from feed.tags.services import suggest_tags


@require_safe
def suggest(request: HttpRequest) -> HttpResponseBase:
    """``?q=nig`` → ``{"tags": ["night", "night sky"]}``."""
    found = suggest_tags(beginning=request.GET.get("q", "")[:40], viewer=request.user, at=timezone.now())
    return JsonResponse({"tags": found})
