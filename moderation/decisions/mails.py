"""The statement of reasons by mail, so that it also reaches those who no longer sign in."""

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from moderation.appeals.models import WINDOW
from moderation.decisions.models import Decision
from moderation.decisions.statements import statement_of
from moderation.targets import load_target

SALT = "moderation.statement"


def author_of(decision: Decision) -> User | None:
    """Who is notified: the author of the case, or the member whom the decision is about."""
    if decision.case is not None:
        return decision.case.author
    target = load_target(decision.target_type, decision.target_id)
    return target if isinstance(target, User) else None


def statement_url(decision: Decision) -> str:
    """A link that opens the statement, and the appeal, without signing in, as long as one may appeal."""
    key = signing.dumps(decision.public_id, salt=SALT)
    return settings.SITE_URL + reverse("moderation:statement", args=[key])


def decision_of_link(key: str) -> Decision | None:
    """The decision that a link from a mail opens; None for a wrong or old one."""
    try:
        public_id = signing.loads(key, salt=SALT, max_age=WINDOW)
    except signing.BadSignature:
        return None
    return Decision.objects.select_related("case__author").filter(public_id=public_id).first()


def send_statement(*, decision_id: int) -> bool:
    """Mails what was decided, why, and how to appeal; False when nobody can be reached."""
    decision = Decision.objects.logged().select_related("case__author").filter(pk=decision_id).first()
    author = author_of(decision) if decision is not None else None
    if decision is None or author is None or not author.email or author.deleted_at is not None:
        return False
    words = statement_of(decision)
    parts = [words.title, words.why, words.note, words.next, statement_url(decision)]
    subject = _("%(site)s: a decision about something of yours") % {"site": settings.SITE_NAME}
    EmailMessage(subject, "\n\n".join(filter(None, parts)) + "\n", to=[author.email]).send()
    return True
