"""Searching: by words, by meaning, by picture; and what is like a post."""

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
from feed.search.query_language import parse
from feed.search.results import check_search_rate, read_results
from feed.styles.services import named_lately
from generation.models import Style
from lib.errors import Refused
from lib.http import client_network, is_htmx
from lib.images import open_picture

MOST_STYLES = 12


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """``?q=…&cursor=…``. What is wrong with a query stands above it, and the query stays."""
    at, text = timezone.now(), request.GET.get("q", "").strip()
    try:
        if text:
            check_search_rate(request.user, client_network(request))
        page = read_results(parse(text), request.user, at=at, cursor=request.GET.get("cursor", ""))
    except Refused as refused:
        problems = refused.fields.get("q") or [refused.message]
        return render(request, "feed/search.html", {"q": text, "problems": problems}, status=refused.status)
    context: dict[str, object] = {
        "q": text,
        "styles": [] if text else _styles_to_try(at),
        "cards": [card_of(post, request.user, at) for post in page.posts],
        "next_url": address(text, cursor=page.next) if page.next else "",
        "used": page.used,
        "notes": page.notes,
        "note": cut_note() if page.is_cut else "",
        "is_cut": page.is_cut,
    }
    return render_list(request, "feed/search.html", "feed/_page.html", context)


def _styles_to_try(at: datetime) -> list[tuple[str, str]]:
    """Styles of the site and those that members named lately, each with the search for it."""
    ours = Style.objects.order_by("slug").values_list("name", "slug")[:MOST_STYLES]
    theirs = [(name, f'"{name}"') for name in named_lately(at) if '"' not in name]
    return [(name, address(f"style:{value}")) for name, value in [*ours, *theirs]]


def address(query: str, **more: str) -> str:
    return f"{reverse('feed:search')}?{urlencode({'q': query, **more})}"


@require_POST
@says_no
def search_by_picture(request: HttpRequest) -> HttpResponseBase:
    """Turns an uploaded picture into the query that finds what looks like it; the picture itself is not kept."""
    check_search_rate(request.user, client_network(request))
    file = request.FILES.get("picture")
    if file is None:
        raise Refused("no_picture", _("Choose a picture first."))
    return redirect(address(similar.query_for(open_picture(file))))


@require_safe
@says_no
def more_like_this(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Posts close to one in meaning, or in looks where it has no words: a strip of its page, or 204."""
    at, viewer = timezone.now(), request.user
    post = get_object_or_404(Post.objects.visible_to(viewer, at), public_id=public_id)
    if not is_htmx(request):
        return redirect(address(f"like:{post.public_id}"))
    posts, query = similar.posts_like(post, viewer, at)
    if not posts:
        return HttpResponse(status=204)
    cards = [card_of(found, viewer, at) for found in posts]
    return render(request, "feed/_more_like_this.html", {"cards": cards, "more_url": address(query)})
