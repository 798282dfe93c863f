"""Changing rules: examples are tried, reasons recorded, hard rules need two moderators."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.models import User
from lib.errors import Refused
from moderation.models import Rule, RuleDecision, Screening
from moderation.pseudonyms import pseudonym
from moderation.rules.services import add_rule, retire_rule
from moderation.screening.services import screen_text

pytestmark = pytest.mark.django_db
Verdict = Screening.Verdict
TEAPOTS: dict[str, Any] = {
    "slug": "teapots",
    "pattern": r"\bteapots?\b",
    "effect": "block",
    "category": "other",
    "reason": "No teapots.",
    "must_match": ["two teapots"],
    "must_not_match": ["a tea party"],
    "why": "The owner dislikes them.",
}


def test_a_rule_counts_at_once_in_every_disguise_and_its_predecessor_stays_readable(mod: User) -> None:
    first = add_rule(**{**TEAPOTS, "effect": "ask"}, actor=mod)
    for text in ("two teapots", "t3ap0t", "t e a p o t", "(tea:1.2)pot", "ｔｅａｐｏｔ", "topaet"):
        assert screen_text(text=text, kind="prompt").verdict == Verdict.ASK, text
    second = add_rule(**{**TEAPOTS, "effect": "ask", "pattern": r"\bteapots\b"}, actor=mod)
    assert screen_text(text="a teapot", kind="prompt").verdict == Verdict.ALLOW
    first.refresh_from_db()
    assert first.retired_at is not None
    assert (first.version, second.version) == (1, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pattern": "("}, "pattern"),
        ({"pattern": ".*"}, "pattern"),
        ({"clears": "[a"}, "clears"),
        ({"pattern": r"(?<!x)(?:a|a|b?a)+[!?]", "must_match": ["a!"]}, "pattern"),
        ({"pattern": r"(\w+)+\1!$(?=x)"}, "pattern"),
        ({"must_match": ["two cups"]}, "must_match"),
        ({"must_not_match": ["a teapot museum"]}, "must_not_match"),
        ({"must_match": []}, "must_match"),
        ({"must_not_match": [" "]}, "must_not_match"),
        ({"why": " "}, "why"),
    ],
)
def test_a_rule_that_cannot_run_or_gets_its_examples_wrong_is_not_saved(
    change: dict[str, Any], field: str, mod: User
) -> None:
    with pytest.raises(Refused) as refusal:
        add_rule(**{**TEAPOTS, **change}, actor=mod)
    assert field in refusal.value.fields
    assert not Rule.objects.filter(slug="teapots").exists()


def test_phrases_clear_a_rule_and_a_context_explains_it(mod: User) -> None:
    add_rule(**{**TEAPOTS, "clears": "teapot dome", "eased_by": r"\bmuseum\b", "must_not_match": ["the teapot dome"]})
    assert screen_text(text="the Teapot Dome scandal", kind="prompt").verdict == Verdict.ALLOW
    assert screen_text(text="the Teapot Dome and a teapot", kind="prompt").verdict == Verdict.REJECT
    assert screen_text(text="a teapot in a museum", kind="prompt").verdict == Verdict.ALLOW


def test_every_change_is_recorded_with_its_author_and_reason_and_never_rewritten(mod: User, mia: User) -> None:
    add_rule(**{**TEAPOTS, "effect": "ask"}, actor=mod)
    second = add_rule(**{**TEAPOTS, "effect": "ask", "why": "Cups too."}, actor=mia)
    retire_rule(rule=second, why="They are fine.", actor=mod)
    changes = RuleDecision.objects.filter(rule__slug="teapots").order_by("pk")
    assert list(changes.values_list("action", "actor_pseudonym", "reason")) == [
        ("add", pseudonym(mod.pk), "The owner dislikes them."),
        ("replace", pseudonym(mia.pk), "Cups too."),
        ("retire", pseudonym(mod.pk), "They are fine."),
    ]
    with pytest.raises(DatabaseError), transaction.atomic():
        changes.update(reason="other")


def test_a_hard_rule_is_retired_by_two_moderators_only(mod: User, mia: User) -> None:
    rule = add_rule(**TEAPOTS, actor=mod)
    assert not retire_rule(rule=rule, why="Enough.", actor=mod)
    with pytest.raises(Refused, match="second"):
        retire_rule(rule=rule, why="Enough.", actor=mod)
    assert screen_text(text="a teapot", kind="prompt").verdict == Verdict.REJECT
    assert retire_rule(rule=rule, why="I agree.", actor=mia)
    assert screen_text(text="a teapot", kind="prompt").verdict == Verdict.ALLOW
    with pytest.raises(Refused, match="retired"):
        retire_rule(rule=rule, why="Again.", actor=mia)


@pytest.mark.parametrize(
    "change", [{"effect": "ask"}, {"effect": "level", "level": 1}, {"pattern": "saucers", "must_match": ["saucers"]}]
)
def test_a_hard_rule_is_not_made_milder_by_replacing_it(change: dict[str, Any], mod: User) -> None:
    add_rule(**TEAPOTS, actor=mod)
    with pytest.raises(Refused, match="milder"):
        add_rule(**{**TEAPOTS, **change}, actor=mod)
    assert screen_text(text="two teapots", kind="prompt").verdict == Verdict.REJECT


def test_the_rules_that_come_with_the_site_do_what_their_examples_say() -> None:
    from moderation.rules.services import check_rule

    rules = list(Rule.objects.active())
    assert len(rules) >= 11
    for rule in rules:
        check_rule(rule)
        assert rule.decisions.exists(), rule.slug


def test_without_an_active_rule_everything_is_held(mod: User) -> None:
    for rule in Rule.objects.active():
        retire_rule(rule=rule, why="All of them.")
    assert screen_text(text="a cat", kind="prompt").verdict == Verdict.HOLD
