"""Profiles, following, blocking, muting, and what a member is not interested in."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User, Viewer
from accounts.permissions import member_of
from feed.challenges.results import honours_of
from feed.collections.models import Collection
from feed.lists.pages import PAGE_SIZE
from feed.members import services as members_services
from feed.members.forms import MuteForm, ProfileForm
from feed.members.models import Block, Follow, HiddenPost, Mute
from feed.members.queries import FollowSide, follows_of, profile_of, visible_members
from feed.posts import services as posts_services
from feed.posts.avatars import add_avatars
from feed.posts.cards import avatar_post, card_of, picture_of
from feed.posts.models import Post
from feed.posts.near_duplicates import collapse_near_duplicates, newest_variations
from feed.responses import View, came_from, for_members, render_list, says_no
from generation.media.signing import Picture, picture
from lib.errors import Refused
from lib.http import add_refusal, is_htmx
from lib.pagination import read_keyset

MAX_POSTS_COUNTED = 5_000  # of a profile
MAX_FOLLOWS_COUNTED = 1_000  # followers, and followed
HIDDEN_ON_A_PAGE = 50
SIDES: tuple[FollowSide, FollowSide] = ("followed", "member")
ON_A_CARD = 3  # newest pictures


@require_safe
@says_no
def profile(request: HttpRequest, username: str) -> HttpResponseBase:
    """Posts of a member, the newest first, variations collapsed (``?all`` shows each by itself).

    The member also sees what they took down.
    """
    at, viewer = timezone.now(), request.user
    member = get_object_or_404(visible_members(viewer, at), username__iexact=username)
    is_own, is_flat = viewer.pk == member.pk, "all" in request.GET
    listed = Post.objects.listed_for(viewer, at).filter(author=member).with_card(viewer, at)
    listed = listed if is_flat else newest_variations(listed, viewer, at)
    page_cursor = request.GET.get("cursor", "")
    page = read_keyset(listed, by="published_at", cursor=page_cursor, size=PAGE_SIZE)
    query = urlencode({**({"all": ""} if is_flat else {}), **({"cursor": page.next} if page.next else {})})
    face = profile_of(member)
    avatar = avatar_post(face, viewer, at)
    is_start = not page_cursor
    pinned = Post.objects.listed_for(viewer, at).filter(author=member).exclude(pinned_at=None).with_card(viewer, at)
    context: dict[str, object] = {
        "pinned": [card_of(post, viewer, at) for post in pinned.order_by("-pinned_at")] if is_start else [],
        "totals": _totals(member, viewer, at) if is_start else None,
        "member": member,
        "profile": face,
        "avatar": picture_of(avatar, viewer, at) if avatar else None,
        "is_own": is_own,
        "is_flat": is_flat,
        "cards": [
            card_of(post, viewer, at) for post in (page.rows if is_flat else collapse_near_duplicates(page.rows))
        ],
        "next_url": f"{reverse('feed:profile', args=[member.username])}?{query}" if page.next else "",
        "unpublished": _unpublished(member.pk) if is_own else [],
        "is_followed": isinstance(viewer, User) and Follow.objects.filter(member=viewer, followed=member).exists(),
        "honours": honours_of(member, at=at),
        "has_collections": Collection.objects.published(at).filter(owner=member).exists(),
        "follow_counts": {
            side: follows_of(member, viewer, at, side=side)[:MAX_FOLLOWS_COUNTED].count() for side in SIDES
        },
    }
    return render_list(request, "feed/profile.html", "feed/_page.html", context)


def _totals(member: User, viewer: Viewer, at: datetime) -> dict[str, int]:
    """Of the member's newest posts that the viewer may see: how many, and the likes and remixes they got."""
    newest = Post.objects.listed_for(viewer, at).filter(author=member).order_by("-published_at", "-pk")
    counted = newest[:MAX_POSTS_COUNTED]
    return counted.aggregate(
        posts=Count("pk"), likes=Sum("count__likes", default=0), remixes=Sum("count__remixes", default=0)
    )


