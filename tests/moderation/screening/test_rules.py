"""What the starting rules let through, ask about, and refuse."""

import pytest

from lib.content_levels import ContentLevel
from moderation.models import Rule, Screening
from moderation.screening.rules import add_rule, retire_rule
from moderation.screening.services import screen_text

Verdict = Screening.Verdict
pytestmark = pytest.mark.django_db

ORDINARY = [
    "cock-a-doodle-doo, a rooster at dawn",
    "a naked mole-rat digging",
    "a map of Essex and Sussex",
    "a shooting star over Scunthorpe",
    "blood moon over the sea",
    "nude lipstick on a marble table",
    "a great tit and a blue tit on a branch",
    "a blue-footed booby bird",
    "a pussy willow branch in a vase",
    "Moby-Dick, a whale, woodcut",
    "a bloody mary cocktail",
    "an assassin in a cloak, classic painting",
    "rapeseed field in bloom",
    "shiitake mushrooms, macro photo, 8k, 35mm",
    "a small girl with a balloon",
    "portrait of a 12 year old boy playing chess",
    "kids playing in a sandbox",
    "a killer whale", "a murder of crows", "cumulus clouds", "gay pride parade", "a killer robot with a gun",
    "The Raft of the Medusa, oil painting",
]  # fmt: skip


@pytest.mark.parametrize("prompt", ORDINARY)
def test_ordinary_art_prompts_pass_without_a_question(prompt: str) -> None:
    verdict = screen_text(text=prompt, kind="prompt")
    assert (verdict.verdict, verdict.matched_text) == (Verdict.ALLOW, "")
    assert verdict.level == ContentLevel.GENERAL


@pytest.mark.parametrize(
    "prompt",
    [
        "a naked 12 year old",
        "nude schoolgirl",
        "sexy toddler",
        "n u d e child",
        "n.a.k.e.d. teen",
        "nаkеd сhild",  # Cyrillic а, е, с
        "na\u200bked chi\u200bld",
        "n4k3d ch1ld",
        "(naked:1.4) [child:0.8]",
        "((n a k e d)) ((k i d))",
        "ｎａｋｅｄ ｃｈｉｌｄ",
        "naaaaked childdd",
        "a portrait,\nnaked,\nchild",
    ],
)
def test_sexualised_minors_are_refused_in_any_disguise(prompt: str) -> None:
    verdict = screen_text(text=prompt, kind="prompt")
    assert verdict.verdict == Verdict.REJECT
    assert "minor" in verdict.reasons
    assert "minor" in verdict.message


def test_a_text_whose_letters_are_all_set_apart_is_refused_because_its_words_cannot_be_separated() -> None:
    verdict = screen_text(text="n a k e d k i d", kind="prompt")
    assert verdict.verdict == Verdict.REJECT
    assert "whole words" in verdict.message
    assert screen_text(text="the letters A B C on a block", kind="prompt").verdict == Verdict.ALLOW


def test_a_doubtful_prompt_is_asked_about_and_says_why() -> None:
    verdict = screen_text(text="a severed head on a plate, gore", kind="prompt")
    assert (verdict.verdict, verdict.level) == (Verdict.ASK, ContentLevel.SENSITIVE)
    assert "violence" in verdict.message


def test_coarse_words_are_asked_about_in_a_prompt_and_refused_in_a_name() -> None:
    assert screen_text(text="fuck this picture", kind="prompt").verdict == Verdict.ASK
    assert screen_text(text="f.u.c.k this picture", kind="prompt").verdict == Verdict.ASK
    assert screen_text(text="fuck you", kind="name").verdict == Verdict.REJECT


def test_nudity_raises_the_level_and_nothing_more() -> None:
    verdict = screen_text(text="a nude woman, renaissance oil painting", kind="prompt")
    assert (verdict.verdict, verdict.level, verdict.message) == (Verdict.ALLOW, ContentLevel.MATURE, "")


def test_a_negative_prompt_may_name_what_is_not_wanted() -> None:
    verdict = screen_text(text="nsfw, nude, child, gore", kind="negative_prompt")
    assert (verdict.verdict, verdict.level) == (Verdict.ALLOW, ContentLevel.GENERAL)
    assert verdict.observations


def test_an_edited_rule_counts_at_once_and_its_predecessor_stays_readable() -> None:
    def add(pattern: str) -> Rule:
        return add_rule(slug="teapots", pattern=pattern, effect="block", category="other", reason="No teapots.")

    first = add(r"\bteapots?\b")
    assert screen_text(text="two teapots", kind="prompt").verdict == Verdict.REJECT
    second = add(r"\bteapot\b")
    assert screen_text(text="two teapots", kind="prompt").verdict == Verdict.ALLOW
    first.refresh_from_db()
    assert first.retired_at is not None
    retire_rule(rule=second)
    assert screen_text(text="a teapot", kind="prompt").verdict == Verdict.ALLOW


def test_a_pattern_that_runs_away_holds_instead_of_blocking() -> None:
    add_rule(slug="slow", pattern=r"(?:a|a|b?a)+[!?]", effect="ask", category="other", reason="Slow.")
    verdict = screen_text(text="a" * 60 + "b", kind="prompt")
    assert (verdict.verdict, verdict.reasons) == (Verdict.HOLD, ["unchecked"])


def test_an_empty_rule_table_holds_everything() -> None:
    Rule.objects.all().delete()
    verdict = screen_text(text="a cat", kind="prompt")
    assert (verdict.verdict, verdict.reasons) == (Verdict.HOLD, ["unchecked"])
