"""Weights in prompts, and the count of their tokens."""

from pathlib import Path

import pytest
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from generation.models import Checkpoint
from generation.prompts.tokens import count_prompt
from generation.prompts.weights import read_weights
from tests.conftest import ApiAs, As
from tests.generation import families


@pytest.mark.parametrize(
    ("prompt", "text", "weights"),
    [
        ("a cat", "a cat", [1.0]),
        ("(cat:1.3)", "cat", [1.3]),
        ("(cat)", "cat", [1.1]),
        ("((cat))", "cat", [1.21]),
        ("[cat]", "cat", [0.909091]),
        ("(cat:1)", "cat", [1.0]),
        ("([cat])", "cat", [1.0]),
        (r"\(cat\)", "(cat)", [1.0]),
        ("(cat", "(cat", [1.0]),
        ("cat)", "cat)", [1.0]),
        (":-) cat", ":-) cat", [1.0]),
        ("(cat:99)", "cat", [4.0]),
        ("(cat: tall)", "cat: tall", [1.1]),
        ("", "", []),
    ],
)
def test_emphasis_reads_as_in_the_web_ui(prompt: str, text: str, weights: list[float]) -> None:
    read = read_weights(prompt)
    assert read.text == text
    assert sorted(set(read.weights)) == weights


def test_nested_weights_multiply() -> None:
    read = read_weights("a (big (red:1.5) fox:1.2)")
    assert read.text == "a big red fox"
    assert dict(zip(read.text, read.weights, strict=True)) | {" ": 0} == {
        "a": 1.0, " ": 0, "b": 1.2, "i": 1.2, "g": 1.2, "r": 1.8, "e": 1.8, "d": 1.8, "f": 1.2, "o": 1.2, "x": 1.2,
    }  # fmt: skip


@settings(deadline=None)
@given(st.text(st.sampled_from("ab ()[]:\\0.5"), max_size=40))
def test_every_character_has_a_weight(prompt: str) -> None:
    read = read_weights(prompt)
    assert len(read.text) == len(read.weights)
    assert all(-4 <= weight <= 4 for weight in read.weights)


@pytest.fixture
def measured(tmp_path: Path, db: None) -> Checkpoint:
    """A checkpoint whose tokenizer reads every letter as a token, and twelve of them."""
    families.clip_tokenizer().save_pretrained(tmp_path / "tokenizer")
    return Checkpoint.objects.create(
        slug="letters", name="Letters", source=str(tmp_path), licence="MIT", sizes=[[64, 64]], token_limit=13
    )


def test_words_behind_the_limit_are_named(measured: Checkpoint) -> None:
    count = count_prompt("(abc:1.2) def ghi jkl mno", location=measured.source, limit=13)
    assert (count.tokens, count.limit, count.unread, count.is_exact) == (15, 13, "mno", True)
    assert count_prompt("abc", location=measured.source, limit=13).unread == ""
    assert count_prompt("abc " * 90, location=measured.source, limit=0).unread == ""


def test_without_a_tokenizer_the_count_says_that_it_is_rough(tmp_path: Path) -> None:
    count = count_prompt("x" * 40, location=str(tmp_path), limit=None)
    assert (count.tokens, count.is_exact) == (10, False)


def test_page_and_api_count_the_same(measured: Checkpoint, alice: User, as_user: As, api_as: ApiAs) -> None:
    asked = {"checkpoint": "letters", "prompt": "abc def ghi jkl mno <b>"}
    answer = api_as(None).get("/api/prompt-tokens/", asked).json()
    assert answer == {"tokens": 18, "limit": 13, "unread": "mno <b>", "is_exact": True}
    page = as_user(alice).get(reverse("generation:prompt-tokens"), asked).content.decode()
    assert "18 of 13 tokens" in page
    assert "<mark>mno &lt;b&gt;</mark>" in page
    assert api_as(None).get("/api/prompt-tokens/", {"checkpoint": "none"}).status_code == 404
