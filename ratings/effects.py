"""Closes asks about pictures that a moderation decision hid (MODERATION_EFFECTS)."""

from django.db import models
from django.db.models import Q

from accounts.models import User
from feed.models import Post
from generation.models import Image
from moderation.models import Decision
from ratings.asking.models import Ask


def apply(*, decision: Decision, target: models.Model) -> None:
    """Closes open asks that the decision rules out, inside its transaction."""
    action = Decision.Action(decision.action)
    if isinstance(target, User):
        if action == Decision.Action.RESTRICT:
            about = Ask.objects.filter(
                Q(rater=target) | Q(image__author=target) | Q(image_low__author=target) | Q(image_high__author=target)
            )
            about.close_unanswered(decision.decided_at)
        return
    image = target.image if isinstance(target, Post) else target
    if not isinstance(image, Image):
        return
    about = Ask.objects.about_images([image.pk])
    if action == Decision.Action.LEVEL:
        about = about.exclude(rater=image.author_id)  # authors see every level of their own
    elif action not in {Decision.Action.HOLD, Decision.Action.REMOVE}:
        return
    about.close_unanswered(decision.decided_at)
