"""What a decision of moderation changes in this app (see moderation.decisions.services.Effects)."""

from django.db import models
from django.db.models import QuerySet

from accounts.models import User
from generation.models import Image, ImageState
from moderation.models import Decision, Restriction

_KEPT = (ImageState.READY, ImageState.HELD, ImageState.REJECTED)


def apply(*, decision: Decision, target: models.Model) -> None:
    """Moves an image between ready, held and rejected, sets its level; a restricted member's queue is emptied."""
    if isinstance(target, Image):
        _apply_to_image(decision, Image.objects.filter(pk=target.pk, deleted_at=None, state__in=_KEPT))
    elif isinstance(target, User):
        _stop_queue(target, decision)


def _apply_to_image(decision: Decision, image: "QuerySet[Image]") -> None:
    if decision.level is not None:
        image.update(content_level=decision.level)
    if decision.action == Decision.Action.APPROVE:
        image.exclude(state=ImageState.READY).update(state=ImageState.READY)
    elif decision.action == Decision.Action.HOLD:
        image.update(state=ImageState.HELD, is_public=False)
    elif decision.action == Decision.Action.REMOVE:
        image.update(state=ImageState.REJECTED, is_public=False)


def _stop_queue(member: User, decision: Decision) -> None:
    kinds = (Restriction.Kind.NO_GENERATING, Restriction.Kind.BANNED)
    if Restriction.objects.active(decision.decided_at).filter(user=member, kind__in=kinds).exists():
        own = Image.objects.filter(author=member)
        own.filter(state__in=(ImageState.QUEUED, ImageState.PAUSED)).update(state=ImageState.CANCELLED)
        own.filter(state=ImageState.LEASED).update(is_cancel_requested=True)
