"""A member's page, and the form that edits one's own."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.permissions import member_of
from feed.collections.models import Collection
from feed.lists.pages import PAGE_SIZE
from feed.members.models import Follow
from feed.members.queries import FollowSide, follows_of, profile_of, visible_members
from feed.posts import services as posts_services
from feed.posts.cards import avatar_post, card_of, picture_of
from feed.posts.forms import ProfileForm, show_refusal
from feed.posts.models import Post
from feed.posts.near_duplicates import fold_near, stacked
from feed.rates import check_member_rate
from feed.responses import for_members, render_list, says_no
from lib.errors import Refused
from lib.pagination import read_keyset

MOST_COUNTED = 1_000  # followers, and followed
SIDES: tuple[FollowSide, FollowSide] = ("followed", "member")


@require_safe
@says_no
def profile(request: HttpRequest, username: str) -> HttpResponseBase:
    """Posts of a member, the newest first, what belongs together stacked (``?all`` shows each by itself).

    The member also sees what they took down.
    """
    at, viewer = timezone.now(), request.user
    member = get_object_or_404(visible_members(viewer, at), username__iexact=username)
    is_own, is_flat = viewer.pk == member.pk, "all" in request.GET
    listed = Post.objects.listed_for(viewer, at).filter(author=member).with_card(viewer, at)
    listed = listed if is_flat else stacked(listed, viewer, at)
    page = read_keyset(listed, by="published_at", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    query = urlencode({**({"all": ""} if is_flat else {}), **({"cursor": page.next} if page.next else {})})
    face = profile_of(member)
    avatar = avatar_post(face, viewer, at)
    context: dict[str, object] = {
        "member": member,
        "profile": face,
        "avatar": picture_of(avatar, viewer, at) if avatar else None,
        "is_own": is_own,
        "is_flat": is_flat,
        "cards": [card_of(post, viewer, at) for post in (page.rows if is_flat else fold_near(page.rows))],
        "next_url": f"{reverse('feed:profile', args=[member.username])}?{query}" if page.next else "",
        "unpublished": _unpublished(member.pk) if is_own else [],
        "is_followed": isinstance(viewer, User) and Follow.objects.filter(member=viewer, followed=member).exists(),
        "has_collections": Collection.objects.published(at).filter(owner=member).exists(),
        "follow_counts": {side: follows_of(member, viewer, at, side=side)[:MOST_COUNTED].count() for side in SIDES},
    }
    return render_list(request, "feed/profile.html", "feed/_page.html", context)


@require_safe
@says_no
def follows(request: HttpRequest, username: str, side: FollowSide) -> HttpResponseBase:
    """Whom a member follows, or who follows them: the latest first, as far as the viewer may see them."""
    at, viewer = timezone.now(), request.user
    member = get_object_or_404(visible_members(viewer, at), username__iexact=username)
    found = follows_of(member, viewer, at, side=side).select_related(side)
    page = read_keyset(found, by="created_at", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    context = {
        "member": member,
        "is_following": side == "followed",
        "people": [getattr(row, side) for row in page.rows],
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
            check_member_rate(member, "profile")
            posts_services.edit_profile(member=member, **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("feed:profile", member.username)
    return render(request, "feed/profile_edit.html", {"form": form}, status=422 if form.errors else 200)
