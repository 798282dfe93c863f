"""What a half-written tag may become."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from feed.posts.models import Post
from feed.tags.services import suggest_tags


@require_safe
def suggest(request: HttpRequest) -> HttpResponseBase:
    """``?q=nig`` → ``{"tags": ["night", "night sky"]}``."""
    posts = Post.objects.listed_for(request.user, timezone.now())
    return JsonResponse({"tags": suggest_tags(beginning=request.GET.get("q", "")[:40], posts=posts)})
