"""Pages of the feed: every sort, page by page, and how the ranking works."""

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import User, Viewer, level_for
from feed.challenges.hero import hero
from feed.lists.filters import LEVELS, NOTHING, SHAPES, Filters, filter_options
from feed.lists.pages import Page, count_new_posts, read_page
from feed.lists.spec import EPOCH, MICROSECOND, SPEC_PARAMETERS, FeedSpec, sort_value
from feed.posts.cards import Card, card_of
from feed.ranking import formulas, precomputed
from feed.ranking.models import PostAspect
from feed.ranking.orders import ASPECT_NAMES, SORT_NAMES, WINDOW_NAMES
from feed.responses import cut_note, render_list, says_no
from lib.errors import Refused

FIRST_DAYS, STEPS_COOKIE = timedelta(days=7), "steps"
DENSITIES = {"compact": gettext_lazy("Small pictures"), "large": gettext_lazy("Large pictures")}
LIVE_SORTS = frozenset({"hot", "new", "following"})  # a new post enters these at once


@require_safe
@says_no
def feed_list(request: HttpRequest) -> HttpResponseBase:
    """``?sort=…&window=…&aspect=…&tag=…&seen=hide&cursor=…``.

    `fresh` asks for a list at least as new as that time (microseconds since 1970).
    """
    at, query = timezone.now(), request.GET
    if query.get("sort") == "following" and not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    spec = _spec_of(request)
    cursor, hide_seen = query.get("cursor", ""), _hides_seen(request)
    fresh = _parse_time(query["fresh"]) if query.get("fresh") else None
    page = read_page(spec, request.user, at=at, cursor=cursor, newer_than=fresh, hide_seen=hide_seen)
    context = _context(spec, page, request.user, at, hide_seen=hide_seen, density=_density_of(request))
    context["is_start"] = not (cursor or spec.tag or spec.filters) and spec.sort == "hot"
    context["first_steps"] = _is_new(request, at)
    if not cursor:
        context["challenge"] = None if spec.tag or spec.filters else hero(request.user, at)
        if spec.sort in LIVE_SORTS and not spec.filters:
            since = urlencode({"sort": spec.sort, "tag": spec.tag, "since": int(sort_value(page.began))})
            context["new_url"] = f"{reverse('feed:new-above')}?{since}"
    return render_list(request, "feed/list.html", "feed/_page.html", context)


def _is_new(request: HttpRequest, at: datetime) -> bool:
    """Whether a member joined within the last days and has not closed the first steps."""
    user = request.user
    return isinstance(user, User) and at - user.date_joined < FIRST_DAYS and STEPS_COOKIE not in request.COOKIES


def _spec_of(request: HttpRequest) -> FeedSpec:
    spec = FeedSpec.parse(request.user, *(request.GET.get(name, "") for name in SPEC_PARAMETERS))
    filters = Filters.parse(request.GET)
    level = min(spec.level, LEVELS[filters.level]) if filters.level else spec.level
    return replace(spec, is_stacked=True, filters=filters, level=level)


def _hides_seen(request: HttpRequest) -> bool:
    return request.GET.get("seen") == "hide" and isinstance(request.user, User)


def _density_of(request: HttpRequest) -> str:
    chosen = request.GET.get("density", "")
    return chosen if chosen in DENSITIES else ""


def _context(
    spec: FeedSpec, page: Page, viewer: Viewer, at: datetime, *, hide_seen: bool, density: str
) -> dict[str, object]:
    kept = {"seen": "hide" if hide_seen else "", "density": density}
    is_counted = spec.sort in {"rising", "controversial", "best", "top"}
    return {
        "cards": _cards(spec, page, viewer, at),
        "next_url": spec.url(cursor=page.next, **kept) if page.next else "",
        "place_url": spec.url(cursor=page.cursor, **kept),
        "note": _note(page),
        "is_cut": page.is_cut,
        "tag_note": _tag_note() if is_counted and spec.tag else "",
        "spec": spec,
        "heading": spec.heading,
        "hide_seen": hide_seen,
        "seen_url": spec.url(**kept | {"seen": "" if hide_seen else "hide"}) if isinstance(viewer, User) else "",
        "is_counted": is_counted,
        "sorts": [
            (sort, label, FeedSpec(sort, "", 0, tag=spec.tag, filters=spec.filters).url(density=density))
            for sort, label in SORT_NAMES.items()
        ],
        "parts": _parts(spec),
        "density": density,
        "densities": DENSITIES,
        "options": filter_options(),
        "shapes": SHAPES,
        "levels": [(name, one.label) for name, one in LEVELS.items() if one <= level_for(viewer)],
        "chosen": [
            (words, replace(spec, filters=replace(spec.filters, **{name: ""})).url(**kept))
            for name, words in spec.filters.names()
        ],
        "unfiltered_url": replace(spec, filters=NOTHING).url(**kept),
        "top_url": spec.url(**kept),
        "untagged_url": replace(spec, tag="").url(),
    }


def _cards(spec: FeedSpec, page: Page, viewer: Viewer, at: datetime) -> list[Card]:
    """The cards of a page; in the best of an aspect each says its mean."""
    cards = [card_of(post, viewer, at) for post in page.posts]
    if spec.sort != "best":
        return cards
    rows = PostAspect.objects.filter(post__in=[post.pk for post in page.posts], aspect=spec.aspect)
    means = dict(rows.values_list("post__public_id", "mean"))
    for card in cards:
        if card.id in means:
            card.badges.append(_("%(mean)s of 5") % {"mean": number_format(round(means[card.id], 1), 1)})
    return cards


def _note(page: Page) -> str:
    """What the reader should know about this page."""
    notes = []
    if page.is_reordered:
        notes.append(_("This list was refreshed while you were away: this is the same place, in a new order."))
    if page.is_cut:
        notes.append(cut_note())
    return " ".join(notes)


def _tag_note() -> str:
    words = _("Shows pictures with this tag among the first %(n)s of this list.")
    return words % {"n": number_format(precomputed.KEPT, force_grouping=True)}


def _parts(spec: FeedSpec) -> list[tuple[str, str | Promise, str]]:
    """The windows or aspects that the sort can be narrowed to."""
    if spec.sort == "top":
        return [(name, label, replace(spec, window=name).url()) for name, label in WINDOW_NAMES.items()]
    if spec.sort == "best":
        return [(name, label, replace(spec, aspect=name).url()) for name, label in ASPECT_NAMES.items()]
    return []


@require_safe
@says_no
def new_above(request: HttpRequest) -> HttpResponseBase:
    """A button with the number of new posts since `since` (microseconds since 1970); 204 if there are none."""
    at, spec = timezone.now(), _spec_of(request)
    count = count_new_posts(spec, request.user, since=_parse_time(request.GET.get("since", "")), at=at)
    if not count:
        return HttpResponse(status=204)
    fresh = spec.url(fresh=str(int(sort_value(at))))
    return render(request, "feed/_new_above.html", {"count": count, "url": fresh})


def _parse_time(text: str) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise Refused("bad_time", _("This link is damaged. Open the feed again."))
    return EPOCH + min(timedelta(days=365 * 200), int(text) * MICROSECOND)


@require_safe
def about_ranking(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "feed/about_ranking.html",
        {
            "hours": formulas.SECONDS_PER_TENFOLD / 3600,
            "save_weight": formulas.SAVE_WEIGHT,
            "remix_weight": formulas.REMIX_WEIGHT,
            "rising_hours": precomputed.RISING_WINDOW.total_seconds() / 3600,
            "prior": precomputed.CONTROVERSIAL_PRIOR,
            "kept": precomputed.KEPT,
        },
    )
