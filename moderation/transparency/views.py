"""The public log, and how moderation works."""

import csv
from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from lib.pagination import PAGE_SIZE
from moderation.decisions.models import Decision
from moderation.policy import POLICY, POLICY_VERSION
from moderation.transparency.public_log import overturn_rates, redacted
from moderation.transparency.report import COLUMNS, Row, report

PERIODS = [30, 90, 365]  # days


@require_GET
def show_log(request: HttpRequest) -> HttpResponse:
    """Every decision, redacted to what, why and when; nobody is named and nothing is linked."""
    page = Paginator(Decision.objects.logged().order_by("-pk"), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [redacted(each) for each in page]
    return render(request, "moderation/log.html", {"page": page, "rows": rows, "rates": overturn_rates(timezone.now())})


@require_GET
def show_report(request: HttpRequest) -> HttpResponse:
    """The transparency report of a period."""
    days = _days(request)
    context = {"rows": _rows(days), "days": days, "periods": PERIODS}
    return render(request, "moderation/transparency.html", context)


@require_GET
def download_report(request: HttpRequest) -> HttpResponse:
    """The same as CSV."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="moderation.csv"'
    writer = csv.DictWriter(response, COLUMNS)
    writer.writeheader()
    writer.writerows(row.record() for row in _rows(_days(request)))
    return response


def _days(request: HttpRequest) -> int:
    wanted = request.GET.get("days", "")
    return int(wanted) if wanted in map(str, PERIODS) else PERIODS[1]


def _rows(days: int) -> list[Row]:
    now = timezone.now()
    return report(now - timedelta(days=days), now)


@require_GET
def show_about(request: HttpRequest) -> HttpResponse:
    policy = [(reason, entry) for reason, entry in POLICY.items() if entry.severity > 1]
    return render(request, "moderation/about.html", {"policy": policy, "version": POLICY_VERSION})
