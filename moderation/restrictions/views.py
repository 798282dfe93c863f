"""The history of one member, for moderators."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Role, User
from accounts.permissions import may_restrict, member_of, role_required, self_and_betters
from lib.errors import Refused
from lib.pagination import PAGE_SIZE
from moderation.cases.models import Case
from moderation.decisions import services as decision_services
from moderation.decisions.models import Decision
from moderation.pseudonyms import pseudonym
from moderation.restrictions.models import Restriction, Strike

moderator_only = role_required(Role.MODERATOR)


@moderator_only
@require_GET
def show_member(request: HttpRequest, public_id: str) -> HttpResponse:
    """The whole history of one member."""
    moderator = member_of(request)
    found = get_object_or_404(
        User.objects.exclude(pk__in=self_and_betters(moderator).values("pk")), public_id=public_id
    )
    decided = Decision.objects.filter(author_pseudonym=pseudonym(found.pk)).order_by("-pk")
    context = {
        "member": found,
        "page": Paginator(decided, PAGE_SIZE).get_page(request.GET.get("page")),
        "restrictions": Restriction.objects.filter(user=found).order_by("-pk")[:50],
        "strikes": Strike.objects.filter(user=found).select_related("decision").order_by("-pk")[:50],
        "cases": Case.objects.unclosed().open_to(moderator).filter(author=found).order_by("-pk")[:50],
        "may_restrict": may_restrict(moderator, found),
    }
    return render(request, "moderation/member.html", context)


@moderator_only
@require_POST
def lift_restriction(request: HttpRequest, pk: int) -> HttpResponse:
    """Lifts one restriction early, by a decision."""
    found = get_object_or_404(Restriction.objects.select_related("user"), pk=pk)
    try:
        decision_services.lift_restriction(restriction=found, moderator=member_of(request))
    except Refused as error:
        if error.status == 403:
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, _("Restriction lifted."))
    return redirect("moderation:member", found.user.public_id)
