"""Pages of search: results, search by an uploaded picture, and posts similar to a post."""

from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from feed.posts.cards import card_of
from feed.posts.models import Post
from feed.responses import cut_note, render_list, says_no
from feed.search import similar
from feed.search.results import search_posts
from feed.styles.queries import trending_names
from generation.models import Style
from lib.errors import Refused
from lib.http import client_network, is_htmx
from lib.images import open_picture

MOST_STYLES = 12


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """``?q=…&cursor=…``. A query with mistakes stays in its field, with the mistakes above it."""
    at, text = timezone.now(), request.GET.get("q", "").strip()
    try:
        address, cursor = client_network(request), request.GET.get("cursor", "")
        page = search_posts(text, request.user, address=address, at=at, cursor=cursor, is_stacked=True)
    except Refused as refused:
        problems = refused.fields.get("q") or [refused.message]
        return render(request, "feed/search.html", {"q": text, "problems": problems}, status=refused.status)
    context: dict[str, object] = {
        "q": text,
        "styles": [] if text else _styles_to_try(at),
        "cards": [card_of(post, request.user, at) for post in page.posts],
        "next_url": search_url(text, cursor=page.next) if page.next else "",
        "used": page.used,
        "notes": page.notes,
        "note": cut_note() if page.is_cut else "",
        "is_cut": page.is_cut,
    }
    return render_list(request, "feed/search.html", "feed/_page.html", context)


def _styles_to_try(at: datetime) -> list[tuple[str, str]]:
    """Styles of the site and growing styles that members named, each with a link to its search."""
    ours = Style.objects.order_by("slug").values_list("name", "slug")[:MOST_STYLES]
    theirs = [(name, f'"{name}"') for name in trending_names(at) if '"' not in name]
    return [(name, search_url(f"style:{value}")) for name, value in [*ours, *theirs]]


def search_url(query: str, **more: str) -> str:
    return f"{reverse('feed:search')}?{urlencode({'q': query, **more})}"


@require_POST
@says_no
def search_by_picture(request: HttpRequest) -> HttpResponseBase:
    """Redirects to the search for pictures similar to an uploaded one, which is not kept."""
    file = request.FILES.get("picture")
    if file is None:
        raise Refused("no_picture", _("Choose a picture first."))
    query = similar.query_for_picture(open_picture(file), request.user, address=client_network(request))
    return redirect(search_url(query))


@require_safe
@says_no
def more_like_this(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Posts similar to one, for its page; 204 if there are none."""
    at, viewer = timezone.now(), request.user
    post = get_object_or_404(Post.objects.visible_to(viewer, at), public_id=public_id)
    if not is_htmx(request):
        return redirect(search_url(f"like:{post.public_id}"))
    posts, query = similar.find_similar_posts(post, viewer, at)
    if not posts:
        return HttpResponse(status=204)
    cards = [card_of(found, viewer, at) for found in posts]
    return render(request, "feed/_more_like_this.html", {"cards": cards, "more_url": search_url(query)})
