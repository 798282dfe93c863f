"""Many of one's own posts at a time."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.permissions import member_of
from feed.members.own_changes import remember_own_change
from feed.posts.bulk_actions import originals_archive, unpublish_posts
from feed.posts.cards import card_of
from feed.posts.models import Post
from feed.rates import check_member_rate
from feed.responses import for_members, says_no
from lib.pagination import read_keyset

PAGE_SIZE = 60


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def published(request: HttpRequest) -> HttpResponseBase:
    """One's own posts with a box each; what is to be done with those that are ticked is the button's value."""
    at, member = timezone.now(), member_of(request)
    if request.method == "POST":
        return _act(request, member)
    own = Post.objects.filter(author=member, deleted_at=None, removed_at=None).with_card(member, at)
    page = read_keyset(own, by="published_at", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    context = {
        "posts": [(post, card_of(post, member, at)) for post in page.rows if post.image.rendition_widths],
        "next_url": f"?cursor={page.next}" if page.next else "",
    }
    return render(request, "feed/published.html", context)


def _act(request: HttpRequest, member: User) -> HttpResponseBase:
    check_member_rate(member, "publish")
    wanted, doing = request.POST.getlist("post"), request.POST.get("do", "")
    if doing == "download-all":
        return originals_archive(member, [])
    if not wanted:
        messages.warning(request, _("Tick some pictures first."))
    elif doing == "download":
        return originals_archive(member, wanted)
    elif doing == "unpublish":
        count = unpublish_posts(author=member, public_ids=wanted)
        remember_own_change(member, timezone.now())
        said = ngettext("%(n)s picture is taken down.", "%(n)s pictures are taken down.", count) % {"n": count}
        messages.success(request, said)
    return redirect("feed:published")
