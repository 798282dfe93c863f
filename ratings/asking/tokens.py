"""The signed token of an ask: who was asked what. The ledger's `outcome` makes it single-use."""

from collections.abc import Collection
from dataclasses import dataclass

from django.core import signing
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation.models import Image
from lib.errors import NotFound, Refused
from ratings.asking.models import Ask

SALT = "ratings.ask"


@dataclass(frozen=True, slots=True)
class Claim:
    """The content of a valid token: the ask's public id, and the ids of its pictures, the lower first."""

    ask: str
    subject: list[int]


def token_for(ask: Ask) -> str:
    """The token that answers, skips or dismisses this ask; bound to the ask, its rater and its pictures."""
    return signing.dumps([ask.public_id, ask.rater_id, ask.subject], salt=SALT)


def open_token(token: str, *, rater: User) -> Claim:
    """What a token says, by its signature alone. Raises Refused: forged (400), or somebody else's (404)."""
    try:
        public_id, rater_id, subject = signing.loads(token, salt=SALT)
    except (signing.BadSignature, TypeError, ValueError):
        sentence = _("This question is not valid. Reload the page and try again.")
        raise Refused("forged_token", sentence, status=400) from None
    if rater_id != rater.pk:
        raise NotFound(_("Question not found."))
    return Claim(public_id, subject)


def read_token(token: str, *, rater: User, about: Collection[str] = ()) -> Ask:
    """The ask that a token stands for.

    `about` are the public ids that the caller says it is about (the ask's, its pictures'). Raises Refused
    for a forged token (400), somebody else's (404), and for another ask or picture than the ledger's (400).
    """
    claim = open_token(token, rater=rater)
    ask = Ask.objects.filter(public_id=claim.ask, rater=rater).first()
    if ask is None:
        raise NotFound(_("Question not found."))
    others = set(about) - {ask.public_id}
    if others and others.issubset(Image.objects.filter(pk__in=ask.subject).values_list("public_id", flat=True)):
        others = set()
    if ask.subject != claim.subject or others:
        raise Refused("other_subject", _("This answer is about a different picture than the question."))
    return ask
