"""The policy in words: the closed set of reasons that every verdict, report and decision names."""

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

POLICY_VERSION = "2026-11"


class Reason(models.TextChoices):
    """Slugs stored with screenings and decisions."""

    MINOR = "minor", _("Sexualises a minor")
    INTIMATE = "intimate", _("Sexual content about a real person")
    SEXUAL = "sexual", _("Sexual content")
    VIOLENCE = "violence", _("Graphic violence")
    SELF_HARM = "self-harm", _("Self-harm")
    HATE = "hate", _("Hate or harassment")
    RIGHTS = "copyright", _("Somebody's rights")
    SPAM = "spam", _("Spam")
    LANGUAGE = "language", _("Coarse language")
    NEAR_DUPLICATE = "near-duplicate", _("Looks like a picture that was removed")
    UNCHECKED = "unchecked", _("Could not be checked")
    NAME = "name", _("A name that cannot be used")
    STRIKES = "strikes", _("Several removals in a short time")
    APPEAL = "appeal", _("An appeal was granted")
    UNDONE = "undone", _("A moderator took it back")
    FINE = "fine", _("Nothing against the rules")
    OTHER = "other", _("Something else")


@dataclass(frozen=True)
class Entry:
    severity: int  # 1 (wait) to 5 (now): how far ahead its case stands in the queue
    rule: Promise  # what the policy says, as the author reads it


POLICY: dict[Reason, Entry] = {
    Reason.MINOR: Entry(5, _("Nothing may show or describe a minor in a sexual way, drawn or real.")),
    Reason.INTIMATE: Entry(5, _("Nothing sexual may show a real person, or be made to look like one.")),
    Reason.SEXUAL: Entry(2, _("Sexual content must be marked, and the most explicit is not allowed.")),
    Reason.VIOLENCE: Entry(2, _("Violence shown for its own sake must be marked or is taken down.")),
    Reason.SELF_HARM: Entry(4, _("Nothing may encourage people to hurt themselves.")),
    Reason.HATE: Entry(3, _("Nothing may attack people for who they are, or glorify those who do.")),
    Reason.RIGHTS: Entry(2, _("What belongs to somebody else needs their permission.")),
    Reason.SPAM: Entry(1, _("Advertising and repeated posts are taken down.")),
    Reason.LANGUAGE: Entry(1, _("Names and public words should not insult anybody.")),
    Reason.NEAR_DUPLICATE: Entry(3, _("It looks very much like a picture that was taken down.")),
    Reason.UNCHECKED: Entry(1, _("The automatic check did not finish, so a person looks at it first.")),
    Reason.NAME: Entry(1, _("Some names are kept for the site itself.")),
    Reason.STRIKES: Entry(4, _("Several things of yours were taken down within 30 days.")),
    Reason.APPEAL: Entry(1, _("A second moderator looked at it and took the decision back.")),
    Reason.UNDONE: Entry(1, _("The moderator saw that the decision was wrong and took it back.")),
    Reason.FINE: Entry(1, _("It is within the rules.")),
    Reason.OTHER: Entry(2, _("It breaks the rules of this site.")),
}

# What a moderator may give as the reason of a decision.
DECIDABLE = [
    Reason.MINOR, Reason.INTIMATE, Reason.SEXUAL, Reason.VIOLENCE, Reason.SELF_HARM, Reason.HATE, Reason.RIGHTS,
    Reason.SPAM, Reason.LANGUAGE, Reason.NEAR_DUPLICATE, Reason.OTHER,
]  # fmt: skip


def severity_of(reasons: list[str]) -> int:
    """The highest severity among reason slugs; an unknown one counts as `other`."""
    known = [Reason(slug) if slug in Reason.values else Reason.OTHER for slug in reasons]
    return max((POLICY[reason].severity for reason in known), default=1)
