"""The feed: hot, new and top, page by page."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.errors import Refused
from accounts.models import Viewer
from feed import ranking
from feed.cards import card_of
from feed.days import day_bounds, local_day
from feed.listings import EPOCH, MICROSECOND, WINDOW_NAMES, Listing, as_key
from feed.models import Challenge
from feed.reading import Page, count_new, read_page
from feed.views.support import render_list, says_no

BANNER_SECONDS = 60


@require_safe
@says_no
def feed_list(request: HttpRequest) -> HttpResponseBase:
    """``?sort=hot|new|top&window=…&cursor=…``; `fresh` asks for what came after that moment (microseconds)."""
    at = timezone.now()
    listing = Listing.of(request.user, request.GET.get("sort", ""), request.GET.get("window", ""))
    cursor = request.GET.get("cursor", "")
    fresh = _moment(request.GET["fresh"]) if request.GET.get("fresh") else None
    page = read_page(listing, request.user, at=at, cursor=cursor, newer_than=fresh)
    context = _context(listing, page, request.user, at)
    if not cursor:
        context |= {"challenge": challenge_of_the_day(at), "since": int(as_key(page.began))}
    return render_list(request, "feed/list.html", "feed/_page.html", context)


def _context(listing: Listing, page: Page, viewer: Viewer, at: datetime) -> dict[str, object]:
    next_url = address(listing, cursor=page.next) if page.next else ""
    note = _("This list was renewed while you were away: the same place, in a new order.") if page.is_reordered else ""
    return {
        "cards": [card_of(post, viewer, at) for post in page.posts],
        "next_url": next_url,
        "note": note,
        "listing": listing,
        "windows": [(name, label, address(Listing("top", name, 0))) for name, label in WINDOW_NAMES.items()],
        "top_url": address(listing),
    }


def address(listing: Listing, **more: str) -> str:
    """The address of a list; what goes without saying is left out."""
    words = {"sort": listing.sort if listing.sort != "hot" else "", "window": listing.window}
    if listing.sort != "top":
        del words["window"]
    query = urlencode({name: value for name, value in {**words, **more}.items() if value})
    return reverse("feed:list") + (f"?{query}" if query else "")


@require_safe
@says_no
def new_above(request: HttpRequest) -> HttpResponseBase:
    """A button that says how many posts are new since `since` (microseconds); 204 when none is."""
    at = timezone.now()
    listing = Listing.of(request.user, request.GET.get("sort", ""), request.GET.get("window", ""))
    since = _moment(request.GET.get("since", ""))
    count = count_new(listing, request.user, since=since, at=at)
    if not count:
        return HttpResponse(status=204)
    return render(
        request, "feed/_new_above.html", {"count": count, "url": address(listing, fresh=str(int(as_key(at))))}
    )


def _moment(text: str) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise Refused("bad_time", _("That is no time. Open the feed again."))
    return EPOCH + min(timedelta(days=365 * 200), int(text) * MICROSECOND)


def challenge_of_the_day(at: datetime) -> dict[str, object] | None:
    """Today's theme for the banner: kept a minute, so that the feed asks the database nothing for it."""
    day = local_day(at)
    key = f"feed:challenge:{day}"
    found: dict[str, object] | None = cache.get(key)
    if found is None:
        challenge = Challenge.objects.current(at).values("theme", "hint").first()
        found = {**challenge, "closes_at": day_bounds(day)[1]} if challenge else {}
        cache.set(key, found, BANNER_SECONDS)
    return found or None


@require_safe
def about_ranking(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "feed/about_ranking.html",
        {
            "hours": ranking.SECONDS_PER_TENFOLD / 3600,
            "save_weight": ranking.SAVE_WEIGHT,
            "remix_weight": ranking.REMIX_WEIGHT,
        },
    )
