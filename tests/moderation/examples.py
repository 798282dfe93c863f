"""Rows of moderation that tests start from."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from moderation.models import Decision
from moderation.pseudonyms import pseudonym


def make_decision(author: User, days_ago: float = 0) -> Decision:
    """A removal about a member that a moderator decided `days_ago`."""
    return Decision.objects.create(
        target_type="accounts.user",
        target_id=author.pk,
        action=Decision.Action.REMOVE,
        reason="hate",
        actor_pseudonym="somebody",
        author_pseudonym=pseudonym(author.pk),
        policy_version="1",
        decided_at=timezone.now() - timedelta(days=days_ago),
    )
