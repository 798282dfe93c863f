"""What members meet: reporting, their own decisions, appeals, the public log, and how it all works."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.permissions import member_of, member_required
from lib.errors import Refused
from lib.http import add_refusal
from moderation.appeals import services as appeal_services
from moderation.appeals.services import can_appeal
from moderation.cases import services as case_services
from moderation.decisions.statements import statement_of
from moderation.forms import AppealForm, ReportForm
from moderation.models import Appeal, Decision, Restriction, Strike, kind_label
from moderation.policy import POLICY, POLICY_VERSION
from moderation.restrictions.services import describe
from moderation.targets import visible_target
from moderation.transparency.public_log import overturn_rates, redacted

UNPROCESSABLE = 422
A_PAGE = 30


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, target_type: str, public_id: str) -> HttpResponse:
    """The report page of one target; reporting what one cannot see is a 404 (RefusalMiddleware)."""
    member, now = member_of(request), timezone.now()
    target = visible_target(target_type, public_id, member, now)
    form = ReportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            case_services.report_target(target=target, reporter=member, **form.cleaned_data, at=now)
        except Refused as error:
            if error.status == 404:
                raise
            add_refusal(form, error)
        else:
            return render(request, "moderation/reported.html")
    page_of = getattr(target, "get_absolute_url", None)
    context = {"form": form, "kind": kind_label(target_type), "back_url": page_of() if page_of else ""}
    return render(request, "moderation/report.html", context, status=UNPROCESSABLE if form.is_bound else 200)


@member_required
@require_GET
def my_decisions(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), timezone.now()
    decisions = Decision.objects.about(member).order_by("-pk")
    page = Paginator(decisions, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(decision, statement_of(decision)) for decision in page],
        "restrictions": [describe(each) for each in Restriction.objects.active(now).filter(user=member)],
        "strikes": Strike.objects.active(now).filter(user=member).order_by("-pk"),
    }
    return render(request, "moderation/mine.html", context)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: HttpRequest, public_id: str) -> HttpResponse:
    """The statement of reasons, for the author alone, with the appeal."""
    member, now = member_of(request), timezone.now()
    found = get_object_or_404(Decision.objects.about(member), public_id=public_id)
    form = AppealForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            appeal_services.appeal_decision(decision=found, author=member, text=form.cleaned_data["text"], at=now)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Your appeal is on its way. You will be told of the answer."))
            return redirect("moderation:decision", public_id)
    return render(
        request,
        "moderation/decision.html",
        {
            "decision": found,
            "statement": statement_of(found),
            "appeal": Appeal.objects.filter(decision=found).first(),
            "can_appeal": can_appeal(found, now),
            "form": form,
        },
        status=UNPROCESSABLE if form.is_bound else 200,
    )


@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """Every decision, redacted to what, why and when; nobody is named and nothing is linked."""
    page = Paginator(Decision.objects.logged().order_by("-pk"), A_PAGE).get_page(request.GET.get("page"))
    rows = [redacted(each) for each in page]
    return render(request, "moderation/log.html", {"page": page, "rows": rows, "rates": overturn_rates(timezone.now())})


@require_GET
def about(request: HttpRequest) -> HttpResponse:
    policy = [(reason, entry) for reason, entry in POLICY.items() if entry.severity > 1]
    return render(request, "moderation/about.html", {"policy": policy, "version": POLICY_VERSION})
