"""One light question about a picture: a fragment for htmx, a plain page without scripts."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import member_of, member_required
from generation.models import Image
from lib.errors import Refused
from ratings.asking import draws, showing
from ratings.asking.forms import AnswerForm
from ratings.asking.tokens import token_for
from ratings.models import Surface


@never_cache
@require_GET
def ask(request: HttpRequest, public_id: str) -> HttpResponse:
    """The question drawn for this member and picture. When nothing is asked, which is most of the time, a script gets
    204 and a browser without one a sentence."""
    if not isinstance(request.user, User):
        return HttpResponse(status=204)
    image = get_object_or_404(Image.objects.visible_to(request.user, timezone.now()), public_id=public_id)
    surface = Surface.RESULT if image.author_id == request.user.pk else Surface.POST
    drawn = draws.draw_ask(surface=surface, image=image, rater=request.user)
    if drawn is None and request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    if drawn is None:
        text = _("There is no question this time, as most of the time.")
        return _show(request, "answered", {"text": text, "back": _back(request)})
    context = {"ask": drawn, "token": token_for(drawn), "back": _back(request)}
    return _show(request, "question", context)


@require_POST
@member_required
def answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """An answer, a skip or a dismissal of the ask `public_id`."""
    form = AnswerForm(request.POST)
    try:
        form.submit(rater=member_of(request), about=[public_id])
    except Refused as refusal:
        return _show(request, "answered", {"text": refusal.message, "back": _back(request)}, status=refusal.status)
    thanks = _("Thank you.") if request.POST.get("value") else _("All right, not this one.")
    return _show(request, "answered", {"text": thanks, "back": _back(request)})


@require_POST
@member_required
def report(request: HttpRequest, public_id: str) -> HttpResponse:
    """What the browser saw of the ask: `event` is "shown", or "not_rendered" when the page went first."""
    token, event = request.POST.get("token", ""), request.POST.get("event")
    marks = {"shown": showing.mark_shown, "not_rendered": showing.mark_not_rendered}
    if event not in marks:
        return HttpResponse(_("The event is shown or not_rendered."), status=400, content_type="text/plain")
    try:
        marks[event](token=token, rater=member_of(request), about=[public_id])
    except Refused as refusal:
        return HttpResponse(refusal.message, status=refusal.status, content_type="text/plain")
    return HttpResponse(status=204)


def _show(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The fragment for a script, the same in the page frame for a browser without."""
    template = f"ratings/_{name}.html" if request.headers.get("HX-Request") else f"ratings/{name}.html"
    return render(request, template, context, status=status)


def _back(request: HttpRequest) -> str:
    """Where the member came from, if that is here."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"
