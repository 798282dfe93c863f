"""Prompt sets as they are published are read, or refused with the line."""

import json

import pytest

from lib.errors import Refused
from ratings.benchmarks.prompts import read_prompts, to_lines
from tests.ratings.benchmarks.example_benchmarks import CSV

PARTI = (
    "Prompt\tCategory\tChallenge\tNote\n"
    'a "quoted" sign\tArtifacts\tWriting & Symbols\tIt\'s hard\n'
    "a fox\tAnimals\tBasic\t\n"
)
MJHQ = json.dumps(
    {"0a1b": {"prompt": "a fox", "category": "animals"}, "2c3d": {"prompt": "a soup", "category": "food"}}
)


def test_prompts_are_read_as_they_are_published() -> None:
    parti = read_prompts(PARTI, "parti")
    assert [(one.text, one.category, one.challenge, one.note) for one in parti] == [
        ('a "quoted" sign', "Artifacts", "Writing & Symbols", "It's hard"),
        ("a fox", "Animals", "Basic", ""),
    ]
    assert [(one.name, one.text, one.category) for one in read_prompts(MJHQ, "mjhq")] == [
        ("0a1b", "a fox", "animals"),
        ("2c3d", "a soup", "food"),
    ]
    assert [one.text for one in read_prompts(CSV, "table")] == ["a fox, red", "a soup"]
    assert read_prompts(to_lines(parti), "table") == parti


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        ("", "table", "no prompt in this file"),
        ("prompt\n\n\n,\n", "table", "Prompt 1 is empty"),
        ("text\na fox\n", "table", "no prompt column"),
        ('{"prompt": "a fox"}\n{"prompt"', "table", "Line 2"),
        ("[1, 2]", "mjhq", "object of objects"),
        ("{", "mjhq", "no JSON"),
        ("Prompt,Category\na,b\n", "parti", "begin with the columns"),
        ("prompt\n" + "x" * 2001, "table", "more than 2000"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_line(text: str, form: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read_prompts(text, form)
