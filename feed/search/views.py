"""Pages of search: results, search by an uploaded picture, and posts similar to a post."""

from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from feed.lists.filters import filter_options
from feed.posts.cards import card_of
from feed.posts.models import Post
from feed.responses import cut_note, render_list, says_no
from feed.search import similar
from feed.search.results import search_posts
from feed.search.suggestions import queries as suggestions
from feed.search.suggestions.queries import search_url
from feed.styles.queries import trending_names
from generation.models import Style
from lib.days import local_day
from lib.errors import Refused
from lib.http import client_network, is_htmx
from lib.images import open_picture

MOST_STYLES = 12
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
PERIODS = [
    ("day", gettext_lazy("Today")),
    ("week", gettext_lazy("This week")),
    ("month", gettext_lazy("This month")),
    ("year", gettext_lazy("This year")),
]


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """``?q=…&style=…&checkpoint=…&since=…&order=…&cursor=…``. A query with mistakes stays in its field."""
    at, text = timezone.now(), request.GET.get("q", "").strip()
    filters, added = _filters(request, at)
    asked = " ".join(filter(None, [text, *added]))
    context: dict[str, object] = {"q": text, "filters": filters, "options": filter_options(), "periods": PERIODS}
    try:
        address, cursor = client_network(request), request.GET.get("cursor", "")
        page = search_posts(asked, request.user, address=address, at=at, cursor=cursor, is_stacked=True)
    except Refused as refused:
        problems = refused.fields.get("q") or [refused.message]
        return render(request, "feed/search.html", context | {"problems": problems}, status=refused.status)
    if not asked:
        context |= _start_page(request, at)
    context |= {
        "is_asked": bool(asked),
        "title": _title(text),
        "cards": [card_of(post, request.user, at) for post in page.posts],
        "similar_from": page.similar_from,
        "next_url": search_url(text, **filters, cursor=page.next) if page.next else "",
        "used": page.used,
        "notes": page.notes,
        "note": cut_note() if page.is_cut else "",
        "is_cut": page.is_cut,
    }
    return render_list(request, "feed/search.html", "feed/_page.html", context)


def _filters(request: HttpRequest, at: datetime) -> tuple[dict[str, str], list[str]]:
    """The filters beside the field, and what they add to the query."""
    chosen = {name: request.GET.get(name, "") for name in ("style", "checkpoint", "since", "order")}
    days = DAYS.get(chosen["since"])
    added = [f'{name}:"{chosen[name]}"' for name in ("style", "checkpoint") if chosen[name]]
    if days:
        added.append(f"after:{local_day(at - timedelta(days=days)).isoformat()}")
    if chosen["order"]:
        added.append(f'order:"{chosen["order"]}"')
    return {name: value for name, value in chosen.items() if value}, added


def _title(text: str) -> str:
    """Words for a query that names a post by its id."""
    for operator, words in (("like:", _("More like this")), ("looks:", _("Pictures that look like it"))):
        if text.startswith(operator):
            return words
    return text


def _start_page(request: HttpRequest, at: datetime) -> dict[str, object]:
    popular = suggestions.trending(request.user, at)
    return {"styles": _styles_to_try(at), "tags": popular.tags, "creators": popular.creators}


def _styles_to_try(at: datetime) -> list[tuple[str, str]]:
    """Styles of the site and growing styles that members named, each with a link to its search."""
    ours = Style.objects.order_by("slug").values_list("name", "slug")[:MOST_STYLES]
    theirs = [(name, f'"{name}"') for name in trending_names(at) if '"' not in name]
    return [(name, search_url(f"style:{value}")) for name, value in [*ours, *theirs]]


@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """``?q=re`` → ``{"suggestions": [{"kind", "text", "url"}]}``."""
    try:
        found = suggestions.suggest(
            request.GET.get("q", ""), request.user, address=client_network(request), at=timezone.now()
        )
    except Refused as refused:
        return JsonResponse({"message": refused.message}, status=refused.status)
    return JsonResponse({"suggestions": [one._asdict() for one in found]})


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
