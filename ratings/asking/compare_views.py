"""Two pictures side by side, blind until the answer."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import member_of, member_required
from generation.media import storage
from lib.errors import Refused
from lib.limits import check_rate
from ratings.asking import draws
from ratings.asking.forms import ComparisonForm
from ratings.asking.pairs.gold import spoil
from ratings.asking.pools import askable_images, prompt_of, theme_of
from ratings.asking.tokens import token_for
from ratings.models import Ask, AskOutcome, RaterStanding

PAIRS_A_MINUTE = 60


@never_cache
@require_GET
@member_required
def compare(request: HttpRequest) -> HttpResponse:
    """The next pair, or why there is none."""
    member = member_of(request)
    try:
        check_rate(key=f"compare:{member.pk}", limit=PAIRS_A_MINUTE, seconds=60)
        drawn = draws.draw_comparison(rater=member)
    except Refused as refusal:
        return render(request, "ratings/compare.html", {"refusal": refusal.message}, status=refusal.status)
    return _pair(request, drawn)


@require_POST
@member_required
def answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stores the answer, then shows what the pictures were; a skipped pair is followed by the next one."""
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
def reveal(request: HttpRequest, public_id: str) -> HttpResponse:
    """Which model made which, once the member has answered."""
    pairs = Ask.objects.about_pair().select_related(
        "comparison__preferred",
        *(f"image_{side}__generation__checkpoint" for side in ("low", "high")),
        *(f"image_{side}__post" for side in ("low", "high")),
    )
    ask = get_object_or_404(pairs, public_id=public_id, rater=member_of(request))
    if ask.outcome != AskOutcome.ANSWERED or not _are_there(request, ask):
        return redirect("ratings:compare")
    member, theme = member_of(request), theme_of(ask)
    sides = [(image, image.alt_for(member)) for image in (ask.left, ask.right) if image]
    context = {"ask": ask, "sides": sides, "theme": theme, "prompt": prompt_of(ask, member, theme)}
    return render(request, "ratings/compare_reveal.html", context)


@require_GET
@member_required
def picture(request: HttpRequest, public_id: str, side: str) -> HttpResponse:
    """One side of a pair that was drawn for this member, under a name that says nothing about it."""
    pairs = Ask.objects.about_pair().select_related("image_low", "image_high")
    ask = get_object_or_404(pairs, public_id=public_id, rater=member_of(request))
    wanted = ask.left if side == "left" else ask.right
    assert wanted is not None, "a pair has two sides"
    image = get_object_or_404(askable_images(member_of(request), timezone.now()), pk=wanted.pk)
    name = f"{image.prefix}/{image.rendition_hash}-{image.rendition_widths[-1]}.webp"
    try:
        data = storage.read(name)
    except FileNotFoundError:
        raise Http404 from None
    response = HttpResponse(spoil(data) if image.pk == ask.spoiled else data, content_type="image/webp")
    response["Cache-Control"] = "private, max-age=3600"
    return response


def _pair(request: HttpRequest, ask: Ask | None) -> HttpResponse:
    if ask is None:
        return render(request, "ratings/compare.html")
    theme = theme_of(ask)
    context = {
        "ask": ask,
        "token": token_for(ask),
        "theme": theme,
        "prompt": prompt_of(ask, member_of(request), theme),
        "sides": [(side, image) for side, image in (("left", ask.left), ("right", ask.right)) if image],
        "has_flags": RaterStanding.objects.current().filter(rater=ask.rater_id, flagged__gt=0).exists(),
    }
    return render(request, "ratings/compare.html", context)


def _are_there(request: HttpRequest, ask: Ask) -> bool:
    return askable_images(member_of(request), timezone.now()).filter(pk__in=ask.subject).count() == len(ask.subject)
