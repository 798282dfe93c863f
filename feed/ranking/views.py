"""What a browser reports about the cards it showed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.permissions import member_of
from feed.ranking import impressions
from feed.responses import for_members, says_no
from lib.http import client_network


@require_POST
@for_members
def forget_seen(request: HttpRequest) -> HttpResponseBase:
    """Everything counts as unseen again."""
    impressions.forget_seen(member_of(request), timezone.now())
    messages.success(request, _("Your history is cleared: every picture counts as unseen again."))
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
