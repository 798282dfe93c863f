"""The public log, and how moderation works."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from lib.pagination import PAGE_SIZE
from moderation.decisions.models import Decision
from moderation.policy import POLICY, POLICY_VERSION
from moderation.transparency.public_log import overturn_rates, redacted


@require_GET
def show_log(request: HttpRequest) -> HttpResponse:
    """Every decision, redacted to what, why and when; nobody is named and nothing is linked."""
    page = Paginator(Decision.objects.logged().order_by("-pk"), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [redacted(each) for each in page]
    return render(request, "moderation/log.html", {"page": page, "rows": rows, "rates": overturn_rates(timezone.now())})


@require_GET
def show_about(request: HttpRequest) -> HttpResponse:
    policy = [(reason, entry) for reason, entry in POLICY.items() if entry.severity > 1]
    return render(request, "moderation/about.html", {"policy": policy, "version": POLICY_VERSION})
