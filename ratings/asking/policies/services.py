"""Sampling policies: saved as drafts, activated, and unchangeable once an ask was drawn by them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from lib.errors import NotFound, Refused
from ratings.asking.models import Policy
from ratings.asking.sampling import Parameters


def save_policy(*, member: User, parameters: Mapping[str, Any], note: str = "", version: int | None = None) -> Policy:
    """Writes a new version, or with `version` other numbers into a draft that nothing was drawn by.

    Raises Refused: no role (404), numbers that make no policy (400), a version that is used (409).
    """
    _require_staff(member)
    try:
        Parameters.from_json(parameters)
    except (TypeError, ValueError, AttributeError) as error:
        raise Refused("bad_policy", str(error), fields={"parameters": [str(error)]}) from None
    if version is None:
        return _add(dict(parameters), note)
    if not Policy.objects.unused().filter(version=version).update(parameters=dict(parameters), note=note):
        raise Refused(
            "policy_used",
            _("This policy has been used, so it can't be changed. Save as a new policy instead."),
            status=409,
        )
    return Policy.objects.get(version=version)


def _add(parameters: dict[str, Any], note: str) -> Policy:
    try:
        with transaction.atomic():
            newest = Policy.objects.aggregate(newest=Max("version"))["newest"] or 0
            return Policy.objects.create(version=newest + 1, parameters=parameters, note=note)
    except IntegrityError:
        raise Refused("policy_race", _("Someone else just saved a policy. Try again."), status=409) from None


@transaction.atomic
def activate_policy(*, member: User, policy: Policy, at: datetime | None = None) -> None:
    """Puts a policy in force: draws from now on name it. Raises Refused: no role (404), the settings name one (409)."""
    _require_staff(member)
    if settings.ASK_POLICY_VERSION:
        sentence = _("The settings name the policy in force (ASK_POLICY_VERSION). Unset it to choose one here.")
        raise Refused("policy_fixed", sentence, status=409)
    list(Policy.objects.select_for_update().order_by("pk"))  # one change at a time
    Policy.objects.filter(is_active=True).exclude(pk=policy.pk).update(is_active=False)
    first = Coalesce(F("activated_at"), at or timezone.now())
    Policy.objects.filter(pk=policy.pk).update(is_active=True, activated_at=first)


def discard_policy(*, member: User, policy: Policy) -> None:
    """Deletes a draft. Raises Refused: no role (404), a policy that is used (409)."""
    _require_staff(member)
    if not Policy.objects.unused().filter(pk=policy.pk).delete()[0]:
        raise Refused("policy_used", _("This policy has been used, so it can't be deleted."), status=409)


def _require_staff(member: User) -> None:
    if not member.has_role(Role.STAFF):
        raise NotFound(_("Policy not found."))
