"""The public log, and how moderation works."""

import csv
from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import get_language_info
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.http import require_GET

from lib.pagination import PAGE_SIZE
from moderation.decisions.models import Decision
from moderation.policy import POLICY, POLICY_VERSION, WORDS
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
    """How moderation works; `lang` names the language of the rules, else it is the browser's first that we have."""
    language = request.GET.get("lang", "")
    if language not in WORDS:
        accepted = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
        language = next((each for code, _q in accepted if (each := code.split("-")[0]) in WORDS), "en")
    with translation.override(language):
        policy = [(str(reason.label), str(entry.rule)) for reason, entry in POLICY.items() if entry.severity > 1]
    others = [(code, get_language_info(code)["name_local"]) for code in WORDS if code != language]
    context = {"policy": policy, "policy_language": language, "others": others, "version": POLICY_VERSION}
    return render(request, "moderation/about.html", context)
