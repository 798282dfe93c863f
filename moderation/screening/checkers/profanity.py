"""Coarse language, by word lists in several languages. It never refuses a prompt: at most it asks."""

from lib.text import words_of
from moderation.policy import Reason
from moderation.screening.checkers.rules import oracle_in_use
from moderation.screening.coarse_words import coarse_phrases, coarse_words, innocent_phrases
from moderation.screening.matching import read
from moderation.screening.observations import Label, Observation, TextKind
from moderation.screening.running import bounded

VERSION = "3"


@bounded
def check(text: str, kind: TextKind) -> list[Observation]:
    """One observation naming the coarse words, or none."""
    found: dict[str, None] = {}
    coarse = coarse_words()
    for reading in read(text, oracle_in_use(), has_names=kind is not TextKind.NAME):
        words = words_of(innocent_phrases().sub(" ", reading.text))
        found |= dict.fromkeys(word for word in words if word in coarse)
        line = f" {' '.join(words)} "
        found |= dict.fromkeys(phrase for phrase in coarse_phrases() if f" {phrase} " in line)
    if not found:
        return []
    return [Observation("profanity", VERSION, Label.PROFANE, 1.0, Reason.LANGUAGE, matched=", ".join(found)[:200])]
