"""Pages of challenges: the theme of a day, its entries and result, earlier days, leaders."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import conditional_page, require_POST, require_safe

from accounts.models import User, Viewer
from accounts.permissions import member_of
from feed.challenges.entries import read_entries
from feed.challenges.models import Challenge, ChallengeEntry, Stage
from feed.challenges.places import streak_of
from feed.challenges.results import leaders
from feed.challenges.services import (
    ENTRIES_PER_MEMBER,
    begun_on,
    enter_challenge,
    enterable_posts,
    latest_winners,
    withdraw_entry,
)
from feed.challenges.share_cards import SIZE, card_name
from feed.lists.fast.prepared_query import fetch_listed
from feed.lists.pages import PAGE_SIZE
from feed.lists.syndication.formats import FORMATS, Channel, write_feed
from feed.polls.models import Poll
from feed.polls.services import view_poll
from feed.posts.cards import card_of, picture_of
from feed.posts.models import Post
from feed.responses import for_members, render_list, says_no
from generation.media import storage
from lib.days import local_day
from lib.errors import Refused
from lib.http import is_htmx
from lib.pagination import read_keyset

ONE_DAY = timedelta(days=1)
PAST_ON_A_PAGE = 20
SHEET_ROWS = 50
SYNDICATED = 30
PODIUM_SIZES = "(min-width: 720px) 30vw, 100vw"
CARD_SECONDS = 3600


@require_safe
@says_no
def challenge_today(request: HttpRequest) -> HttpResponseBase:
    at = timezone.now()
    today = local_day(at)
    days = {row.day: row for row in Challenge.objects.filter(day__in=[today, today - ONE_DAY])}
    return _show(request, days.get(today), at, before=days.get(today - ONE_DAY))


@require_safe
@says_no
def challenge_detail(request: HttpRequest, day: str) -> HttpResponseBase:
    at = timezone.now()
    challenge = begun_on(day, at)
    return _show(request, challenge, at, before=_before(challenge, at))


@never_cache
@require_safe
@says_no
def challenge_stage(request: HttpRequest, day: str) -> HttpResponseBase:
    """What a page that is open asks when its countdown ends: ``?known=`` its stage; the page anew once that is over."""
    at = timezone.now()
    challenge = begun_on(day, at)
    stage = challenge.stage(at)
    if request.GET.get("known") == stage:
        return render(request, "feed/_challenge_stage.html", _stage_context(challenge, at))
    context = _context(challenge, request.user, at, before=_before(challenge, at))
    response = render(request, "feed/_challenge.html", context)
    response["HX-Retarget"], response["HX-Reswap"] = "#challenge", "outerHTML"
    return response


def _before(challenge: Challenge, at: datetime) -> Challenge | None:
    """Yesterday's, where today's is looked at."""
    return Challenge.objects.filter(day=challenge.day - ONE_DAY).first() if challenge.is_open(at) else None


def _show(
    request: HttpRequest, challenge: Challenge | None, at: datetime, *, before: Challenge | None
) -> HttpResponseBase:
    viewer, cursor = request.user, request.GET.get("cursor", "")
    context: dict[str, Any] = {"cards": []}
    if challenge is not None and is_htmx(request):  # the cards alone
        context = _entries_context(challenge, viewer, at, cursor)
    elif challenge is not None:
        context = _context(challenge, viewer, at, cursor, before=before)
    return render_list(request, "feed/challenge.html", "feed/_page.html", {"challenge": challenge, **context})


def _stage_context(challenge: Challenge, at: datetime) -> dict[str, Any]:
    stage = challenge.stage(at)
    ends_at = challenge.entries_end_at if stage == Stage.OPEN else challenge.voting_ends_at
    return {"challenge": challenge, "stage": stage, "ends_at": ends_at, "is_over": at >= ends_at}


def _entries_context(challenge: Challenge, viewer: Viewer, at: datetime, cursor: str) -> dict[str, Any]:
    page = read_entries(challenge, viewer, at=at, size=PAGE_SIZE, cursor=cursor)
    return {
        "cards": [card_of(post, viewer, at) for post in page.posts],
        "next_url": f"{challenge.get_absolute_url()}?cursor={page.next}" if page.next else "",
        "entry_count": page.total,
    }


def _context(
    challenge: Challenge, viewer: Viewer, at: datetime, cursor: str = "", *, before: Challenge | None
) -> dict[str, Any]:
    context = _stage_context(challenge, at) | _entries_context(challenge, viewer, at, cursor)
    entered = _entered(viewer, at)
    context |= {
        "enterable": _enterable(challenge, viewer, at),
        "own": _own_entries(challenge, [post for day, post in entered if day == challenge.day], viewer, at),
        "polls": [view_poll(poll, viewer, at) for poll in Poll.objects.filter(challenge=challenge).order_by("pk")],
    }
    if challenge.is_remix and challenge.stage(at) == Stage.OPEN:
        wanted = Post.objects.listed_for(viewer, at).filter(image__in=latest_winners(challenge))
        context["remix_of"] = [card_of(post, viewer, at) for post in wanted.with_card(viewer, at)]
    if context["stage"] == Stage.OPEN:
        context["voting"] = before if before and before.stage(at) == Stage.VOTING else None
        context["streak"] = streak_of({day for day, _post in entered}, local_day(at))
    if context["stage"] == Stage.FINISHED:
        context |= _result(challenge, viewer, at)
    return context


def _result(challenge: Challenge, viewer: Viewer, at: datetime) -> dict[str, Any]:
    """Podium and score sheet, of the entries that the viewer may see."""
    entries = list(
        ChallengeEntry.objects.filter(challenge=challenge)
        .exclude(strength=None)
        .order_by("-strength", "pk")[:SHEET_ROWS]
    )
    posts = fetch_listed([entry.post_id for entry in entries], viewer, at)
    shown = [
        (entry, posts[entry.post_id])
        for entry in entries
        if entry.post_id in posts and not posts[entry.post_id].is_blurred
    ]
    podium = sorted((row for row in shown if row[0].place in {1, 2, 3}), key=lambda row: row[0].place or 0)
    return {
        "podium": _rows(podium, viewer, at, PODIUM_SIZES),
        "sheet": _rows(shown, viewer, at, "56px"),
        "agreement": None if challenge.agreement is None else round(100 * challenge.agreement),
        "card_url": reverse("feed:challenge-card", args=[challenge.day.isoformat()]) if challenge.card_hash else "",
        "card_size": SIZE,
    }


def _rows(
    shown: list[tuple[ChallengeEntry, Post]], viewer: Viewer, at: datetime, sizes: str
) -> list[dict[str, object]]:
    return [{"entry": entry, "post": post, "picture": picture_of(post, viewer, at, sizes)} for entry, post in shown]


def _enterable(challenge: Challenge, viewer: Viewer, at: datetime) -> list[dict[str, object]]:
    if not isinstance(viewer, User) or not challenge.is_open(at):
        return []
    own = enterable_posts(challenge, viewer).order_by("-published_at", "-pk")
    ids = list(own.values_list("pk", flat=True)[:PAGE_SIZE])  # most have none: cards are another matter
    posts = Post.objects.filter(pk__in=ids).with_card(viewer).order_by("-published_at", "-pk") if ids else []
    return [{"id": post.public_id, "card": card_of(post, viewer, at)} for post in posts]


def _entered(viewer: Viewer, at: datetime) -> list[tuple[date, int]]:
    """(day, post) of what a member entered within a year, the latest day first."""
    if not isinstance(viewer, User):
        return []
    entered = ChallengeEntry.objects.filter(member=viewer, challenge__day__lte=local_day(at))
    rows = entered.order_by("-challenge__day", "post").values_list("challenge__day", "post")
    return list(rows[: 366 * ENTRIES_PER_MEMBER])


def _own_entries(challenge: Challenge, ids: list[int], viewer: Viewer, at: datetime) -> list[dict[str, object]]:
    if challenge.closed_at is not None:
        return []
    posts = fetch_listed(ids, viewer, at)
    return [{"id": posts[pk].public_id, "card": card_of(posts[pk], viewer, at)} for pk in ids if pk in posts]


@require_POST
@for_members
@says_no
def enter(request: HttpRequest, day: str) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    post = get_object_or_404(Post, public_id=request.POST.get("post", ""), author=member)
    challenge = begun_on(day, at)
    enter_challenge(challenge=challenge, post=post, member=member, at=at)
    messages.success(request, _("Picture entered."))
    return redirect(reverse("feed:challenge-detail", args=[challenge.day.isoformat()]))


@require_POST
@for_members
@says_no
def withdraw(request: HttpRequest, day: str) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    post = get_object_or_404(Post, public_id=request.POST.get("post", ""), author=member)
    challenge = begun_on(day, at)
    withdraw_entry(challenge=challenge, post=post, member=member, at=at)
    messages.success(request, _("Entry withdrawn."))
    return redirect(challenge)


@require_safe
@says_no
def past(request: HttpRequest) -> HttpResponseBase:
    """Earlier challenges with their winners, the latest first."""
    at, viewer = timezone.now(), request.user
    page = read_keyset(Challenge.objects.begun(at).exclude(day=local_day(at)), by="day",
                       cursor=request.GET.get("cursor", ""), size=PAST_ON_A_PAGE)  # fmt: skip
    won = dict(
        ChallengeEntry.objects.filter(challenge__in=page.rows, place=1).order_by("-pk").values_list("challenge", "post")
    )
    posts = Post.objects.listed_for(viewer, at).with_card(viewer, at).in_bulk(list(won.values()))
    winners = {challenge: card_of(posts[post], viewer, at) for challenge, post in won.items() if post in posts}
    rows = [{"challenge": row, "stage": row.stage(at), "winner": winners.get(row.pk)} for row in page.rows]
    next_url = f"{reverse('feed:challenge-past')}?cursor={page.next}" if page.next else ""
    return render(request, "feed/challenge_past.html", {"rows": rows, "next_url": next_url})


@require_safe
@says_no
def leaderboard(request: HttpRequest) -> HttpResponseBase:
    """``?month=YYYY-MM`` or ``?month=all``; without it this month."""
    at = timezone.now()
    today = local_day(at)
    wanted = request.GET.get("month", "")
    month = None if wanted == "all" else _month(wanted, today)
    start = (month or today).replace(day=1)
    context = {
        "rows": leaders(request.user, month=month, at=at),
        "month": month,
        "is_all": month is None,
        "previous": (start - timedelta(days=1)).strftime("%Y-%m"),
        "current": today.strftime("%Y-%m"),
    }
    return render(request, "feed/challenge_leaders.html", context)


def _month(text: str, today: date) -> date:
    if not text:
        return today
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise Refused("bad_month", _("Write a month as 2026-01, or “all”.")) from None


@require_safe
@says_no
def share_card(request: HttpRequest, day: str) -> HttpResponseBase:
    """The drawn card of a decided challenge."""
    challenge = begun_on(day, timezone.now())
    if not challenge.card_hash:
        raise Http404
    try:
        data = storage.read(card_name(challenge))
    except FileNotFoundError:
        raise Http404 from None
    headers = {"Cache-Control": f"public, max-age={CARD_SECONDS}", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(data, content_type="image/png", headers=headers)


@conditional_page
@cache_control(public=True, max_age=CARD_SECONDS // 12)
@require_safe
def winners_feed(request: HttpRequest, form: str) -> HttpResponse:
    """``/challenge/winners/rss|atom|json/``: the pictures that won, the latest first; the same for everybody."""
    if form not in FORMATS:
        raise Http404("Unknown feed format.")
    at, visitor = timezone.now(), AnonymousUser()
    won = Post.objects.listed_for(visitor, at).filter(challenge_entries__place=1)
    posts = list(won.with_card(visitor).order_by("-challenge_entries__challenge__day", "-pk")[:SYNDICATED])
    own = f"{settings.SITE_URL}{request.get_full_path()}"
    page = settings.SITE_URL + reverse("feed:challenge-past")
    channel = Channel(_("Winners of the daily challenge"), page, own)
    return HttpResponse(write_feed(form, channel, posts, visitor, at), content_type=FORMATS[form])
