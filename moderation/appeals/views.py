"""Open appeals, for moderators."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Role
from accounts.permissions import member_of, role_required
from lib.errors import Refused
from lib.http import UNPROCESSABLE, add_refusal
from lib.pagination import PAGE_SIZE
from moderation.appeals import services as appeal_services
from moderation.appeals.forms import AnswerForm
from moderation.appeals.models import Appeal
from moderation.decisions.statements import statement_of
from moderation.evidence.services import latest_evidence
from moderation.pseudonyms import pseudonym

moderator_only = role_required(Role.MODERATOR)


@moderator_only
@require_GET
def list_appeals(request: HttpRequest) -> HttpResponse:
    moderator = member_of(request)
    waiting = Appeal.objects.answerable_by(moderator).filter(state=Appeal.State.OPEN)
    waiting = waiting.select_related("decision", "author").order_by("due_at")
    mine = pseudonym(moderator.pk)
    page = Paginator(waiting, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [(each, mine == each.decision.actor_pseudonym) for each in page]
    return render(request, "moderation/appeals.html", {"page": page, "rows": rows})


@moderator_only
@require_http_methods(["GET", "HEAD", "POST"])
def show_appeal(request: HttpRequest, public_id: str) -> HttpResponse:
    moderator = member_of(request)
    readable = Appeal.objects.answerable_by(moderator).select_related("decision__case", "author")
    found = get_object_or_404(readable, public_id=public_id)
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
            messages.success(request, _("Appeal answered."))
            return redirect("moderation:appeals")
    context = {
        "appeal": found,
        "statement": statement_of(found.decision),
        "form": form,
        "evidence": latest_evidence(found.decision.case) if found.decision.case else None,
        "case": found.decision.case,
        "is_mine": found.decision.actor_pseudonym == pseudonym(moderator.pk),
    }
    return render(request, "moderation/appeal.html", context, status=UNPROCESSABLE if form.is_bound else 200)
