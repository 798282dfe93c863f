"""Patterns on strangers' text take time that grows with its length and no faster."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.text.regex import BadPattern, compile_bounded, compile_linear
from tests.services import ROOT

# A pattern of fixed length over the bytes of files, which the helper does not take.
OF_FIXED_LENGTH = {ROOT / "lib/decoding/containers.py"}
CODE = ["accounts", "config", "feed", "generation", "lib", "moderation", "ratings"]


def _imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).partition(".")[0])
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_pattern_goes_through_the_helper_that_bounds_its_time() -> None:
    """`re` cannot be stopped, and neither can Django's RegexValidator and RegexField, which use it."""
    unbounded = {"re", "re2", "regex", "django.core.validators.RegexValidator", "django.forms.RegexField"}
    found = {
        str(file.relative_to(ROOT)): names
        for folder in CODE
        for file in (ROOT / folder).rglob("*.py")
        if file not in OF_FIXED_LENGTH | {ROOT / "lib/text/regex.py"} and (names := _imported(file) & unbounded)
    }
    assert found == {}


@pytest.mark.parametrize("pattern", [r"\bword\b", r"\w+", r"[\s,]+", r"\\\\\w"])
def test_classes_that_mean_ascii_alone_are_refused(pattern: str) -> None:
    with pytest.raises(BadPattern, match="ASCII"):
        compile_linear(pattern)
    assert compile_linear(r"\\w").search(r"a\w")  # a backslash and a letter


@pytest.mark.parametrize("pattern", ["(?<=a)b", r"(a)\1", "(", "a{5000}"])
def test_what_cannot_run_in_linear_time_is_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(BadPattern, match=r"\w{3}"):
        compile_linear(pattern)


def test_a_replacement_may_be_of_any_script() -> None:
    assert compile_linear(r"(b)").sub("é海", "abc") == "aé海c"
    assert compile_linear(r"(b)").sub(r"\1\1", "aébc") == "aébbc"


def test_a_pattern_that_runs_away_is_stopped() -> None:
    with pytest.raises(TimeoutError):
        compile_bounded(r"(?:a|a|b?a)+[!?]", seconds=0.05).search("a" * 60)
    with pytest.raises(BadPattern):
        compile_bounded("a" * 20_001)


@given(st.text(alphabet=st.characters(), max_size=30))
def test_any_text_can_be_searched_and_offsets_count_characters(text: str) -> None:
    found = compile_linear("needle").search(f"{text}needle\ud800")
    assert found is not None
    assert found.start() == len(text)
