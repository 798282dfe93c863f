"""The signed key that comes with every ask: who was asked what. The ledger's `outcome` makes it single-use."""

from collections.abc import Collection

from django.core import signing
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotFound, Refused
from accounts.models import User
from generation.models import Image
from ratings.models import Ask

SALT = "ratings.ask"


def token_for(ask: Ask) -> str:
    """The token that answers, skips or dismisses this ask; bound to the ask, its rater and its pictures."""
    return signing.dumps([ask.public_id, ask.rater_id, ask.subject], salt=SALT)


def read_token(token: str, *, rater: User, about: Collection[str] = ()) -> Ask:
    """The ask that a token stands for.

    `about` are the public ids that the caller says it is about (the ask's, its pictures'). Raises Refused
    for a forged token (400), somebody else's (404), and for another ask or picture than the ledger's (400).
    """
    try:
        public_id, rater_id, subject = signing.loads(token, salt=SALT)
    except (signing.BadSignature, TypeError, ValueError):
        sentence = _("This answer does not belong to a question of ours. Reload the page and try again.")
        raise Refused("forged_token", sentence, status=400) from None
    ask = Ask.objects.filter(public_id=public_id, rater=rater).first() if rater_id == rater.pk else None
    if ask is None:
        raise NotFound(_("There is no such question for you."))
    others = set(about) - {ask.public_id}
    if others and others.issubset(Image.objects.filter(pk__in=ask.subject).values_list("public_id", flat=True)):
        others = set()
    if ask.subject != subject or others:
        raise Refused("other_subject", _("This answer is about another picture than the one we asked about."))
    return ask
