"""How many tokens of a prompt a checkpoint reads, counted without torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from tokenizers import Tokenizer

from generation.prompts.weights import read_weights

_PARTS = ("tokenizer_3", "tokenizer_2", "tokenizer")
WINDOW = 75  # tokens of CLIP that are read together
_CHARACTERS_A_TOKEN = 4.0  # about, in English, where no tokenizer is at hand


@dataclass(frozen=True)
class Count:
    """Tokens of a prompt; `limit` is how many are read (0: all of them), `unread` the words behind that."""

    tokens: int
    limit: int
    unread: str = ""
    is_exact: bool = True

    @property
    def windows(self) -> int:
        return max(1, -(-self.tokens // WINDOW))


def count_prompt(prompt: str, *, location: str, limit: int | None) -> Count:
    """Counts with the tokenizer of a local checkpoint; roughly, where it has none that can be read here.

    Args:
        limit: tokens that the checkpoint reads; 0 or None: any number.
    """
    text = read_weights(prompt).text
    tokenizer = _tokenizer(location, is_long=bool(limit))
    if tokenizer is None:
        return Count(round(len(text) / _CHARACTERS_A_TOKEN), limit or 0, is_exact=False)
    offsets: Sequence[tuple[int, int]] = tokenizer.encode(text, add_special_tokens=False).offsets
    unread = text[offsets[limit - 1][0] :] if limit and len(offsets) > limit - 1 else ""
    return Count(len(offsets), limit or 0, unread.strip())


def _tokenizer(location: str, *, is_long: bool) -> Tokenizer | None:
    folder = Path(settings.CHECKPOINTS_DIR, location)
    for part in _PARTS if is_long else reversed(_PARTS):
        file = folder / part / "tokenizer.json"
        if file.is_file():
            return _loaded(str(file), file.stat().st_mtime_ns)
    return None


@lru_cache(maxsize=8)
def _loaded(file: str, _changed: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(file)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
