"""The pages that ask: one question about a picture (an htmx fragment, or a page without scripts), and Compare."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import member_of, member_required, viewer_of
from generation.media import storage
from generation.media.openings import has_opened
from generation.models import Image
from lib.days import day_bounds, local_day
from lib.errors import Refused
from lib.http import is_htmx, is_page_of_ours
from ratings.asking import services
from ratings.asking.forms import AnswerForm, ComparisonForm
from ratings.asking.models import Ask, AskOutcome, Comparison, Surface
from ratings.asking.pools import askable_images, prompt_of, theme_of
from ratings.asking.tokens import token_for
from ratings.quality.gold import spoil
from ratings.quality.models import RaterStanding


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


@never_cache
@require_GET
@member_required
def compare(request: HttpRequest) -> HttpResponse:
    """The next pair, or why there is none."""
    try:
        drawn = services.draw_comparison(rater=member_of(request))
    except Refused as refusal:
        return render(request, "ratings/compare.html", {"refusal": refusal.message}, status=refusal.status)
    return _render_pair(request, drawn)


@require_POST
@member_required
def compare_answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stores the answer, then shows what the pictures were; after a skip the next pair follows."""
    try:
        ask = ComparisonForm(request.POST).submit(rater=member_of(request), about=[public_id])
    except Refused as refusal:
        return render(request, "ratings/compare.html", {"refusal": refusal.message}, status=refusal.status)
    if ask.outcome == AskOutcome.ANSWERED:
        return redirect("ratings:compare-reveal", public_id)
    return redirect("ratings:compare")


@never_cache
@require_GET
@member_required
def compare_reveal(request: HttpRequest, public_id: str) -> HttpResponse:
    """Which model made which picture, once the member has answered."""
    pairs = Ask.objects.about_pair().select_related(
        "comparison__preferred",
        *(f"image_{side}__generation__checkpoint" for side in ("low", "high")),
        *(f"image_{side}__post" for side in ("low", "high")),
    )
    member = member_of(request)
    ask = get_object_or_404(pairs, public_id=public_id, rater=member)
    if ask.outcome != AskOutcome.ANSWERED or not _are_askable(member, ask):
        return redirect("ratings:compare")
    theme = theme_of(ask)
    sides = [(image, image.alt_for(member)) for image in (ask.left, ask.right) if image]
    context = {"ask": ask, "sides": sides, "theme": theme, "prompt": prompt_of(ask, member, theme)}
    return render(request, f"ratings/{'_' if is_htmx(request) else ''}compare_reveal.html", context)


@require_GET
def compare_picture(request: HttpRequest, public_id: str, side: str) -> HttpResponse:
    """One side of a pair that was drawn for this member, under an address that reveals nothing about it.

    Opens for their session, and for their API tokens.
    """
    member = viewer_of(request)
    if not isinstance(member, User):
        raise Http404
    pairs = Ask.objects.about_pair().select_related("image_low", "image_high")
    ask = get_object_or_404(pairs, public_id=public_id, rater=member)
    wanted = ask.left if side == "left" else ask.right
    assert wanted is not None, "a pair has two sides"
    image = get_object_or_404(askable_images(member, timezone.now()), pk=wanted.pk)
    name = f"{image.prefix}/{image.rendition_hash}-{image.rendition_widths[-1]}.webp"
    try:
        data = storage.read(name)
    except FileNotFoundError:
        raise Http404 from None
    response = HttpResponse(spoil(data) if image.pk == ask.spoiled else data, content_type="image/webp")
    response["Cache-Control"] = "private, no-store"  # it may be a picture that is not published
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _render_pair(request: HttpRequest, ask: Ask | None) -> HttpResponse:
    if ask is None:
        return render(request, f"ratings/{'_compare_end' if is_htmx(request) else 'compare'}.html")
    theme = theme_of(ask)
    context = {
        "ask": ask,
        "token": token_for(ask),
        "theme": theme,
        "prompt": prompt_of(ask, member_of(request), theme),
        "sides": [(side, image) for side, image in (("left", ask.left), ("right", ask.right)) if image],
        "compared_count": _compared_today(ask),
        "has_flags": RaterStanding.objects.current().filter(rater=ask.rater_id, flagged__gt=0).exists(),
    }
    return render(request, f"ratings/{'_compare_pair' if is_htmx(request) else 'compare'}.html", context)


def _compared_today(ask: Ask) -> int:
    start = day_bounds(local_day(ask.created_at))[0]
    return Comparison.objects.filter(rater=ask.rater_id, created_at__gte=start).count()


def _are_askable(member: User, ask: Ask) -> bool:
    return askable_images(member, timezone.now()).filter(pk__in=ask.subject).count() == len(ask.subject)
