"""What changed between two prompts, word by word. Pure."""

from difflib import SequenceMatcher
from typing import Literal, NamedTuple

MOST_WORDS = 600  # of a side: difflib is quadratic where everything differs


class Part(NamedTuple):
    """Words that stayed, came or went."""

    change: Literal["same", "added", "removed"]
    text: str


def word_difference(before: str, after: str) -> list[Part]:
    """The parts of both prompts in reading order; what went stands before what came in its place.

    The "same" and "added" parts together are the words of `after`, "same" and "removed" those of `before`, up to
    the spaces between words and the first 600 words of each.
    """
    old, new = _words(before), _words(after)
    parts: list[Part] = []
    for change, start, end, begin, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if change == "equal":
            parts.append(Part("same", " ".join(new[begin:stop])))
            continue
        if start < end:
            parts.append(Part("removed", " ".join(old[start:end])))
        if begin < stop:
            parts.append(Part("added", " ".join(new[begin:stop])))
    return parts


def _words(prompt: str) -> list[str]:
    """Words with the punctuation that clings to them: “red fox,” is two."""
    return prompt.split()[:MOST_WORDS]
