"""The form for people without an account, and the page on which they follow their notice. Both work without scripts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from lib.errors import Refused
from lib.http import UNPROCESSABLE, add_refusal, client_network
from moderation.decisions.statements import outcome_for_sender
from moderation.notices import services as notice_services
from moderation.notices.forms import NoticeForm
from moderation.notices.models import Notice


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send_notice(request: HttpRequest) -> HttpResponse:
    """Takes a notice and leads to its receipt."""
    form = NoticeForm(request.POST if request.method == "POST" else None, initial={"url": request.GET.get("url", "")})
    if form.is_valid():
        made = {name: value for name, value in form.cleaned_data.items() if name != "is_true"}
        try:
            notice = notice_services.send_notice(sender=client_network(request), **made)
        except Refused as error:
            add_refusal(form, error)
        else:
            return redirect("moderation:notice-status", notice.token)
    return render(request, "moderation/notice.html", {"form": form}, status=UNPROCESSABLE if form.is_bound else 200)


@never_cache
@require_safe
def show_status(request: HttpRequest, token: str) -> HttpResponse:
    """What became of a notice, for whoever has the link."""
    notice = get_object_or_404(Notice.objects.select_related("case"), token=token)
    decision = notice_services.decision_on(notice)
    context = {"notice": notice, "decision": decision, "outcome": outcome_for_sender(decision) if decision else ""}
    response = render(request, "moderation/notice_status.html", context)
    response["Referrer-Policy"] = "no-referrer"  # the link is the key
    response["X-Robots-Tag"] = "noindex"
    return response
