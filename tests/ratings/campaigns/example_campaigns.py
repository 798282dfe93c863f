"""Small campaigns in every state, and members who answer them."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from generation.models import Checkpoint
from ratings.asking.tokens import token_for
from ratings.benchmarks.prompts import Prompt
from ratings.campaigns import asks, pictures, services
from ratings.campaigns.services import NewQuestion, Plan
from ratings.models import Ask, Campaign, CampaignPicture, Question
from tests.generation.fixtures import MakeImage

SHARPNESS = NewQuestion("How sharp is this picture?", ["Blurred", "Soft", "Fair", "Sharp", "Very sharp"])


def plan(checkpoints: list[Checkpoint], /, **changes: Any) -> Plan:
    now = timezone.now()
    fields: dict[str, Any] = {
        "title": "Sharp foxes",
        "prompts": [Prompt("a fox"), Prompt("a cat", "animals")],
        "checkpoints": [row.slug for row in checkpoints],
        "size": (32, 32),
        "question": SHARPNESS,
        "consent_text": "We study sharpness.",
        "answers_wanted": 2,
        "starts_at": now - timedelta(minutes=1),
        "ends_at": now + timedelta(days=7),
    }
    return Plan(**{**fields, **changes})


def preference() -> Question:
    return Question.objects.active().get(slug="preference")


def opened(checkpoints: list[Checkpoint], researcher: User, make_image: MakeImage, /, **changes: Any) -> Campaign:
    """A campaign whose pictures are there, made by arithmetic, and that asks."""
    campaign = services.create_campaign(plan=plan(checkpoints, **changes), created_by=researcher)
    author = pictures.account_of_campaigns()
    for picture in CampaignPicture.objects.filter(campaign=campaign).select_related("prompt", "checkpoint"):
        seed = picture.seed + 100 * picture.checkpoint_id
        image = make_image(author, prompt=picture.prompt.text, seed=seed, checkpoint=picture.checkpoint)
        CampaignPicture.objects.filter(pk=picture.pk).update(image=image)
    assert pictures.draw_pictures(campaign=campaign)
    campaign.refresh_from_db()
    services.open_campaign(campaign=campaign)
    return campaign


def next_ask(campaign: Campaign, rater: User) -> Ask | None:
    return asks.draw_campaign_ask(campaign=campaign, rater=rater, rng=random.Random(rater.pk))


def answer_all(campaign: Campaign, rater: User, answer: Callable[[Ask], Any]) -> list[Ask]:
    """The member agrees and answers all that they are asked; `answer` gives a value, or an outcome about a pair."""
    services.agree_to_campaign(campaign=campaign, member=rater)
    answered = []
    while (ask := next_ask(campaign, rater)) is not None:
        token, said = token_for(ask), answer(ask)
        if campaign.is_about_pairs:
            asks.answer_campaign_pair(token=token, rater=rater, outcome=said, dwell_ms=3000)
        else:
            asks.answer_campaign_ask(token=token, rater=rater, value=said, dwell_ms=3000)
        answered.append(ask)
    return answered
