"""Editing the text rules: a change retires a rule and adds its successor, so old verdicts stay readable."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lib.errors import Refused
from lib.regex import BadPattern, compile_bounded
from moderation.screening.models import Rule
from moderation.screening.normalisation import readings


def add_rule(*, slug: str, pattern: str, effect: str, category: str, reason: str, level: int = 0) -> Rule:
    """A new rule, instead of the active one of the same slug; raises Refused for a pattern that cannot run."""
    _check_pattern(pattern)
    with transaction.atomic():
        Rule.objects.active().filter(slug=slug).update(retired_at=timezone.now())
        return Rule.objects.create(
            slug=slug, pattern=pattern, effect=effect, category=category, reason=reason, level=level
        )


def retire_rule(*, rule: Rule) -> None:
    Rule.objects.active().filter(pk=rule.pk).update(retired_at=timezone.now())


def _check_pattern(pattern: str) -> None:
    try:
        compiled = compile_bounded(pattern)
    except BadPattern as error:
        message = _("This is no regular expression: %(error)s") % {"error": error}
        raise Refused("bad_pattern", message, fields={"pattern": [message]}) from None
    if any(compiled.search(text) for reading in ("", "a picture of a cat") for text in readings(reading)):
        message = _("This pattern matches texts that say nothing at all.")
        raise Refused("too_wide", message, fields={"pattern": [message]})
