"""Every model of moderation, for Django and for the layers above; each lies in the package of its feature."""

from moderation.appeals.models import Appeal
from moderation.cases.models import Case, CaseNote, Report, kind_label
from moderation.decisions.models import Decision
from moderation.evidence.models import Evidence
from moderation.hashes.models import BlockedHash
from moderation.notices.models import Notice
from moderation.restrictions.models import Restriction, Strike
from moderation.screening.models import BenignMark, Rule, RuleDecision, Screening

__all__ = [
    "Appeal",
    "BenignMark",
    "BlockedHash",
    "Case",
    "CaseNote",
    "Decision",
    "Evidence",
    "Notice",
    "Report",
    "Restriction",
    "Rule",
    "RuleDecision",
    "Screening",
    "Strike",
    "kind_label",
]
