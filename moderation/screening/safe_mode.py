"""A site that is locked to general content (SAFE_MODE), such as one for a classroom."""

from dataclasses import replace

from django.conf import settings
from django.utils.translation import gettext as _

from lib.content_levels import ContentLevel
from moderation.policy import Reason
from moderation.screening.models import Screening
from moderation.screening.observations import Verdict


def lock(verdict: Verdict, *, is_picture: bool) -> Verdict:
    """On a locked site, words above the general level are refused and pictures above it held; else the same verdict."""
    is_stopped = verdict.verdict in (Screening.Verdict.HOLD, Screening.Verdict.REJECT)
    if not settings.SAFE_MODE or is_stopped or verdict.level <= ContentLevel.GENERAL:
        return verdict
    above = [seen.reason.value for seen in verdict.observations if seen.level > ContentLevel.GENERAL]
    return replace(
        verdict,
        verdict=Screening.Verdict.HOLD if is_picture else Screening.Verdict.REJECT,
        reasons=verdict.reasons or list(dict.fromkeys(above)) or [Reason.SEXUAL.value],
        message=_("This site shows general pictures only."),
    )
