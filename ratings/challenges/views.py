"""Voting on a challenge: two entries side by side, and the next two after each answer."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import member_of, member_required
from feed.challenges.models import Challenge
from feed.challenges.services import begun_on
from lib.errors import NotFound, Refused
from lib.http import is_htmx
from ratings.asking.forms import ComparisonForm
from ratings.asking.tokens import token_for
from ratings.challenges.services import draw_vote, progress_of


@never_cache
@require_http_methods(["GET", "HEAD"])
@member_required
def vote(request: HttpRequest, day: str) -> HttpResponse:
    """The next pair, or that there is none."""
    return _render_next(request, _challenge(day))


@require_POST
@member_required
def vote_answer(request: HttpRequest, day: str, public_id: str) -> HttpResponse:
    """Stores the answer; the next pair comes back, without scripts by way of a redirect."""
    challenge = _challenge(day)
    try:
        ComparisonForm(request.POST).submit(rater=member_of(request), about=[public_id])
    except Refused as refusal:
        if not is_htmx(request):
            return _render(request, challenge, {"refusal": refusal.message}, status=refusal.status)
        return _render_next(request, challenge, notice=refusal.message)
    return _render_next(request, challenge) if is_htmx(request) else redirect("ratings:challenge-vote", day)


def _challenge(day: str) -> Challenge:
    try:
        return begun_on(day, timezone.now())
    except NotFound as error:
        raise Http404(error.message) from None


def _render_next(request: HttpRequest, challenge: Challenge, notice: str = "") -> HttpResponse:
    at, rater = timezone.now(), member_of(request)
    try:
        ask = draw_vote(challenge=challenge, rater=rater, at=at)
    except Refused as refusal:
        status = 200 if is_htmx(request) else refusal.status
        return _render(request, challenge, {"refusal": refusal.message}, status=status)
    context = {"notice": notice, "progress": progress_of(challenge, rater, at=at), "ends_at": challenge.voting_ends_at}
    if ask is not None:
        sides = [(side, image) for side, image in (("left", ask.left), ("right", ask.right)) if image]
        context |= {"ask": ask, "token": token_for(ask), "sides": sides}
    return _render(request, challenge, context)


def _render(request: HttpRequest, challenge: Challenge, context: dict[str, object], status: int = 200) -> HttpResponse:
    template = "ratings/_challenge_vote.html" if is_htmx(request) else "ratings/challenge_vote.html"
    return render(request, template, {"challenge": challenge, **context}, status=status)
