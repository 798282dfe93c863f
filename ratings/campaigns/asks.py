"""Asks of a campaign: drawing the next, and taking its answer."""

import random
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, level_for
from generation.models import Image, ImageQuerySet, ImageState
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from moderation.restrictions.services import require_unrestricted
from ratings.asking import services
from ratings.asking.drawing import DRAWS_A_MINUTE, Drawing, ask_fields, current_policy, lock_draws_of
from ratings.asking.models import Ask, AskOutcome, Surface
from ratings.asking.tokens import read_token
from ratings.campaigns import design, ledger
from ratings.campaigns.models import Campaign, CampaignAsk, CampaignMember

STRATEGY = "campaign"  # of its pairs


@transaction.atomic
def draw_campaign_ask(
    *, campaign: Campaign, rater: User, at: datetime | None = None, rng: random.Random | None = None
) -> Ask | None:
    """What `rater` is asked next: what they left open, else a new draw; None where nothing is left for them.

    Every draw asks (p_ask and p_question are 1); `p_pair` is the probability of the picture or pair. Pictures and pairs
    that lack more answers are likelier, by the number of answers alone, whatever they say.

    Raises Refused: 404 for whoever does not take part, 403 for a restricted member, 409 while nothing is asked, 429.
    """
    at = at or timezone.now()
    check_rate(key=f"compare:{rater.pk}", limit=DRAWS_A_MINUTE, seconds=60)
    require_unrestricted(user=rater, doing="vote", at=at)
    require_taking_part(campaign, rater)
    if not campaign.is_asking(at):
        raise Refused("not_open", _("This study takes no answers now."), status=409)
    lock_draws_of(rater)
    left_open = _left_open(campaign, rater, at)
    if left_open is not None:
        return left_open
    drawing = Drawing(rater, at, rng or random.SystemRandom(), *current_policy())
    subjects = ledger.subjects_for(campaign, rater, at)
    drawn = design.draw_subject(subjects, uniform_share=drawing.parameters.uniform_share, rng=drawing.rng)
    return None if drawn is None else _create_ask(campaign, drawing, *drawn)


def require_taking_part(campaign: Campaign, member: User) -> None:
    """Raises NotFound for whoever has not agreed, or has left."""
    agreed = CampaignMember.objects.filter(campaign=campaign, member=member, agreed_at__isnull=False, left_at=None)
    if not agreed.exists():
        raise NotFound(_("Campaign not found."))


def shown_images(rater: User) -> ImageQuerySet:
    """Pictures of campaigns that `rater` may be shown in an ask."""
    drawn = Image.objects.filter(campaign_picture__isnull=False, state=ImageState.READY, deleted_at=None)
    return drawn.filter(content_level__lte=level_for(rater))


def _left_open(campaign: Campaign, rater: User, at: datetime) -> Ask | None:
    own = campaign.asks.filter(rater=rater).select_related("question", "image", "image_low", "image_high")
    return own.answerable(shown_images(rater), at).order_by("-pk").first()


def _create_ask(campaign: Campaign, drawing: Drawing, subject: design.Subject, p_subject: float) -> Ask:
    is_flipped = drawing.rng.random() < 0.5
    fields = ask_fields(drawing, Surface.CAMPAIGN, campaign.question)
    chances = {"p_ask": 1.0, "p_question": 1.0, "p_pair": p_subject}
    if campaign.is_about_pairs:
        pair = {"image_low_id": subject.low, "image_high_id": subject.high, "is_side_swapped": is_flipped}
        ask = Ask.objects.create(**fields, **chances, **pair, p_side=0.5, strategy=STRATEGY, rater_is_author=False)
    else:
        ask = Ask.objects.create(
            **fields, **chances, image_id=subject.low, is_scale_reversed=is_flipped, rater_is_author=False
        )
    CampaignAsk.objects.create(ask=ask, campaign=campaign)
    return ask


def answer_campaign_ask(
    *,
    token: str,
    rater: User,
    value: int | None,
    dwell_ms: int | None = None,
    about: Collection[str] = (),
    at: datetime | None = None,
) -> None:
    """Stores an answer about one picture: `services.answer_ask` under the conditions of the campaign."""
    shared: dict[str, Any] = {"token": token, "rater": rater, "dwell_ms": dwell_ms, "about": about, "at": at}
    services.answer_ask(value=value, store=ledger.store_rating, **shared)


def answer_campaign_pair(
    *,
    token: str,
    rater: User,
    outcome: str,
    dwell_ms: int | None = None,
    about: Collection[str] = (),
    at: datetime | None = None,
) -> None:
    """The same about a pair: left, right, tie, both_bad, or skip. By an aspect it is never a vote for the whole."""
    if outcome == services.SKIP:
        services.skip_ask(token=token, rater=rater, about=about, at=at)
        return
    shared: dict[str, Any] = {"token": token, "rater": rater, "dwell_ms": dwell_ms, "about": about, "at": at}
    is_by_aspect = read_token(token, rater=rater, about=about).is_about_aspect
    store = ledger.store_aspect if is_by_aspect else ledger.store_comparison
    services.answer_comparison(outcome=outcome, surface=Surface.CAMPAIGN, store=store, **shared)


def count_answered(campaign: Campaign, rater: User) -> int:
    return campaign.asks.filter(rater=rater, outcome=AskOutcome.ANSWERED).count()
