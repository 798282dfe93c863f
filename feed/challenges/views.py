"""Pages of challenges: the theme of a day, its entries, and earlier days."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User, Viewer
from accounts.permissions import member_of
from feed.challenges.models import Challenge
from feed.challenges.services import begun_on, enter_challenge, enterable_posts, entries_of
from feed.lists.pages import PAGE_SIZE
from feed.posts.cards import card_of
from feed.posts.models import Post
from feed.responses import for_members, render_list, says_no
from lib.days import day_bounds
from lib.pagination import read_keyset

EARLIER = 14


@require_safe
@says_no
def challenge_today(request: HttpRequest) -> HttpResponseBase:
    at = timezone.now()
    return _show(request, Challenge.objects.current(at).first(), at)


@require_safe
@says_no
def challenge_detail(request: HttpRequest, day: str) -> HttpResponseBase:
    at = timezone.now()
    return _show(request, begun_on(day, at), at)


def _show(request: HttpRequest, challenge: Challenge | None, at: datetime) -> HttpResponseBase:
    viewer = request.user
    context: dict[str, object] = {"challenge": challenge, "cards": []}
    if challenge is not None:
        page = read_keyset(
            entries_of(challenge, viewer, at).with_card(viewer),
            by="published_at",
            cursor=request.GET.get("cursor", ""),
            size=PAGE_SIZE,
        )
        context |= {
            "cards": [card_of(post, viewer, at) for post in page.rows],
            "next_url": f"{challenge.get_absolute_url()}?cursor={page.next}" if page.next else "",
            "is_open": challenge.is_open(at),
            "closes_at": day_bounds(challenge.day)[1],
            "enterable": _enterable(challenge, viewer, at),
        }
    context["earlier"] = list(Challenge.objects.begun(at).exclude(pk=challenge.pk if challenge else 0)[:EARLIER])
    return render_list(request, "feed/challenge.html", "feed/_page.html", context)


def _enterable(challenge: Challenge, viewer: Viewer, at: datetime) -> list[object]:
    if not isinstance(viewer, User) or not challenge.is_open(at):
        return []
    posts = enterable_posts(challenge, viewer).with_card(viewer).order_by("-published_at", "-pk")[:PAGE_SIZE]
    return [{"id": post.public_id, "card": card_of(post, viewer, at)} for post in posts]


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
