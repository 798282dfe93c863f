"""Notifications, their settings, and the link that stops the mails."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import member_of
from accounts.services import mark_notifications_read
from feed.notifications import digests
from feed.notifications.forms import NotificationSettingsForm
from feed.notifications.groups import group_notices
from feed.notifications.queries import read_notices
from feed.responses import for_members, render_list, says_no


@require_safe
@for_members
@says_no
def notifications(request: HttpRequest) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    page = read_notices(member, at=at, cursor=request.GET.get("cursor", ""))
    context: dict[str, object] = {
        "groups": group_notices(page.notices, member, at),
        "next_url": f"{reverse('feed:notifications')}?cursor={page.next}" if page.next else "",
        "latest": page.latest,
        "has_new": page.has_new,
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


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def notification_settings(request: HttpRequest) -> HttpResponseBase:
    """Which kinds a member wants, where, and how often by mail."""
    member = member_of(request)
    form = NotificationSettingsForm(request.POST or None, member=member)
    if request.method == "POST" and form.is_valid():
        digests.choose_notifications(member=member, digest=form.cleaned_data["digest"], choices=form.choices())
        messages.success(request, _("Saved."))
        return redirect("feed:notice-settings")
    return render(request, "feed/notification_settings.html", {"form": form}, status=422 if form.errors else 200)


@csrf_exempt  # mail programs post here by themselves (RFC 8058); the signed link is what allows it
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest) -> HttpResponseBase:
    """Ends the digest for whoever holds its signed link, signed in or not; opening it changes nothing."""
    member = digests.member_of_link(request.GET.get("s", ""))
    if member is None:
        raise Http404("This link is damaged.")
    if request.method == "POST":
        digests.end_digest(member=member)
    is_over = request.method == "POST"
    return render(request, "feed/unsubscribe.html", {"is_over": is_over, "username": member.username})
