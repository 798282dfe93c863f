"""Moderation's part of “download my data” and “delete my account” (see accounts.hooks)."""

from typing import Any

from django.db.models import F

from accounts.models import User
from moderation.appeals.models import Appeal
from moderation.cases.models import Case, CaseNote, Report
from moderation.decisions.models import Decision
from moderation.evidence.models import Evidence
from moderation.restrictions.models import Restriction, Strike
from moderation.screening.models import Screening

COVERED = frozenset(
    {
        "moderation.Screening.author",  # forgotten; the words that matched are blanked
        "moderation.Case.author",  # forgotten
        "moderation.Case.claimed_by",  # a claim ends by itself
        "moderation.Case.second_opinion_for",  # forgotten
        "moderation.CaseNote.author",  # forgotten; the note is the case's
        "moderation.Report.reporter",  # deleted
        "moderation.Restriction.user",  # stays with the blank account, and so does what follows
        "moderation.Strike.user",
        "moderation.Appeal.author",  # its words are blanked
        "moderation.Appeal.answered_by",  # the answer is the site's, under the blank account's name
    }
)


def export(user: User) -> dict[str, Any]:
    decisions = Decision.objects.about(user).order_by("pk")
    screenings = Screening.objects.filter(author=user).order_by("pk")
    restrictions = Restriction.objects.filter(user=user).order_by("pk")
    return {
        "decisions": list(decisions.values("target_type", "action", "level", "reason", "note", "decided_at")),
        "screenings": list(
            screenings.values("target_type", "verdict", "level", "reasons", "matched_text", "created_at")
        ),
        "reports": list(Report.objects.filter(reporter=user).order_by("pk").values("reason", "note", "created_at")),
        "evidence": list(
            Evidence.objects.filter(case__author=user).order_by("pk").values("text", "taken_at", "expires_at")
        ),
        "restrictions": list(restrictions.values("kind", "starts_at", "ends_at", "lifted_at")),
        "strikes": list(
            Strike.objects.filter(user=user).order_by("pk").values("points", "created_at", "expires_at", "voided_at")
        ),
        "appeals": list(
            Appeal.objects.filter(author=user).order_by("pk").values("text", "state", "answer", "created_at")
        ),
    }


def erase(user: User) -> None:
    Report.objects.filter(reporter=user).delete()
    Appeal.objects.filter(author=user).update(text="")
    Screening.objects.filter(author=user).update(author=None, matched_text="")
    # What was reported stays, without the name, until its retention ends (Evidence).
    Evidence.objects.filter(case__author=user).update(author_name="")
    Case.objects.filter(author=user).update(author=None)
    Case.objects.filter(second_opinion_for=user).update(second_opinion_for=None)
    CaseNote.objects.filter(author=user).update(author=None)
    # what they were working on goes back into the queue at once
    Case.objects.filter(claimed_by=user).update(claimed_by=None, claimed_until=F("opened_at"))
