"""The feed in every order, page by page."""

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User, Viewer
from feed.lists.pages import Page, count_new, read_page
from feed.lists.spec import ASPECT_NAMES, EPOCH, LISTING_WORDS, MICROSECOND, SORT_NAMES, WINDOW_NAMES, Listing, as_key
from feed.models import Challenge
from feed.posts.cards import card_of
from feed.ranking import formulas, precomputed
from feed.responses import cut_note, render_list, says_no
from lib.days import day_bounds, local_day
from lib.errors import Refused

BANNER_SECONDS = 60
FRESH = frozenset({"hot", "new", "following"})  # where a new post has a place at once


@require_safe
@says_no
def feed_list(request: HttpRequest) -> HttpResponseBase:
    """``?sort=…&window=…&aspect=…&tag=…&seen=hide&cursor=…``.

    `fresh` asks for what came after that moment (microseconds).
    """
    at, query = timezone.now(), request.GET
    if query.get("sort") == "following" and not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    listing = _listing(request)
    cursor, hide_seen = query.get("cursor", ""), _hides_seen(request)
    fresh = _moment(query["fresh"]) if query.get("fresh") else None
    page = read_page(listing, request.user, at=at, cursor=cursor, newer_than=fresh, hide_seen=hide_seen)
    context = _context(listing, page, request.user, at, hide_seen=hide_seen)
    if not cursor:
        context["challenge"] = None if listing.tag else challenge_of_the_day(at)
        if listing.sort in FRESH:
            since = urlencode({"sort": listing.sort, "tag": listing.tag, "since": int(as_key(page.began))})
            context["new_url"] = f"{reverse('feed:new-above')}?{since}"
    return render_list(request, "feed/list.html", "feed/_page.html", context)


def _listing(request: HttpRequest) -> Listing:
    return Listing.of(request.user, *(request.GET.get(name, "") for name in LISTING_WORDS))


def _hides_seen(request: HttpRequest) -> bool:
    return request.GET.get("seen") == "hide" and isinstance(request.user, User)


def _context(listing: Listing, page: Page, viewer: Viewer, at: datetime, *, hide_seen: bool) -> dict[str, object]:
    kept = {"seen": "hide"} if hide_seen else {}
    is_counted = listing.sort in {"rising", "controversial", "best", "top"}
    return {
        "cards": [card_of(post, viewer, at) for post in page.posts],
        "next_url": address(listing, cursor=page.next, **kept) if page.next else "",
        "place_url": address(listing, cursor=page.here, **kept),
        "note": _note(page),
        "is_cut": page.is_cut,
        "tag_note": _tag_note() if is_counted and listing.tag else "",
        "listing": listing,
        "heading": heading(listing),
        "hide_seen": hide_seen,
        "seen_url": address(listing, seen="" if hide_seen else "hide") if isinstance(viewer, User) else "",
        "is_counted": is_counted,
        "sorts": [(sort, label, address(Listing(sort, "", 0, tag=listing.tag))) for sort, label in SORT_NAMES.items()],
        "parts": _parts(listing),
        "top_url": address(listing, **kept),
        "untagged_url": address(replace(listing, tag="")),
    }


def _note(page: Page) -> str:
    """What a reader should know before they go on."""
    notes = []
    if page.is_reordered:
        notes.append(_("This list was renewed while you were away: the same place, in a new order."))
    if page.is_cut:
        notes.append(cut_note())
    return " ".join(notes)


def _tag_note() -> str:
    words = _("This order keeps the first %(n)s pictures of the site; here is what of the tag is among them.")
    return words % {"n": number_format(precomputed.KEPT, force_grouping=True)}


def heading(listing: Listing) -> str:
    if listing.sort == "hot" and not listing.tag:
        return _("Pictures people like now")
    part = WINDOW_NAMES[listing.window] if listing.sort == "top" else ""
    return " · ".join(str(part) for part in (listing.tag, listing.label, part) if part)


def _parts(listing: Listing) -> list[tuple[str, str | Promise, str]]:
    """What a sort can be narrowed to: windows or aspects."""
    if listing.sort == "top":
        return [(name, label, address(replace(listing, window=name))) for name, label in WINDOW_NAMES.items()]
    if listing.sort == "best":
        return [(name, label, address(replace(listing, aspect=name))) for name, label in ASPECT_NAMES.items()]
    return []


def address(listing: Listing, **more: str) -> str:
    """The address of a list; what goes without saying is left out."""
    words = {"sort": listing.sort if listing.sort != "hot" else "", "aspect": listing.aspect, "tag": listing.tag}
    if listing.sort == "top":
        words["window"] = listing.window
    query = urlencode({name: value for name, value in {**words, **more}.items() if value})
    return reverse("feed:list") + (f"?{query}" if query else "")


@require_safe
@says_no
def new_above(request: HttpRequest) -> HttpResponseBase:
    """A button that says how many posts are new since `since` (microseconds); 204 when none is."""
    at, listing = timezone.now(), _listing(request)
    count = count_new(listing, request.user, since=_moment(request.GET.get("since", "")), at=at)
    if not count:
        return HttpResponse(status=204)
    fresh = address(listing, fresh=str(int(as_key(at))))
    return render(request, "feed/_new_above.html", {"count": count, "url": fresh})


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
            "hours": formulas.SECONDS_PER_TENFOLD / 3600,
            "save_weight": formulas.SAVE_WEIGHT,
            "remix_weight": formulas.REMIX_WEIGHT,
            "rising_hours": precomputed.RISING.total_seconds() / 3600,
            "prior": precomputed.CONTROVERSIAL_PRIOR,
            "kept": precomputed.KEPT,
        },
    )
