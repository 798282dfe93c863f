"""Coarse language, by glin-profanity's word list. It never refuses a prompt: at most it asks.

Phrases of art, animals and places that hold a listed word are taken out first; the list below came
from measuring ordinary prompts (docs/moderation.md).
"""

from functools import cache

from glin_profanity import Filter, __version__

from lib.regex import compile_bounded
from moderation.policy import Reason
from moderation.screening.normalisation import joined, plain, unleeted
from moderation.screening.observations import Label, Observation, TextKind

# Words of the list that content levels and rules speak about; here they would only repeat them.
_NOT_COARSE = {"nude", "nudes", "sexy", "sex", "naked", "gay", "lesbian", "queer", "butt", "xxx", "breast", "breasts"}
_INNOCENT = compile_bounded(
    r"\b(?:cock[- ]a[- ](?:doodle|leekie)\S*|(?:game|wood|pea|hay|shuttle|stop|black)[- ]?cocks?|cock of the rock"
    r"|cock(?:erel|er spaniel|pit|tail|atoo|atiel)\w*|weather ?cocks?|cock (?:pheasant|robin)s?|rooster cocks?"
    r"|(?:great|blue|coal|marsh|willow|long-tailed) tits?|tit ?mouse|boob(?:y|ies) birds?|blue[- ]footed boob\w+"
    r"|(?:wild|african|pack|jack|an|the) ass(?: (?:pulling|carrying|and cart|in a field))|(?:wild|african) ass(?:es)?"
    r"|rape(?:seed)?[- ]?(?:seed|fields?|flowers?|blossoms?|oil)|fields? of rape|pussy ?willows?|pussy ?cats?"
    r"|dick (?:tracy|turpin|van dyke|dastardly|whittington)|moby[- ]dick|hooker (?:telescope|oak|valley)s?"
    r"|sex on the beach|bloody mary|bastard (?:sword|file|toadflax)s?|bitch(?: and (?:her )?pupp\w+)"
    r"|crack(?:s|ed)? (?:in|of|earth|paint|glass)|shaggy|damn(?:ed)? dams?)\b"
)


@cache
def _filter() -> Filter:
    return Filter({"languages": ["english"], "detect_leetspeak": False, "allow_obfuscated_match": False})


def check(text: str, kind: TextKind) -> list[Observation]:
    """One observation naming the coarse words, or none."""
    base = plain(text)
    found: dict[str, None] = {}
    for reading in dict.fromkeys((base, joined(base), unleeted(joined(base)))):
        words = _filter().check_profanity(_INNOCENT.sub(" ", reading))["profane_words"] or []
        found.update(dict.fromkeys(word.lower() for word in words if word.lower() not in _NOT_COARSE))
    if not found:
        return []
    matched = ", ".join(found)[:200]
    return [Observation("profanity", __version__, Label.PROFANE, 1.0, Reason.LANGUAGE, matched=matched)]
