"""The report page, and what moderators work with: the queue and one case. Others get 404."""

from datetime import datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Role, User
from accounts.permissions import member_of, member_required, role_required
from lib.errors import Refused
from lib.http import UNPROCESSABLE, add_refusal
from lib.pagination import PAGE_SIZE
from moderation.appeals.models import Appeal
from moderation.cases import services as case_services
from moderation.cases.forms import DecisionForm, NoteForm, QueueForm, ReportForm
from moderation.cases.models import Case, kind_label
from moderation.decisions import batches
from moderation.decisions import services as decision_services
from moderation.decisions.models import INTERNAL, Decision
from moderation.decisions.reversal import can_undo
from moderation.decisions.statements import statement
from moderation.evidence.services import latest_evidence
from moderation.policy import DECIDABLE
from moderation.screening.models import Screening
from moderation.targets import adapter_of, load_target, visible_target

moderator_only = role_required(Role.MODERATOR)
MOST_SHOWN = 50  # other cases beside one


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_target(request: HttpRequest, target_type: str, public_id: str) -> HttpResponse:
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


@moderator_only
@require_GET
def show_queue(request: HttpRequest) -> HttpResponse:
    """Open cases, the most pressing first."""
    moderator, now = member_of(request), timezone.now()
    form = QueueForm(request.GET)
    waiting = form.narrow(Case.objects.claimable(moderator, now)).select_related("author").with_picture().pressing(now)
    asked = request.GET.copy()
    asked.pop("page", None)
    context = {
        "form": form,
        "asked": asked.urlencode(),
        "page": Paginator(waiting, PAGE_SIZE).get_page(request.GET.get("page")),
        "alarms": Case.objects.open_to(moderator).alarming(now).count(),
        "held": Case.objects.held_by(moderator, now).first(),
        "appeals": Appeal.objects.filter(state=Appeal.State.OPEN).count(),
    }
    return render(request, "moderation/queue.html", context)


@moderator_only
@require_POST
def claim_case(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """Takes one case, or the next."""
    moderator = member_of(request)
    case = get_object_or_404(Case.objects.open_to(moderator), public_id=public_id) if public_id else None
    try:
        taken = case_services.claim_case(moderator=moderator, case=case)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("moderation:queue")
    if taken is None:
        messages.info(request, _("No open cases. Thank you."))
        return redirect("moderation:queue")
    return redirect("moderation:case", taken.public_id)


@moderator_only
@require_POST
def release_case(request: HttpRequest, public_id: str) -> HttpResponse:
    moderator = member_of(request)
    case = get_object_or_404(Case.objects.open_to(moderator), public_id=public_id)
    case_services.release_case(case=case, moderator=moderator)
    return redirect("moderation:queue")


@moderator_only
@require_POST
def add_note(request: HttpRequest, public_id: str) -> HttpResponse:
    """Leaves a note for the other moderators."""
    moderator = member_of(request)
    case = get_object_or_404(Case.objects.open_to(moderator), public_id=public_id)
    form = NoteForm(request.POST)
    if form.is_valid():
        case_services.add_note(case=case, author=moderator, text=form.cleaned_data["text"])
        messages.success(request, _("Note added."))
    else:
        messages.error(request, _("Write something first, up to 2,000 characters."))
    return redirect("moderation:case", public_id)


@moderator_only
@require_http_methods(["GET", "HEAD", "POST"])
def show_case(request: HttpRequest, public_id: str) -> HttpResponse:
    """One case: what it is about, the checks, the reports, and the decision."""
    moderator, now = member_of(request), timezone.now()
    related = ("author", "claimed_by", "second_opinion_for")
    found = get_object_or_404(Case.objects.open_to(moderator).select_related(*related), public_id=public_id)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            decision_services.decide_case(case=found, moderator=moderator, **form.choices_made(), at=now)
        except Refused as error:
            add_refusal(form, error)
            found.refresh_from_db()
        else:
            _decide_others(request, moderator, form, now)
            return _claim_next(request, moderator, form.cleaned_data["action"])
    context = _case_context(found, moderator, form)
    return render(request, "moderation/case.html", context, status=UNPROCESSABLE if form.is_bound else 200)


def _decide_others(request: HttpRequest, moderator: User, form: DecisionForm, at: datetime) -> None:
    """The same decision about the other cases that were ticked."""
    wanted = request.POST.getlist("also")[: batches.MOST]
    others = list(Case.objects.claimable(moderator, at).filter(public_id__in=wanted))
    if not others or form.cleaned_data["action"] in INTERNAL:
        return
    decided, passed = batches.decide_cases(cases=others, moderator=moderator, **form.choices_made(), at=at)
    words = ngettext("%(n)s more case decided.", "%(n)s more cases decided.", decided) % {"n": decided}
    messages.success(request, words)
    if passed:
        messages.info(request, _("%(n)s others were passed over: somebody else holds them.") % {"n": passed})


def _claim_next(request: HttpRequest, moderator: User, action: str) -> HttpResponse:
    messages.success(request, _("Decided: %(action)s.") % {"action": Decision.Action(action).label})
    following = case_services.claim_case(moderator=moderator)
    return redirect("moderation:case", following.public_id) if following else redirect("moderation:queue")


def _case_context(found: Case, moderator: User, form: DecisionForm) -> dict[str, object]:
    now = timezone.now()
    target = load_target(found.target_type, found.target_id)
    evidence = latest_evidence(found)
    same = {"target_type": found.target_type, "target_id": found.target_id}
    decided = Decision.objects.filter(**same).select_related("case", "appeal").order_by("-pk")[:20]
    return {
        "case": found,
        "form": form,
        "is_held": Case.objects.held_by(moderator, now).filter(pk=found.pk).exists(),
        "evidence": evidence,
        "text_now": adapter_of(target).text(target) if target else "",
        "is_gone": target is None or adapter_of(target).is_deleted(target),
        "by_author": batches.cases_by_author(found, moderator, now).with_picture().pressing(now)[:MOST_SHOWN],
        "alike": batches.cases_alike(found, moderator, now).with_picture().pressing(now)[:MOST_SHOWN],
        "undoable": {each.pk for each in decided if can_undo(each, moderator, now)},
        "notices": found.notices.order_by("pk")[:50],
        "notes": found.notes.select_related("author").order_by("pk")[:50],
        "note_form": NoteForm(),
        "is_member": isinstance(target, User),
        "reports": found.reports.select_related("reporter").order_by("pk")[:50],
        "screenings": Screening.objects.filter(**same).order_by("-pk")[:5],
        "decisions": decided,
        "statement": statement(action=Decision.Action.REMOVE, reason=DECIDABLE[-1].value),
    }


@moderator_only
@require_GET
def preview_statement(request: HttpRequest) -> HttpResponse:
    """What the author would read (a fragment), for the values in the form as it stands."""
    form = DecisionForm(request.GET)
    form.is_valid()
    made = form.cleaned_data
    words = statement(
        action=Decision.Action.LEVEL if made.get("level") is not None else Decision.Action.REMOVE,
        reason=made.get("reason") or "",
        level=made.get("level"),
        note=made.get("note", ""),
    )
    return render(request, "moderation/_statement.html", {"statement": words})
