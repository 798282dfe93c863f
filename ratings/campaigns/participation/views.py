"""Taking part: which studies there are, the consent text, and one question at a time."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import member_of, member_required
from generation.media import storage
from lib.errors import NotFound, Refused
from lib.http import is_htmx
from ratings.asking.tokens import token_for
from ratings.campaigns import asks, services
from ratings.campaigns.forms import submit_answer
from ratings.campaigns.models import Campaign, CampaignMember

MOST_SHOWN = 100


@never_cache
@require_GET
@member_required
def campaigns(request: HttpRequest) -> HttpResponse:
    """The studies that the member may take part in now."""
    member, at = member_of(request), timezone.now()
    found = Campaign.objects.known_to(member).asking(at).select_related("question").order_by("-pk")
    part = CampaignMember.objects.filter(member=member, agreed_at__isnull=False, left_at=None)
    joined = set(part.values_list("campaign", flat=True))
    rows = [(campaign, campaign.pk in joined) for campaign in found[:MOST_SHOWN]]
    return render(request, "ratings/campaigns.html", {"campaigns": rows})


@never_cache
@require_GET
@member_required
def campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """The consent text, or the next question of whoever agreed to it."""
    found = _campaign(request, slug)
    if not found.is_asking(timezone.now()):
        return _render(request, found, {"is_closed": True})
    try:
        asks.require_taking_part(found, member_of(request))
    except NotFound:
        return render(request, "ratings/campaign.html", {"campaign": found, "part": "ratings/_campaign_consent.html"})
    return _render_next(request, found)


@require_POST
@member_required
def agree(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        services.agree_to_campaign(campaign=_campaign(request, slug), member=member_of(request))
    except Refused as refusal:
        messages.error(request, refusal.message)
    return redirect("ratings:campaign", slug)


@require_POST
@member_required
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    services.leave_campaign(campaign=_campaign(request, slug), member=member_of(request))
    messages.success(request, _("You have left this study. Your answers no longer count in it."))
    return redirect("ratings:campaigns")


@require_POST
@member_required
def answer(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """Stores an answer or a skip; the next question comes back, without scripts by way of a redirect."""
    found, notice = _campaign(request, slug), ""
    try:
        submit_answer(request.POST, campaign=found, rater=member_of(request), about=[public_id])
    except Refused as refusal:
        if not is_htmx(request):
            return _render(request, found, {"refusal": refusal.message}, status=refusal.status)
        notice = refusal.message
    return _render_next(request, found, notice) if is_htmx(request) else redirect("ratings:campaign", slug)


@require_GET
@member_required
def picture(request: HttpRequest, slug: str, public_id: str, side: str) -> HttpResponse:
    """A picture of an ask that was drawn for this member; its address reveals nothing about it."""
    found, member = _campaign(request, slug), member_of(request)
    pairs = found.asks.select_related("image", "image_low", "image_high")
    ask = get_object_or_404(pairs, public_id=public_id, rater=member)
    wanted = {"left": ask.left, "right": ask.right, "picture": ask.image}[side]
    if wanted is None:
        raise Http404
    image = get_object_or_404(asks.shown_images(member), pk=wanted.pk)
    try:
        data = storage.read(f"{image.prefix}/{image.rendition_hash}-{image.rendition_widths[-1]}.webp")
    except FileNotFoundError:
        raise Http404 from None
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}  # it is not published
    return HttpResponse(data, content_type="image/webp", headers=headers)


def _campaign(request: HttpRequest, slug: str) -> Campaign:
    known = Campaign.objects.known_to(member_of(request)).select_related("question")
    return get_object_or_404(known, slug=slug)


def _render_next(request: HttpRequest, found: Campaign, notice: str = "") -> HttpResponse:
    rater, at = member_of(request), timezone.now()
    try:
        ask = asks.draw_campaign_ask(campaign=found, rater=rater, at=at)
    except Refused as refusal:
        return _render(request, found, {"refusal": refusal.message}, 200 if is_htmx(request) else refusal.status)
    context = {"notice": notice, "answered": asks.count_answered(found, rater)}
    if ask is not None:
        sides = [(side, image) for side, image in (("left", ask.left), ("right", ask.right)) if image]
        shown = ask.image or ask.left
        assert shown is not None, "an ask shows a picture"
        context |= {"ask": ask, "token": token_for(ask), "sides": sides, "prompt": shown.generation.prompt}
    return _render(request, found, context)


def _render(request: HttpRequest, found: Campaign, context: dict[str, Any], status: int = 200) -> HttpResponse:
    part = "ratings/_campaign_ask.html"
    template = part if is_htmx(request) else "ratings/campaign.html"
    return render(request, template, {"campaign": found, "part": part, **context}, status=status)
