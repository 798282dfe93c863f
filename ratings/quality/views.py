"""Quality of answers: for the team, rater by rater; for a member, their own standing and appeals."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Role, User
from accounts.permissions import member_of, member_required, role_required
from lib.errors import Refused
from ratings.quality import appeals as appeal_services
from ratings.quality import rules as quality_rules
from ratings.quality.forms import AppealAnswerForm, AppealForm
from ratings.quality.models import Flag, QualityAppeal, QualityFlag, RaterStanding

RATERS = 100
ANSWERS = 50
OPEN = QualityAppeal.State.OPEN


@require_GET
@role_required(Role.RESEARCHER)
def rater_list(request: HttpRequest) -> HttpResponse:
    """The members with the most flagged answers, and open appeals."""
    waiting = QualityAppeal.objects.filter(state=OPEN)
    rows = RaterStanding.objects.current().select_related("rater")
    rows = rows.annotate(has_appealed=Exists(waiting.filter(rater=OuterRef("rater")))).most_flagged()[:RATERS]
    appeals = waiting.select_related("rater").order_by("created_at")[:RATERS]
    context = {"raters": rows, "appeals": appeals, "version": quality_rules.VERSION, "days": quality_rules.WINDOW.days}
    return render(request, "ratings/raters.html", context)


@require_GET
@role_required(Role.RESEARCHER)
def rater(request: HttpRequest, public_id: str) -> HttpResponse:
    member = get_object_or_404(User, public_id=public_id)
    return render(request, "ratings/rater.html", _about(member) | {"form": AppealAnswerForm()})


@require_POST
@role_required(Role.RESEARCHER)
def answer_appeal(request: HttpRequest, public_id: str) -> HttpResponse:
    """Grants or denies the appeal `public_id`, with a text that its author reads."""
    appeal = get_object_or_404(QualityAppeal.objects.select_related("rater"), public_id=public_id)
    form = AppealAnswerForm(request.POST)
    try:
        form.submit(appeal=appeal, member=member_of(request))
    except Refused as refusal:
        context = _about(appeal.rater) | {"form": form, "refusal": refusal.message}
        return render(request, "ratings/rater.html", context, status=refusal.status)
    messages.success(request, _("Appeal answered."))
    return redirect("ratings:rater", appeal.rater.public_id)


@never_cache
@require_http_methods(["GET", "POST"])
@member_required
def standing(request: HttpRequest) -> HttpResponse:
    """Whether a member's own answers count, and why not."""
    member, form = member_of(request), AppealForm(request.POST or None)
    status, refusal = 200, ""
    if request.method == "POST":
        try:
            appeal_services.appeal_flags(rater=member, text=request.POST.get("text", ""))
            messages.success(request, _("Appeal sent. We'll notify you of the answer."))
            return redirect("ratings:standing")
        except Refused as error:
            status, refusal = error.status, error.message
    context = _about(member) | {"form": form, "refusal": refusal}
    return render(request, "ratings/standing.html", context, status=status)


def _about(member: User) -> dict[str, Any]:
    flags = QualityFlag.objects.in_force().filter(ask__rater=member)
    counts = flags.values_list("flag").annotate(n=Count("pk")).order_by("-n", "flag")
    appeals = list(QualityAppeal.objects.filter(rater=member).order_by("-created_at")[:10])
    return {
        "member": member,
        "standing": RaterStanding.objects.current().filter(rater=member).first(),
        "reasons": [(Flag(flag).label, n) for flag, n in counts],
        "flagged": _latest(flags),
        "appeals": appeals,
        "waiting": next((appeal for appeal in appeals if appeal.state == OPEN), None),
        "days": quality_rules.WINDOW.days,
        "version": quality_rules.VERSION,
    }


def _latest(flags: QuerySet[QualityFlag]) -> list[QualityFlag]:
    return list(flags.select_related("ask__question").order_by("-ask")[:ANSWERS])
