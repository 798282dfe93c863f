"""What a member is told."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Notification
from accounts.permissions import member_of
from accounts.services import mark_notifications_read
from feed.notices import notices_of
from feed.paging import read_keyset
from feed.views.support import for_members, render_list, says_no

PAGE_SIZE = 30


@require_safe
@for_members
@says_no
def notifications(request: HttpRequest) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    own = Notification.objects.filter(recipient=member)
    page = read_keyset(own, by="created_at", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    context: dict[str, object] = {
        "notices": notices_of(page.rows, member, at),
        "next_url": f"{reverse('feed:notifications')}?cursor={page.next}" if page.next else "",
        "latest": max((row.pk for row in page.rows), default=0),
        "has_new": any(row.read_at is None for row in page.rows),
    }
    return render_list(request, "feed/notifications.html", "feed/notifications.html", context)


@require_POST
@for_members
def mark_read(request: HttpRequest) -> HttpResponseBase:
    """Everything up to the notification the page showed: what came since stays new."""
    until = request.POST.get("until", "")
    is_number = until.isascii() and until.isdigit() and len(until) < 19
    mark_notifications_read(recipient=member_of(request), until=int(until) if is_number else None)
    return redirect("feed:notifications")
