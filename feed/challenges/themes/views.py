"""Pages on which themes are proposed, and staff put the calendar in order."""

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Role, User
from accounts.permissions import member_of, role_required
from feed.challenges.models import Challenge, ThemeIdea, ThemeIdeaVote
from feed.challenges.themes.calendar import swap_days
from feed.challenges.themes.forms import IdeaForm
from feed.challenges.themes.ideas import decide_idea, propose_theme, vote_for_idea
from feed.responses import for_members, says_no
from lib.errors import NotFound, Refused
from lib.http import add_refusal

IDEAS_ON_A_PAGE = 100


@require_http_methods(["GET", "HEAD", "POST"])
@says_no
def ideas(request: HttpRequest) -> HttpResponseBase:
    """Proposed themes, the most wanted first; a POST proposes one."""
    if request.method == "POST":
        return _propose(request)
    return _render_ideas(request, IdeaForm())


@for_members
def _propose(request: HttpRequest) -> HttpResponseBase:
    form = IdeaForm(request.POST)
    if form.is_valid():
        try:
            propose_theme(member=member_of(request), **form.cleaned_data)
        except Refused as refused:
            add_refusal(form, refused)
        else:
            messages.success(request, _("Proposed. Others can vote for it now."))
            return redirect("feed:challenge-ideas")
    return _render_ideas(request, form)


def _render_ideas(request: HttpRequest, form: IdeaForm) -> HttpResponseBase:
    at, viewer = timezone.now(), request.user
    rows = (
        ThemeIdea.objects.shown(at)
        .select_related("proposed_by")
        .annotate(
            vote_count=Count("votes"),
            is_voted=Exists(ThemeIdeaVote.objects.filter(idea=OuterRef("pk"), member=viewer.pk)),
        )
    )
    context = {
        "form": form,
        "ideas": rows.order_by("-vote_count", "pk")[:IDEAS_ON_A_PAGE],
        "is_staff": isinstance(viewer, User) and viewer.has_role(Role.STAFF),
    }
    return render(request, "feed/challenge_ideas.html", context, status=422 if form.errors else 200)


@require_POST
@for_members
@says_no
def vote(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Votes for a proposed theme; with `undo` takes the vote back."""
    vote_for_idea(idea_id=public_id, member=member_of(request), is_for="undo" not in request.POST)
    return redirect("feed:challenge-ideas")


@require_POST
@role_required(Role.STAFF)
@says_no
def decide(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Staff take a theme into the bank (`accept`) or decline it."""
    is_accepted = "accept" in request.POST
    decide_idea(idea_id=public_id, is_accepted=is_accepted, at=timezone.now())
    messages.success(request, _("Taken into the bank.") if is_accepted else _("Declined."))
    return redirect("feed:challenge-ideas")


@require_safe
@role_required(Role.STAFF)
def calendar(request: HttpRequest) -> HttpResponseBase:
    """The days to come, which staff can put in another order."""
    rows = list(Challenge.objects.planned(timezone.now()))
    return render(request, "feed/challenge_calendar.html", {"rows": zip(rows, [None, *rows], strict=False)})


@require_POST
@role_required(Role.STAFF)
@says_no
def swap(request: HttpRequest) -> HttpResponseBase:
    """Exchanges the themes of the days `first` and `second`."""
    try:
        first, second = (parse_date(request.POST.get(name, "")) for name in ("first", "second"))
    except ValueError:
        first = second = None
    if first is None or second is None:
        raise NotFound(_("Choose two days with a planned challenge."))
    swap_days(first=first, second=second, at=timezone.now())
    messages.success(request, _("Days exchanged."))
    return redirect("feed:challenge-calendar")
