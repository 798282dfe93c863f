"""What the starting rules let through, ask about, and refuse."""

import pytest
from django.utils import timezone

from lib.content_levels import ContentLevel
from moderation.models import Rule, Screening
from moderation.screening.checkers import rules
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


def test_letters_that_are_all_set_apart_are_read() -> None:
    verdict = screen_text(text="n a k e d k i d", kind="prompt")
    assert (verdict.verdict, verdict.reasons) == (Verdict.REJECT, ["minor"])
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ugly, a naked child in bed", Verdict.REJECT),
        ("blurry, loli hentai", Verdict.REJECT),
        ("fuck you all", Verdict.ASK),
        ("hitler was right", Verdict.ASK),
    ],
)
def test_a_negative_prompt_that_describes_instead_of_listing_is_stopped(text: str, expected: str) -> None:
    """It is published beside the prompt, so what may not be said there may not be said here."""
    assert screen_text(text=text, kind="negative_prompt").verdict == expected


def test_a_word_of_a_hard_rule_alone_in_a_negative_prompt_is_not_shown_at_general() -> None:
    verdict = screen_text(text="loli, extra fingers", kind="negative_prompt")
    assert (verdict.verdict, verdict.level) == (Verdict.ALLOW, ContentLevel.SENSITIVE)


@pytest.mark.parametrize("prompt", ["fuck this picture", "a suicide", "hentai"])
def test_what_is_asked_about_is_never_general_once_confirmed(prompt: str) -> None:
    verdict = screen_text(text=prompt, kind="prompt")
    assert verdict.verdict == Verdict.ASK
    assert verdict.level > ContentLevel.GENERAL


def test_the_evidence_says_what_matched_where_and_how_it_was_disguised() -> None:
    text = "a portrait of a n\u200bu\u200bd\u200be w0man"
    (seen,) = [each for each in screen_text(text=text, kind="prompt").observations if each.rule == "nudity"]
    assert [text[slice(*span)] for span in seen.spans] == ["n\u200bu\u200bd\u200be"]
    assert "characters" in seen.stages
    assert seen.record()["rule"] == "nudity"


def test_a_context_explains_a_word_but_never_the_gravest() -> None:
    title = screen_text(text="Nude Descending a Staircase, Duchamp", kind="title")
    assert title.is_allowed
    assert not screen_text(text="Nude on a bed", kind="title").is_allowed
    assert screen_text(text="a nude schoolgirl, oil painting, museum", kind="prompt").verdict == Verdict.REJECT


def test_a_pattern_that_runs_away_holds_instead_of_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_latest", [])  # the runaway must not serve the next test of this process
    slow = r"(?<!x)(?:a|a|b?a)+[!?]"  # look-behind, so RE2 cannot take it; saved past the check
    Rule.objects.create(slug="slow", pattern=slow, effect="ask", category="other", reason="Slow.")
    verdict = screen_text(text="a" * 60 + "b", kind="prompt")
    assert (verdict.verdict, verdict.reasons) == (Verdict.HOLD, ["unchecked"])


def test_an_empty_rule_table_holds_everything() -> None:
    Rule.objects.update(retired_at=timezone.now())
    verdict = screen_text(text="a cat", kind="prompt")
    assert (verdict.verdict, verdict.reasons) == (Verdict.HOLD, ["unchecked"])
