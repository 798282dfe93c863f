"""Following, blocking, muting, and what one is not interested in."""

from collections.abc import Callable

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.permissions import member_of
from feed.members import services as members_services
from feed.members.forms import MuteForm
from feed.members.models import Block, Follow, HiddenPost, Mute
from feed.members.own_changes import remember_own_change
from feed.members.queries import visible_members
from feed.posts.forms import show_refusal
from feed.posts.models import Post
from feed.ranking import impressions
from feed.rates import check_member_rate
from feed.responses import came_from, for_members, says_no
from lib.errors import Refused
from lib.http import client_network, is_htmx
from lib.pagination import read_keyset

PAGE_SIZE = 50


@require_POST
@for_members
@says_no
def follow(request: HttpRequest, username: str) -> HttpResponseBase:
    return _about(request, username, lambda me, other: members_services.follow_member(member=me, followed=other), "")


@require_POST
@for_members
@says_no
def unfollow(request: HttpRequest, username: str) -> HttpResponseBase:
    return _about(request, username, lambda me, other: members_services.unfollow_member(member=me, followed=other), "")


@require_POST
@for_members
@says_no
def block(request: HttpRequest, username: str) -> HttpResponseBase:
    said = _("Neither of you sees the other from now on. Settings, “Muted and blocked”, takes it back.")
    _about(request, username, lambda me, other: members_services.block_member(member=me, blocked=other), said)
    return redirect("feed:list")  # the page it was on is no longer there for them


@require_POST
@for_members
@says_no
def unblock(request: HttpRequest, username: str) -> HttpResponseBase:
    said = _("Unblocked.")
    return _about(request, username, lambda me, other: members_services.unblock_member(member=me, blocked=other), said)


def _about(request: HttpRequest, username: str, change: Callable[[User, User], bool], said: str) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    check_member_rate(member, "people")
    other = _other(member, username)
    change(member, other)
    remember_own_change(member, at)
    if said:
        messages.success(request, said)
    if is_htmx(request):
        is_followed = Follow.objects.filter(member=member, followed=other).exists()
        return render(request, "feed/_follow.html", {"member": other, "is_followed": is_followed})
    return redirect(came_from(request, "/"))


def _other(member: User, username: str) -> User:
    """Somebody the member may see, or has blocked; whoever blocked the member stays out of reach."""
    blocked = Q(pk__in=Block.objects.blocked_by(member.pk))
    reachable = User.objects.filter(Q(pk__in=visible_members(member, timezone.now()).values("pk")) | blocked)
    other: User = get_object_or_404(reachable, username__iexact=username)
    return other


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def preferences(request: HttpRequest) -> HttpResponseBase:
    """What the member muted, blocked and hid; adds a mute."""
    at, member = timezone.now(), member_of(request)
    form = MuteForm(request.POST or None, initial=request.GET.dict() if request.method == "GET" else None)
    if request.method == "POST" and form.is_valid():
        try:
            check_member_rate(member, "people")
            members_services.mute(member=member, at=at, **form.muted(member, at))
        except Refused as refused:
            show_refusal(form, refused)
        else:
            remember_own_change(member, at)
            messages.success(request, _("Muted. It holds in every list from now on."))
            return redirect("feed:preferences")
    mutes = Mute.objects.active(at).filter(member=member).select_related("author", "checkpoint")
    blocks = Block.objects.filter(member=member).select_related("blocked")
    openable = Post.objects.visible_to(member, at).values("pk")
    hidden = HiddenPost.objects.filter(member=member, post__in=openable).select_related("post__image")
    cursor = request.GET.get("cursor", "")
    page = read_keyset(hidden, by="created_at", cursor=cursor, size=PAGE_SIZE)
    context = {
        "form": form,
        "mutes": mutes.order_by("-created_at", "-pk")[: members_services.MOST_MUTES],
        "blocks": blocks.order_by("-created_at", "-pk")[: members_services.MOST_BLOCKS],
        "hidden": [(row, row.post.title or Truncator(row.post.image.alt_for(member)).chars(80)) for row in page.rows],
        "next_url": f"?cursor={page.next}" if page.next else "",
    }
    return render(request, "feed/preferences.html", context, status=422 if form.errors else 200)


@require_POST
@for_members
def unmute(request: HttpRequest, pk: int) -> HttpResponseBase:
    member = member_of(request)
    members_services.unmute(mute=get_object_or_404(Mute, pk=pk, member=member))
    remember_own_change(member, timezone.now())
    messages.success(request, _("No longer muted."))
    return redirect("feed:preferences")


@require_POST
@for_members
@says_no
def not_interested(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Hides a post from the member's lists, or with ``undo`` shows it again."""
    at, member = timezone.now(), member_of(request)
    check_member_rate(member, "people")
    post = get_object_or_404(Post.objects.visible_to(member, at), public_id=public_id)
    is_undone = "undo" in request.POST
    if is_undone:
        members_services.unhide_post(member=member, post=post)
    else:
        members_services.hide_post(member=member, post=post, at=at)
    remember_own_change(member, at)
    if is_htmx(request):
        return render(request, "feed/_hidden.html", {"post": post, "is_undone": is_undone})
    messages.success(request, _("Shown again.") if is_undone else _("Hidden from your lists."))
    return redirect(came_from(request, "/"))


@require_POST
@for_members
def forget_seen(request: HttpRequest) -> HttpResponseBase:
    """Everything counts as unseen again."""
    impressions.forget_seen(member_of(request), timezone.now())
    messages.success(request, _("Forgotten: everything counts as unseen again."))
    return redirect("feed:preferences")


@require_POST
@says_no
def note_impressions(request: HttpRequest) -> HttpResponse:
    """The page's beacon: ``post`` once for each card that was half visible for a second."""
    at, viewer = timezone.now(), request.user
    address, agent = client_network(request), request.headers.get("User-Agent", "")
    key = impressions.viewer_key(viewer, address, agent, at)
    impressions.note_impressions(viewer=viewer, key=key, public_ids=request.POST.getlist("post"), at=at)
    return HttpResponse(status=204)
