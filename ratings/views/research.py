"""The research team's page: what was asked, who answered, what they said. To others it is not there."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.models import Role
from accounts.permissions import role_required
from ratings import reports
from ratings.charts import aspect_chart
from ratings.models import Policy

PERIODS = (7, 30, 90, 365)  # days
DEFAULT_PERIOD = 30


@require_GET
@role_required(Role.RESEARCHER)
def overview(request: HttpRequest) -> HttpResponse:
    """Responses, aspect means, model against model, agreement, over the last `days`."""
    chosen = request.GET.get("days", "")
    days = int(chosen) if chosen.isdecimal() and int(chosen) in PERIODS else DEFAULT_PERIOD
    since = timezone.now() - timedelta(days=days)
    strata = reports.responses(since)
    means = reports.aspect_means(since, strata)
    asks, answered = sum(row.asks for row in strata), sum(row.outcomes.get("answered", 0) for row in strata)
    context = {
        "days": days,
        "periods": PERIODS,
        "policy": Policy.objects.current(),
        "strata": strata,
        "unasked": reports.unasked(since),
        "asks": asks,
        "answered": answered,
        "rate": answered / asks if asks else None,
        "means": means,
        "chart": aspect_chart(means),
        "duels": reports.duels(since),
        "pair_alpha": reports.pair_agreement(since),
    }
    return render(request, "ratings/research.html", context)
