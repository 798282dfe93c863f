"""A member's page, and the form that edits one's own."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Refused
from accounts.permissions import member_of
from feed import services
from feed.cards import card_of, picture_of
from feed.forms import ProfileForm, show_refusal
from feed.models import Post
from feed.paging import read_keyset
from feed.profiles import avatar_post, profile_of, visible_members
from feed.rates import check_member_rate
from feed.reading import PAGE_SIZE
from feed.views.support import for_members, render_list, says_no


@require_safe
@says_no
def profile(request: HttpRequest, username: str) -> HttpResponseBase:
    """Posts of a member, the newest first; the member also sees what is not hung."""
    at, viewer = timezone.now(), request.user
    member = get_object_or_404(visible_members(viewer, at), username__iexact=username)
    is_own = viewer.pk == member.pk
    listed = Post.objects.listed_for(viewer, at).filter(author=member)
    page = read_keyset(
        listed.with_card(viewer), by="published_at", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE
    )
    face = profile_of(member)
    avatar = avatar_post(face, viewer, at)
    context: dict[str, object] = {
        "member": member,
        "profile": face,
        "avatar": picture_of(avatar, viewer, at) if avatar else None,
        "is_own": is_own,
        "cards": [card_of(post, viewer, at) for post in page.rows],
        "next_url": f"{reverse('feed:profile', args=[member.username])}?cursor={page.next}" if page.next else "",
        "unhung": _unhung(member.pk) if is_own else [],
    }
    return render_list(request, "feed/profile.html", "feed/_page.html", context)


def _unhung(member_id: int) -> list[Post]:
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
            services.edit_profile(member=member, **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("feed:profile", member.username)
    return render(request, "feed/profile_edit.html", {"form": form}, status=422 if form.errors else 200)
