"""Running a post's seed again: the button, the wait, and both pictures side by side."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.permissions import member_of
from feed.posts.cards import picture_of
from feed.posts.reproduction import outcome_of, reproduce_post
from feed.posts.views import find_post
from feed.rates import check_member_rate
from feed.responses import for_members, says_no
from generation.media.signing import picture
from lib.http import is_htmx

SIDE_SIZES = "(min-width: 720px) 50vw, 100vw"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def reproduce(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Asked for again by htmx while the picture is made; the page renews itself without a script."""
    at, member = timezone.now(), member_of(request)
    post = find_post(public_id, member, at)
    if request.method == "POST":
        check_member_rate(member, "reproduce")
        reproduce_post(post=post, member=member, at=at)
        return redirect("feed:reproduce", post.public_id)
    outcome = outcome_of(post, member)
    made = outcome.image if outcome and outcome.image.rendition_widths else None
    context = {
        "post": post,
        "outcome": outcome,
        "is_readable": post.may_read_prompt(member),
        "before": picture_of(post, member, at, SIDE_SIZES),
        "after": picture(made, viewer_may_sign=True, viewer=member, sizes=SIDE_SIZES, at=at) if made else None,
    }
    return render(request, "feed/_reproduction.html" if is_htmx(request) else "feed/reproduce.html", context)
