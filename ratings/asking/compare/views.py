"""Compare: two pictures side by side, blind until the answer."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import member_of, member_required, viewer_of
from generation.media import storage
from generation.models import Image
from lib.days import day_bounds, local_day
from lib.errors import Refused
from lib.http import is_htmx
from ratings.asking.aspects.models import AspectComparison
from ratings.asking.compare.surfaces import SURFACES, draw_next
from ratings.asking.forms import ComparisonForm
from ratings.asking.marks.forms import MarksForm
from ratings.asking.marks.services import MOST_MARKS
from ratings.asking.models import Ask, AskOutcome, Comparison, Surface
from ratings.asking.pools import askable_images, prompt_of, theme_of
from ratings.asking.rankings.forms import RankingForm
from ratings.asking.rankings.services import pictures_of
from ratings.asking.tokens import token_for
from ratings.campaigns.models import Campaign
from ratings.quality.gold import spoil
from ratings.quality.models import RaterStanding

PARTS = {Surface.MARKS.value: "_marks", Surface.RANKING.value: "_ranking"}


@never_cache
@require_GET
@member_required
def compare(request: HttpRequest) -> HttpResponse:
    """The next pair, or picture to mark; or why there is none."""
    try:
        drawn = draw_next(rater=member_of(request))
    except Refused as refusal:
        return render(request, "ratings/compare.html", {"refusal": refusal.message}, status=refusal.status)
    return _render_ask(request, drawn)


@require_POST
@member_required
def compare_answer(request: HttpRequest, public_id: str, surface: Surface = Surface.COMPARE) -> HttpResponse:
    """Stores the answer, then shows what the pictures were; after a skip the next pair follows."""
    try:
        ask = ComparisonForm(request.POST).submit(rater=member_of(request), about=[public_id], surface=surface)
    except Refused as refusal:
        return render(request, "ratings/compare.html", {"refusal": refusal.message}, status=refusal.status)
    if ask.outcome == AskOutcome.ANSWERED:
        return redirect("ratings:compare-reveal", public_id)
    return redirect("ratings:compare")


@require_POST
@member_required
def marks_answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stores where a picture is wrong, or a skip; what is asked next follows."""
    return _submit(request, MarksForm(request.POST), public_id)


@require_POST
@member_required
def ranking_answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stores the order of some pictures, or a skip; what is asked next follows."""
    return _submit(request, RankingForm(request.POST), public_id)


def _submit(request: HttpRequest, form: MarksForm | RankingForm, public_id: str) -> HttpResponse:
    try:
        form.submit(rater=member_of(request), about=[public_id])
    except Refused as refusal:
        return render(request, "ratings/compare.html", {"refusal": refusal.message}, status=refusal.status)
    return redirect("ratings:compare")


@never_cache
@require_GET
@member_required
def compare_reveal(request: HttpRequest, public_id: str) -> HttpResponse:
    """Which model made which picture, once the member has answered."""
    pairs = (
        Ask.objects.showing_pair()
        .filter(surface__in=[Surface.COMPARE, Surface.ASPECT])
        .select_related(
            "comparison",
            "aspect_comparison",
            "question",
            *(f"image_{side}__generation__checkpoint" for side in ("low", "high")),
            *(f"image_{side}__post" for side in ("low", "high")),
        )
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
    """A side of a pair, the picture to mark, or one to rank, that was drawn for this member.

    The address reveals nothing about it.

    Opens for their session, and for their API tokens.
    """
    member = viewer_of(request)
    if not isinstance(member, User):
        raise Http404
    asks = Ask.objects.filter(surface__in=SURFACES).select_related("image", "image_low", "image_high")
    ask = get_object_or_404(asks, public_id=public_id, rater=member)
    if side.isdecimal():
        wanted = Image.objects.filter(pk__in=ask.ranked.filter(place=side).values("image")).first()
    else:
        wanted = {"left": ask.left, "right": ask.right, "picture": ask.image}[side]
    if wanted is None:
        raise Http404
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


def _render_ask(request: HttpRequest, ask: Ask | None) -> HttpResponse:
    if ask is None:
        template = f"ratings/{'_compare_end' if is_htmx(request) else 'compare'}.html"
        return render(request, template, {"has_studies": _has_studies(request)})
    theme = theme_of(ask)
    context = {
        "ask": ask,
        "token": token_for(ask),
        "theme": theme,
        "most_marks": MOST_MARKS,
        "pictures": pictures_of(ask) if ask.surface == Surface.RANKING else [],
        "prompt": prompt_of(ask, member_of(request), theme),
        "sides": [(side, image) for side, image in (("left", ask.left), ("right", ask.right)) if image],
        "compared_count": _compared_today(ask),
        "has_studies": _has_studies(request),
        "has_flags": RaterStanding.objects.current().filter(rater=ask.rater_id, flagged__gt=0).exists(),
    }
    part = PARTS.get(ask.surface, "_compare_pair")
    context["part"] = f"ratings/{part}.html"
    return render(request, f"ratings/{part if is_htmx(request) else 'compare'}.html", context)


def _has_studies(request: HttpRequest) -> bool:
    """Whether a researcher asks this member something; the whole page alone says so."""
    asking = Campaign.objects.known_to(member_of(request)).asking(timezone.now())
    return not is_htmx(request) and asking.exists()


def _compared_today(ask: Ask) -> int:
    start = day_bounds(local_day(ask.created_at))[0]
    today = {"rater": ask.rater_id, "created_at__gte": start}
    return Comparison.objects.filter(**today).count() + AspectComparison.objects.filter(**today).count()


def _are_askable(member: User, ask: Ask) -> bool:
    return askable_images(member, timezone.now()).filter(pk__in=ask.subject).count() == len(ask.subject)
