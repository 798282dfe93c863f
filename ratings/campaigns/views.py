"""Campaigns for the research team: list, new, progress, start, end. Others get 404."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Role
from accounts.permissions import member_of, role_required
from lib.errors import Refused
from lib.http import add_refusal, is_htmx
from ratings.benchmarks.models import Benchmark
from ratings.campaigns import services
from ratings.campaigns.forms import CampaignForm
from ratings.campaigns.models import Campaign, CampaignMember, CampaignPicture
from ratings.campaigns.progress import progress_of, refused_imports
from ratings.research.chart_files import chart_file
from ratings.research.charts import FIVE_STEPS, Figure, interval_charts
from ratings.research.views import board_charts, mean_text

MOST_SHOWN = 100
MOST_REFUSED = 50  # of imported pictures, each with its line


@require_GET
@role_required(Role.RESEARCHER)
def campaign_list(request: HttpRequest) -> HttpResponse:
    """Campaigns, and the benchmarks: studies of pairs whose protocol and results are public."""
    campaigns = Campaign.objects.select_related("question", "created_by", "prompt_set").order_by("-pk")
    benchmarks = Benchmark.objects.shown().select_related("prompt_set")
    context = {"campaigns": campaigns[:MOST_SHOWN], "benchmarks": benchmarks[:MOST_SHOWN]}
    return render(request, "ratings/campaign_list.html", context)


@require_http_methods(["GET", "POST"])
@role_required(Role.RESEARCHER)
def campaign_new(request: HttpRequest) -> HttpResponse:
    form = CampaignForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return render(request, "ratings/campaign_new.html", {"form": form})
    status = 400
    if form.is_valid():
        try:
            campaign = services.create_campaign(plan=form.get_plan(), created_by=member_of(request))
        except Refused as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            drawn = _("Campaign created. Its pictures are being generated.")
            imported = _("Campaign created. Its pictures are being imported.")
            messages.success(request, imported if campaign.is_imported else drawn)
            return redirect("ratings:campaign-detail", campaign.slug)
    return render(request, "ratings/campaign_new.html", {"form": form}, status=status)


@require_GET
@role_required(Role.RESEARCHER)
def campaign_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """What was set up, and the figures so far; for htmx the figures alone, with `figure` the chart as a file."""
    campaign = get_object_or_404(Campaign.objects.select_related("question", "prompt_set", "created_by"), slug=slug)
    at = timezone.now()
    progress = progress_of(campaign, at)
    context: dict[str, Any] = {"campaign": campaign, "progress": progress, "charts": _charts(progress)}
    context["refused"] = refused_imports(campaign)[:MOST_REFUSED]
    file = chart_file(request, {"": context["charts"]}, f"{campaign.title}, {at:%Y-%m-%d %H:%M} UTC")
    if file is not None:
        return file
    if is_htmx(request):
        return render(request, "ratings/_campaign_progress.html", context)
    listed = CampaignMember.objects.filter(campaign=campaign, agreed_at=None).count()
    licence = CampaignPicture.objects.filter(campaign=campaign).values_list("checkpoint__licence", flat=True).first()
    return render(request, "ratings/campaign_detail.html", {**context, "not_agreed": listed, "licence": licence})


def _charts(progress: dict[str, Any]) -> list[Any]:
    if progress.get("means"):
        found = [(row["model"], row["mean"], row["low"], row["high"]) for row in progress["means"]]
        figures = [Figure(*row, mean_text(*row[1:])) for row in found]
        return interval_charts(_("Mean answer, 1 to 5, with 95 % intervals"), figures, FIVE_STEPS)
    rows = progress.get("board", {}).get("rows", [])
    return board_charts(rows) if rows else []


@require_POST
@role_required(Role.RESEARCHER)
def campaign_open(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, slug=slug)
    try:
        services.open_campaign(campaign=campaign)
        messages.success(request, _("Campaign started. Share its page with the members you want to ask."))
    except Refused as refusal:
        messages.error(request, refusal.message)
    return redirect("ratings:campaign-detail", slug)


@require_POST
@role_required(Role.RESEARCHER)
def campaign_end(request: HttpRequest, slug: str) -> HttpResponse:
    if services.end_campaign(campaign=get_object_or_404(Campaign, slug=slug)):
        messages.success(request, _("Campaign ended. Its answers stay."))
    else:
        messages.info(request, _("This campaign has already ended."))
    return redirect("ratings:campaign-detail", slug)
