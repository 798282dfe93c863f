"""What was decided about a member, for that member alone, with the appeal."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Role, User
from accounts.permissions import member_of, member_required, role_required
from lib.errors import Refused
from lib.http import UNPROCESSABLE, add_refusal
from lib.pagination import PAGE_SIZE
from moderation.appeals import services as appeal_services
from moderation.appeals.forms import AppealForm
from moderation.appeals.models import Appeal
from moderation.appeals.services import can_appeal
from moderation.cases.models import Case
from moderation.decisions import mails, reversal
from moderation.decisions.models import Decision
from moderation.decisions.statements import statement_of
from moderation.pseudonyms import pseudonym
from moderation.restrictions.models import Restriction, Strike
from moderation.restrictions.services import describe


@member_required
@require_GET
def list_own_decisions(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), timezone.now()
    decisions = Decision.objects.about(member).order_by("-pk")
    page = Paginator(decisions, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(decision, statement_of(decision)) for decision in page],
        "restrictions": [describe(each) for each in Restriction.objects.active(now).filter(user=member)],
        "strikes": Strike.objects.active(now).filter(user=member).order_by("-pk"),
    }
    return render(request, "moderation/mine.html", context)


@role_required(Role.MODERATOR)
@require_GET
def list_recent(request: HttpRequest) -> HttpResponse:
    """What a moderator decided within the last 24 hours, to undo it."""
    moderator, now = member_of(request), timezone.now()
    recent = Decision.objects.filter(actor_pseudonym=pseudonym(moderator.pk), decided_at__gt=now - reversal.UNDO_WITHIN)
    page = Paginator(recent.select_related("case__author", "appeal").order_by("-pk"), PAGE_SIZE)
    rows = [(each, reversal.can_undo(each, moderator, now)) for each in page.get_page(request.GET.get("page"))]
    return render(request, "moderation/recent.html", {"page": page.get_page(request.GET.get("page")), "rows": rows})


@role_required(Role.MODERATOR)
@require_POST
def undo_decision(request: HttpRequest, public_id: str) -> HttpResponse:
    """Takes a fresh decision back and opens its case again."""
    moderator = member_of(request)
    cases = Case.objects.open_to(moderator)
    found = get_object_or_404(
        Decision.objects.filter(case__in=cases).select_related("case__author"), public_id=public_id
    )
    try:
        case = reversal.undo_decision(decision=found, moderator=moderator)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("moderation:queue")
    messages.success(request, _("Undone. You hold the case again."))
    return redirect("moderation:case", case.public_id)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_decision(request: HttpRequest, public_id: str) -> HttpResponse:
    """The statement of reasons, for the author alone, with the appeal."""
    member = member_of(request)
    found = get_object_or_404(Decision.objects.about(member), public_id=public_id)
    return _show(request, found, member, found.get_absolute_url())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_statement(request: HttpRequest, key: str) -> HttpResponse:
    """The same by the link of the mail, also for somebody who may not sign in any more."""
    found = mails.decision_of_link(key)
    author = mails.author_of(found) if found is not None else None
    if found is None or author is None:
        raise Http404
    response = _show(request, found, author, request.path)
    response["Referrer-Policy"] = "no-referrer"  # the link is the key
    return response


def _show(request: HttpRequest, found: Decision, member: User, page: str) -> HttpResponse:
    now = timezone.now()
    form = AppealForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            appeal_services.appeal_decision(decision=found, author=member, text=form.cleaned_data["text"], at=now)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Appeal sent. We’ll notify you when it is answered."))
            return redirect(page)
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
