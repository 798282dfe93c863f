"""What moderators work with: the queue, one case, appeals, rules, a member's history. Others get 404."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Role, User
from accounts.permissions import member_of, role_required
from lib.errors import Refused
from lib.http import add_refusal
from moderation.appeals import services as appeal_services
from moderation.cases import services as case_services
from moderation.decisions import services as decision_services
from moderation.decisions.statements import statement, statement_of
from moderation.forms import AnswerForm, DecisionForm, RuleForm
from moderation.models import Appeal, Case, Decision, Restriction, Rule, Screening, Strike
from moderation.policy import DECIDABLE
from moderation.pseudonyms import pseudonym
from moderation.restrictions import services as restriction_services
from moderation.screening import rules as rule_services
from moderation.targets import adapter_of, load_target

UNPROCESSABLE = 422
A_PAGE = 30
moderator_only = role_required(Role.MODERATOR)


@moderator_only
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """Cases that wait, the most pressing first."""
    moderator, now = member_of(request), timezone.now()
    waiting = Case.objects.claimable(moderator, now).select_related("author").pressing(now)
    context = {
        "page": Paginator(waiting, A_PAGE).get_page(request.GET.get("page")),
        "held": Case.objects.held_by(moderator, now).first(),
        "appeals": Appeal.objects.filter(state=Appeal.State.OPEN).count(),
    }
    return render(request, "moderation/queue.html", context)


@moderator_only
@require_POST
def claim(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """Takes one case, or the next."""
    case = get_object_or_404(Case, public_id=public_id) if public_id else None
    try:
        taken = case_services.claim_case(moderator=member_of(request), case=case)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("moderation:queue")
    if taken is None:
        messages.info(request, _("Nothing waits. Thank you."))
        return redirect("moderation:queue")
    return redirect("moderation:case", taken.public_id)


@moderator_only
@require_POST
def release(request: HttpRequest, public_id: str) -> HttpResponse:
    case = get_object_or_404(Case, public_id=public_id)
    case_services.release_case(case=case, moderator=member_of(request))
    return redirect("moderation:queue")


@moderator_only
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, public_id: str) -> HttpResponse:
    """One case: what it is about, what was seen and said, and the decision."""
    moderator, now = member_of(request), timezone.now()
    found = get_object_or_404(Case.objects.select_related("author", "claimed_by"), public_id=public_id)
    if found.author_id == moderator.pk:
        raise Http404  # one's own things are for others to judge
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            decision_services.decide_case(case=found, moderator=moderator, **form.choices_made(), at=now)
        except Refused as error:
            add_refusal(form, error)
            found.refresh_from_db()
        else:
            return _go_on(request, moderator, form.cleaned_data["action"])
    context = _case_context(found, moderator, form)
    return render(request, "moderation/case.html", context, status=UNPROCESSABLE if form.is_bound else 200)


def _go_on(request: HttpRequest, moderator: User, action: str) -> HttpResponse:
    messages.success(request, _("Decided: %(action)s.") % {"action": Decision.Action(action).label})
    following = case_services.claim_case(moderator=moderator)
    return redirect("moderation:case", following.public_id) if following else redirect("moderation:queue")


def _case_context(found: Case, moderator: User, form: DecisionForm) -> dict[str, object]:
    now = timezone.now()
    target = load_target(found.target_type, found.target_id)
    same = {"target_type": found.target_type, "target_id": found.target_id}
    return {
        "case": found,
        "form": form,
        "is_held": Case.objects.held_by(moderator, now).filter(pk=found.pk).exists(),
        "text": adapter_of(target).text(target) if target else "",
        "image_url": adapter_of(target).image_url(target) if target else "",
        "is_gone": target is None,
        "is_member": isinstance(target, User),
        "reports": found.reports.select_related("reporter").order_by("pk")[:50],
        "screenings": Screening.objects.filter(**same).order_by("-pk")[:5],
        "decisions": Decision.objects.filter(**same).order_by("-pk")[:20],
        "statement": statement(action=Decision.Action.REMOVE, reason=DECIDABLE[-1].value),
    }


@moderator_only
@require_GET
def preview(request: HttpRequest) -> HttpResponse:
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


@moderator_only
@require_GET
def appeals(request: HttpRequest) -> HttpResponse:
    waiting = Appeal.objects.filter(state=Appeal.State.OPEN).select_related("decision", "author").order_by("due_at")
    mine = pseudonym(member_of(request).pk)
    page = Paginator(waiting, A_PAGE).get_page(request.GET.get("page"))
    rows = [(each, mine in (each.decision.actor_pseudonym, each.decision.author_pseudonym)) for each in page]
    return render(request, "moderation/appeals.html", {"page": page, "rows": rows})


@moderator_only
@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, public_id: str) -> HttpResponse:
    moderator = member_of(request)
    found = get_object_or_404(Appeal.objects.select_related("decision", "author"), public_id=public_id)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        is_granted = request.POST.get("outcome") == "grant"
        try:
            appeal_services.answer_appeal(
                appeal=found, moderator=moderator, is_granted=is_granted, answer=form.cleaned_data["answer"]
            )
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Answered."))
            return redirect("moderation:appeals")
    target = load_target(found.decision.target_type, found.decision.target_id)
    context = {
        "appeal": found,
        "statement": statement_of(found.decision),
        "form": form,
        "text": adapter_of(target).text(target) if target else "",
        "image_url": adapter_of(target).image_url(target) if target else "",
        "is_mine": found.decision.actor_pseudonym == pseudonym(moderator.pk),
    }
    return render(request, "moderation/appeal.html", context, status=UNPROCESSABLE if form.is_bound else 200)


@moderator_only
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """The active text rules; saving one retires its predecessor of the same name."""
    form = RuleForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            rule_services.add_rule(**form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The rule is in force."))
            return redirect("moderation:rules")
    context = {"form": form, "rules": Rule.objects.active().order_by("effect", "slug")[:200]}
    return render(request, "moderation/rules.html", context, status=UNPROCESSABLE if form.is_bound else 200)


@moderator_only
@require_POST
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    rule_services.retire_rule(rule=get_object_or_404(Rule.objects.active(), slug=slug))
    messages.success(request, _("The rule is no longer in force."))
    return redirect("moderation:rules")


@moderator_only
@require_GET
def member(request: HttpRequest, public_id: str) -> HttpResponse:
    """The whole history of one member."""
    found = get_object_or_404(User, public_id=public_id)
    decided = Decision.objects.filter(author_pseudonym=pseudonym(found.pk)).order_by("-pk")
    context = {
        "member": found,
        "page": Paginator(decided, A_PAGE).get_page(request.GET.get("page")),
        "restrictions": Restriction.objects.filter(user=found).order_by("-pk")[:50],
        "strikes": Strike.objects.filter(user=found).select_related("decision").order_by("-pk")[:50],
        "cases": Case.objects.unclosed().filter(author=found).order_by("-pk")[:50],
    }
    return render(request, "moderation/member.html", context)


@moderator_only
@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Lifts one restriction early."""
    found = get_object_or_404(Restriction.objects.select_related("user"), pk=pk)
    restriction_services.lift_restriction(restriction=found)
    messages.success(request, _("Lifted."))
    return redirect("moderation:member", found.user.public_id)
