"""One decision about many cases: by one author, or with pictures that look the same."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.errors import Refused
from lib.images import NEAR_PDQ_DISTANCE, hamming_distance
from moderation.cases.models import Case, CaseQuerySet
from moderation.cases.services import claim_case
from moderation.decisions.models import INTERNAL
from moderation.decisions.services import decide_case
from moderation.evidence.models import Evidence

MOST = 100  # cases decided by one press
COMPARED = 5_000  # pictures of open cases


def cases_by_author(case: Case, moderator: User, at: datetime) -> CaseQuerySet:
    """Other open cases about things of the same author, which the moderator may claim."""
    others = Case.objects.claimable(moderator, at).exclude(pk=case.pk)
    return others.filter(author=case.author) if case.author_id else others.none()


def cases_alike(case: Case, moderator: User, at: datetime) -> CaseQuerySet:
    """Other open cases whose picture is within 31 bits of this one's."""
    others = Case.objects.claimable(moderator, at).exclude(pk=case.pk)
    own = Evidence.objects.filter(case=case, pdq__isnull=False).values_list("pdq", flat=True).last()
    if own is None:
        return others.none()
    hashes = Evidence.objects.filter(case__in=others, pdq__isnull=False).order_by("-pk").values_list("case_id", "pdq")
    near = {pk for pk, pdq in hashes[:COMPARED] if hamming_distance(str(own), str(pdq)) <= NEAR_PDQ_DISTANCE}
    return others.filter(pk__in=near)


def decide_cases(
    *, cases: Sequence[Case], moderator: User, at: datetime | None = None, **decision: Any
) -> tuple[int, int]:
    """Decides each case as `decide_case` would, each in a transaction of its own.

    Returns how many were decided, and how many were passed over because somebody else holds or decided them.

    Raises:
        Refused: 400 more than 100, or something that is no decision about many.
    """
    now = at or timezone.now()
    if len(cases) > MOST or decision.get("action") in INTERNAL:
        raise Refused("too_many", _("Decide at most 100 cases at a time, and hand on one at a time."))
    decided = 0
    for case in cases:
        try:
            claim_case(moderator=moderator, case=case, at=now)
            decide_case(case=case, moderator=moderator, at=now, **decision)
        except Refused as refused:
            if refused.status not in (403, 409):
                raise
        else:
            decided += 1
    return decided, len(cases) - decided
