"""Has the pictures of campaigns drawn by the queue, a part at a time, until all are there or known to be missing.

Those that come in an archive are imported by `ratings.campaigns.imports`.
"""

from datetime import datetime

from django.utils import timezone

from accounts.models import Purpose, User
from accounts.services import record_consent
from lib.errors import Refused
from ratings.benchmarks.pictures import ask_for_picture, ask_for_wave, attach_images
from ratings.campaigns.models import Campaign, CampaignPicture
from ratings.site_account import site_account

AUTHOR = "campaign"  # the account that asks for the pictures; nobody can sign in to it
WAVE = 200


def draw_pictures(*, campaign: Campaign) -> bool:
    """Asks for a wave of missing pictures, stores those that are made, and makes the campaign ready once all are.

    Call it again and again while the state is DRAWING; idempotent. Returns whether it is ready now. Where a budget or
    the queue takes no more, `notice` says so and the next call goes on.
    """
    if campaign.state != Campaign.State.DRAWING:
        return False
    try:
        author = account_of_campaigns()
    except Refused as taken:  # a member has the name that the account needs
        return settle_pictures(campaign, Campaign.State.DRAWING, taken.message)
    missing = CampaignPicture.objects.filter(campaign=campaign, image=None, failure="").order_by("pk")
    wave = list(missing.select_related("prompt", "checkpoint")[:WAVE])
    asked, refusal = ask_for_wave(wave, lambda picture: _ask_for(picture, campaign, author))
    attach_images(asked)
    notice = "" if refusal is None or refusal.code == "too_many_pending" else refusal.message
    return settle_pictures(campaign, Campaign.State.DRAWING, notice)


def settle_pictures(campaign: Campaign, state: Campaign.State, notice: str) -> bool:
    """Makes a campaign in `state` ready once every picture is there or known to be missing; until then, `notice`.

    Returns whether it was this call that did it.
    """
    waiting = Campaign.objects.filter(pk=campaign.pk, state=state)
    if CampaignPicture.objects.filter(campaign=campaign, image=None, failure="").exists():
        waiting.exclude(notice=notice[:200]).update(notice=notice[:200])
        return False
    return bool(waiting.update(state=Campaign.State.READY, notice=""))


def draw_campaigns(*, at: datetime | None = None) -> int:
    """A wave of each campaign that still draws; returns how many became ready."""
    at = at or timezone.now()
    drawing = Campaign.objects.filter(state=Campaign.State.DRAWING, ends_at__gt=at).order_by("pk")
    return sum(draw_pictures(campaign=campaign) for campaign in drawing)


def _ask_for(picture: CampaignPicture, campaign: Campaign, author: User) -> int:
    size = (campaign.width, campaign.height)
    return ask_for_picture(
        picture, key=f"campaign-{picture.pk}", checkpoint=picture.checkpoint, size=size, author=author
    )


def account_of_campaigns() -> User:
    """The site's account. Its pictures are the site's own, so it agrees to what a release needs its authors to."""
    author = site_account(AUTHOR)
    for purpose in (Purpose.TRAIN, Purpose.PUBLISH):
        record_consent(user=author, purpose=purpose, granted=True)
    return author