@require_safe
@says_no
def member_card(request: HttpRequest, username: str) -> HttpResponseBase:
    """What shows beside a name that the mouse rests on: who it is, the newest pictures, and Follow."""
    at, viewer = timezone.now(), request.user
    member = get_object_or_404(visible_members(viewer, at), username__iexact=username)
    face = profile_of(member)
    add_avatars([member], viewer, at)
    listed = Post.objects.listed_for(viewer, at).filter(author=member).with_card(viewer, at)
    newest = listed.order_by("-published_at", "-pk")[:ON_A_CARD]
    context = {
        "member": member,
        "profile": face,
        "totals": _totals(member, viewer, at),
        "cards": [card_of(post, viewer, at) for post in newest],
        "may_follow": isinstance(viewer, User) and viewer.pk != member.pk,
        "is_followed": isinstance(viewer, User) and Follow.objects.filter(member=viewer, followed=member).exists(),
    }
    return render(request, "feed/_member_card.html", context)


@require_safe
@says_no
def follows(request: HttpRequest, username: str, side: FollowSide) -> HttpResponseBase:
    """Whom a member follows, or who follows them: the latest first, as far as the viewer may see them."""
    at, viewer = timezone.now(), request.user
    member = get_object_or_404(visible_members(viewer, at), username__iexact=username)
    found = follows_of(member, viewer, at, side=side).select_related(side)
    page = read_keyset(found, by="created_at", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    people = [getattr(row, side) for row in page.rows]
    add_avatars(people, viewer, at)
    context = {
        "member": member,
        "is_following": side == "followed",
        "people": people,
        "next_url": f"?cursor={page.next}" if page.next else "",
    }
    return render(request, "feed/follows.html", context)


def _unpublished(member_id: int) -> list[Post]:
    """The member's own posts that they took down, the latest first."""
    own = Post.objects.filter(author=member_id, deleted_at=None, removed_at=None).exclude(unpublished_at=None)
    return list(own.order_by("-unpublished_at", "-pk")[:PAGE_SIZE])


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def edit_profile(request: HttpRequest) -> HttpResponseBase:
    member = member_of(request)
    face = profile_of(member)
    form = ProfileForm(request.POST or None, instance=face, member=member)
    if request.method == "POST" and form.is_valid():
        try:
            members_services.edit_profile(member=member, **form.cleaned_data)
        except Refused as refused:
            add_refusal(form, refused)
        else:
            return redirect("feed:profile", member.username)
    context = {"form": form, "avatars": _avatars_to_choose(form, member)}
    return render(request, "feed/profile_edit.html", context, status=422 if form.errors else 200)


def _avatars_to_choose(form: ProfileForm, member: User) -> list[tuple[str, Picture, bool]]:
    """(public id, picture, whether it is chosen) of the pictures that the form offers."""
    at, chosen = timezone.now(), str(form["avatar"].value() or "")
    images = form.fields["avatar"].queryset.select_related("generation")  # type: ignore[attr-defined]
    shown = [(image, picture(image, viewer_may_sign=True, viewer=member, sizes="72px", at=at)) for image in images]
    return [(image.public_id, one, chosen in {image.public_id, str(image.pk)}) for image, one in shown]


def _relationship_view(change: Callable[[User, User], bool], done: str | Promise) -> View[[str]]:
    """The button on a member's page that changes how one member stands to another."""

    @require_POST
    @for_members
    @says_no
    def view(request: HttpRequest, username: str) -> HttpResponseBase:
        member = member_of(request)
        other = _reachable_member(member, username)
        change(member, other)
        if done:
            messages.success(request, str(done))
        if is_htmx(request):
            is_followed = Follow.objects.filter(member=member, followed=other).exists()
            followers = follows_of(other, member, timezone.now(), side="member")[:MAX_FOLLOWS_COUNTED].count()
            size = "small" if request.POST.get("size") == "small" else ""
            context = {"member": other, "is_followed": is_followed, "size": size, "follower_count": followers}
            return render(request, "feed/_follow.html", context)
        is_gone = Block.objects.filter(member=member, blocked=other).exists()
        return redirect("feed:list" if is_gone else came_from(request, "/"))

    return view


def _reachable_member(member: User, username: str) -> User:
    """Somebody the member may see, or has blocked; whoever blocked the member stays out of reach."""
    blocked = Q(pk__in=Block.objects.blocked_by(member.pk))
    reachable = User.objects.filter(Q(pk__in=visible_members(member, timezone.now()).values("pk")) | blocked)
    other: User = get_object_or_404(reachable, username__iexact=username)
    return other


follow = _relationship_view(lambda member, other: members_services.follow_member(member=member, followed=other), "")
unfollow = _relationship_view(lambda member, other: members_services.unfollow_member(member=member, followed=other), "")
block = _relationship_view(
    lambda member, other: members_services.block_member(member=member, blocked=other),
    gettext_lazy("Blocked. Neither of you sees the other now. You can unblock them in Settings, “Muted and blocked”."),
)
unblock = _relationship_view(
    lambda member, other: members_services.unblock_member(member=member, blocked=other), gettext_lazy("Unblocked.")
)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def preferences(request: HttpRequest) -> HttpResponseBase:
    """What the member muted, blocked and hid; adds a mute."""
    at, member = timezone.now(), member_of(request)
    form = MuteForm(request.POST or None, initial=request.GET.dict() if request.method == "GET" else None)
    if request.method == "POST" and form.is_valid():
        try:
            members_services.mute(member=member, at=at, **form.arguments(member, at))
        except Refused as refused:
            add_refusal(form, refused)
        else:
            messages.success(request, _("Muted in all your lists."))
            return redirect("feed:preferences")
    mutes = Mute.objects.active(at).filter(member=member).select_related("author", "checkpoint")
    blocks = Block.objects.filter(member=member).select_related("blocked")
    openable = Post.objects.visible_to(member, at).values("pk")
    hidden = HiddenPost.objects.filter(member=member, post__in=openable).select_related("post__image")
    cursor = request.GET.get("cursor", "")
    page = read_keyset(hidden, by="created_at", cursor=cursor, size=HIDDEN_ON_A_PAGE)
    context = {
        "form": form,
        "mutes": mutes.order_by("-created_at", "-pk")[: members_services.MAX_MUTES],
        "blocks": blocks.order_by("-created_at", "-pk")[: members_services.MAX_BLOCKS],
        "hidden": [(row, row.post.title or Truncator(row.post.image.alt_for(member)).chars(80)) for row in page.rows],
        "next_url": f"?cursor={page.next}" if page.next else "",
    }
    return render(request, "feed/preferences.html", context, status=422 if form.errors else 200)


@require_POST
@for_members
@says_no
def unmute(request: HttpRequest, pk: int) -> HttpResponseBase:
    mute = get_object_or_404(Mute.objects.select_related("member"), pk=pk, member=member_of(request))
    members_services.unmute(mute=mute)
    messages.success(request, _("Unmuted."))
    return redirect("feed:preferences")


@require_POST
@for_members
@says_no
def not_interested(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Hides a post from the member's lists, or with ``undo`` shows it again."""
    at, member = timezone.now(), member_of(request)
    post = get_object_or_404(Post.objects.visible_to(member, at), public_id=public_id)
    is_undone = "undo" in request.POST
    if is_undone:
        posts_services.unhide_post(post=post, member=member, at=at)
    else:
        posts_services.hide_post(post=post, member=member, at=at)
    if is_htmx(request):
        return render(request, "feed/_hidden.html", {"post": post, "is_undone": is_undone})
    messages.success(request, _("Shown again.") if is_undone else _("Hidden from your lists."))
    return redirect(came_from(request, "/"))
