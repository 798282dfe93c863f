"""Words that several prompts share: what a mood board says where no model looks at its pictures."""

from collections import Counter
from collections.abc import Sequence

from lib.text.regex import compile_linear

MOST_WORDS = 12
_WORD = compile_linear(r"\pL[\pL\pN'-]{2,30}")
_SMALL_WORDS = (
    "a an and are around as at behind below beside between but by for from has have her his in inside into is it its"
    " near next not of off on onto or out over she some that the their them then there they this through to under"
    " upon was were with without very"
)
_EMPTY = frozenset(_SMALL_WORDS.split())


def shared_words(prompts: Sequence[str]) -> tuple[str, ...]:
    """Words that at least half of the prompts use (two of them at least; all words of a single one), most used first.

    At most 12, in small letters; words without a meaning of their own are left out.
    """
    counts: Counter[str] = Counter()
    for prompt in prompts:
        counts.update(_words(prompt))
    least = 1 if len(prompts) == 1 else max(2, -(-len(prompts) // 2))
    return tuple(word for word, count in counts.most_common() if count >= least)[:MOST_WORDS]


def telling_words(text: str) -> frozenset[str]:
    """The words of a text that mean something by themselves, in small letters."""
    return frozenset(_words(text))


def _words(text: str) -> list[str]:
    """Each once, in their order."""
    return list(dict.fromkeys(word for word in _WORD.findall(text.lower()) if word not in _EMPTY))
