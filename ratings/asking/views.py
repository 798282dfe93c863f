"""One question about a picture: an htmx fragment, or a page without scripts."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import member_of, member_required
from generation.media.openings import has_opened
from generation.models import Image
from lib.errors import Refused
from lib.http import is_htmx, is_page_of_ours
from ratings.asking import services
from ratings.asking.forms import AnswerForm
from ratings.asking.models import Surface
from ratings.asking.tokens import token_for


@never_cache
@require_GET
def ask(request: HttpRequest, public_id: str) -> HttpResponse:
    """The question drawn for this member and a picture that they opened.

    Most of the time nothing is asked: htmx gets 204, a browser without scripts a sentence.
    """
    if not isinstance(request.user, User):
        return HttpResponse(status=204)
    image = get_object_or_404(Image.objects.visible_to(request.user, timezone.now()), public_id=public_id)
    surface = Surface.RESULT if image.author_id == request.user.pk else Surface.POST
    is_open = has_opened(request.user, image.pk)
    drawn = services.draw_ask(surface=surface, image=image, rater=request.user) if is_open else None
    if drawn is None and is_htmx(request):
        return HttpResponse(status=204)
    if drawn is None:
        return _render_answered(request, _("No question this time."))
    context = {"ask": drawn, "token": token_for(drawn), "back": _back(request)}
    return _render(request, "question", context)


@require_POST
@member_required
def answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stores an answer, a skip or a dismissal of the ask `public_id`."""
    form = AnswerForm(request.POST)
    try:
        form.submit(rater=member_of(request), about=[public_id])
    except Refused as refusal:
        return _render_answered(request, refusal.message, status=refusal.status)
    return _render_answered(request, _("Thanks!") if request.POST.get("value") else _("Skipped."))


@require_POST
@member_required
def report(request: HttpRequest, public_id: str) -> HttpResponse:
    """Records what the browser saw: `event` is "shown", or "not_rendered" if the page was left first."""
    token, event = request.POST.get("token", ""), request.POST.get("event")
    marks = {"shown": services.mark_shown, "not_rendered": services.mark_not_rendered}
    if event not in marks:
        return HttpResponse(_("The event is shown or not_rendered."), status=400, content_type="text/plain")
    try:
        marks[event](token=token, rater=member_of(request), about=[public_id])
    except Refused as refusal:
        return HttpResponse(refusal.message, status=refusal.status, content_type="text/plain")
    return HttpResponse(status=204)


def _render_answered(request: HttpRequest, text: object, status: int = 200) -> HttpResponse:
    return _render(request, "answered", {"text": text, "back": _back(request)}, status=status)


def _render(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The fragment for htmx; for a browser without scripts the same inside a page."""
    template = f"ratings/_{name}.html" if is_htmx(request) else f"ratings/{name}.html"
    return render(request, template, context, status=status)


def _back(request: HttpRequest) -> str:
    """The page the member came from, if it is one of this site."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    return target if is_page_of_ours(request, target) else "/"
