"""Changing the text rules: every change is a recorded decision, and retires instead of overwriting.

A rule carries phrases that it must and must not match; it is saved only if it does as they say. Taking a hard rule
away takes two moderators.
"""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from lib.errors import Refused
from lib.text.regex import BadPattern
from moderation.pseudonyms import pseudonym
from moderation.screening.checkers.rules import compile_rule, first_match
from moderation.screening.coarse_words import coarse_words
from moderation.screening.matching import Matcher, build_oracle, compile_pattern
from moderation.screening.models import Rule, RuleDecision
from moderation.screening.normalisation import Oracle, readings

Action = RuleDecision.Action
PATTERNS = ("pattern", "second_pattern", "clears", "eased_by")
MAX_EXAMPLES = 40
HARMLESS = ("a picture of a cat", "portrait of a woman in a red coat, oil painting", "")
# Texts on which patterns that run away do so.
PROBES = ("a" * 5_000, "_" * 5_000, "a " * 2_500, "ab" * 2_500 + "!", "(" * 5_000, "1.2,-" * 1_000)


def add_rule(
    *,
    slug: str,
    pattern: str,
    effect: str,
    category: str,
    reason: str,
    must_match: Sequence[str],
    must_not_match: Sequence[str],
    why: str,
    actor: User | None = None,
    level: int = 0,
    second_pattern: str = "",
    clears: str = "",
    eased_by: str = "",
) -> Rule:
    """A new rule, or the next version of the active one of this slug.

    Raises:
        Refused: 400 for a pattern that cannot run or is slow, for examples that it gets wrong, and for a version of a
            hard rule that is milder than the one before or lets its examples pass.
    """
    rule = Rule(
        slug=slug, pattern=pattern, effect=effect, category=category, reason=reason, level=level,
        second_pattern=second_pattern, clears=clears, eased_by=eased_by,
        must_match=_examples(must_match), must_not_match=_examples(must_not_match),
    )  # fmt: skip
    check_rule(rule)
    _require_reason(why)
    with transaction.atomic():
        before = Rule.objects.active().select_for_update().filter(slug=slug).first()
        if before is not None:
            _require_as_strict(rule, before)
            Rule.objects.filter(pk=before.pk).update(retired_at=timezone.now())
            rule.version = before.version + 1
        rule.save()
        _record(rule, Action.REPLACE if before is not None else Action.ADD, actor, why)
    return rule


def retire_rule(*, rule: Rule, why: str, actor: User | None = None) -> bool:
    """Takes an active rule away; a hard one only when a second moderator agrees. Returns whether it is retired now.

    Raises:
        Refused: 409 when the same moderator asks twice, or somebody was faster.
    """
    _require_reason(why)
    with transaction.atomic():
        found = Rule.objects.active().select_for_update().filter(pk=rule.pk).first()
        if found is None:
            raise Refused("retired", _("This rule is not active any more."), status=409)
        if found.effect == Rule.Effect.BLOCK and actor is not None:
            name = pseudonym(actor.pk)
            if not found.retirement_proposed_by:
                Rule.objects.filter(pk=found.pk).update(retirement_proposed_by=name)
                _record(found, Action.PROPOSE, actor, why)
                return False
            if found.retirement_proposed_by == name:
                message = _("You proposed this. A second moderator has to agree before a hard rule is retired.")
                raise Refused("second", message, status=409)
        Rule.objects.filter(pk=found.pk).update(retired_at=timezone.now())
        _record(found, Action.RETIRE, actor, why)
    return True


def check_rule(rule: Rule) -> None:
    """Raises Refused (400) with a sentence for each field that is wrong."""
    problems: dict[str, list[str]] = {}
    for name in PATTERNS:
        if problem := _problem_of(getattr(rule, name)):
            problems[name] = [problem]
    if not rule.must_match or not rule.must_not_match:
        empty = "must_match" if not rule.must_match else "must_not_match"
        problems[empty] = [_("Give at least one phrase. It is tried whenever the rule changes.")]
    if not problems:
        problems = _wrong_examples(rule)
    if problems:
        sentences = dict.fromkeys(sentence for found in problems.values() for sentence in found)
        raise Refused("bad_rule", " ".join(sentences), fields=problems)


def _problem_of(pattern: str) -> str:
    if not pattern:
        return ""
    try:
        compiled = compile_pattern(pattern)
        for probe in PROBES:
            compiled.search(probe)
    except BadPattern as error:
        return _("This is no regular expression: %(error)s") % {"error": error}
    except TimeoutError:
        return _("This pattern takes too long for some texts. Leave out repetitions inside repetitions.")
    return ""


def _wrong_examples(rule: Rule) -> dict[str, list[str]]:
    matcher = compile_rule(rule).matcher
    oracle = oracle_with(matcher)
    if any(is_matched(matcher, text, oracle) for text in HARMLESS):
        return {"pattern": [_("This pattern matches texts that say nothing at all.")]}
    missed = [text for text in rule.must_match if not is_matched(matcher, text, oracle)]
    hit = [text for text in rule.must_not_match if is_matched(matcher, text, oracle)]
    problems: dict[str, list[str]] = {}
    if missed:
        problems["must_match"] = [_("The rule does not match: %(phrases)s") % {"phrases": "; ".join(missed)}]
    if hit:
        problems["must_not_match"] = [_("The rule matches: %(phrases)s") % {"phrases": "; ".join(hit)}]
    return problems


def oracle_with(matcher: Matcher) -> Oracle:
    """What the active rules and one more speak about."""
    active = [compile_rule(rule).matcher for rule in Rule.objects.active()]
    return build_oracle([*active, matcher], coarse_words())


def is_matched(matcher: Matcher, text: str, oracle: Oracle) -> bool:
    """Whether the rule takes notice of `text`, and its context does not explain it."""
    seen = readings(text, oracle)
    return first_match(matcher, seen) is not None and not matcher.is_eased(seen)


def _require_as_strict(rule: Rule, before: Rule) -> None:
    if before.effect != Rule.Effect.BLOCK:
        return
    message = ""
    if rule.effect != Rule.Effect.BLOCK:
        message = _("A hard rule cannot be made milder. Propose to retire it, and add the milder one once it is gone.")
    else:
        matcher = compile_rule(rule).matcher
        oracle = oracle_with(matcher)
        passed = [text for text in before.must_match if not is_matched(matcher, text, oracle)]
        if passed:
            message = _("It would let pass what the hard rule stops now: %(phrases)s") % {"phrases": "; ".join(passed)}
    if message:
        raise Refused("milder", message, fields={"pattern": [message]})


def _require_reason(why: str) -> None:
    if not why.strip():
        message = _("Say why: the change is recorded with its reason.")
        raise Refused("no_reason", message, fields={"why": [message]})


def _examples(texts: Iterable[str]) -> list[str]:
    return [text.strip()[:300] for text in texts if text.strip()][:MAX_EXAMPLES]


def _record(rule: Rule, action: RuleDecision.Action, actor: User | None, why: str) -> None:
    RuleDecision.objects.create(
        rule=rule,
        action=action,
        actor_pseudonym=pseudonym(actor.pk) if actor is not None else "",
        reason=why.strip()[:300],
        decided_at=timezone.now(),
    )
