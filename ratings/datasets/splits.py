"""Which split a prompt belongs to: the same in every release of a site, so that nothing ever moves."""

import unicodedata
from functools import lru_cache

from ratings.datasets.identity import derived_key, number

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
UNIQUE = {VALIDATION: "validation_unique", TEST: "test_unique"}
UNIQUE_MOST = 500
_OF_TEN = {8: VALIDATION, 9: TEST}  # the other eight tenths train


def normalise_prompt(prompt: str) -> str:
    """Two prompts that read alike are one: NFKC, case folded, spaces joined, closing punctuation dropped."""
    return " ".join(unicodedata.normalize("NFKC", prompt).casefold().split()).strip(" .,;:!?")


def split_of(secret: str, prompt: str) -> str:
    """HMAC of the normalised prompt under the site's own salt."""
    return split_of_normalised(secret, normalise_prompt(prompt))


@lru_cache(maxsize=20_000)
def split_of_normalised(secret: str, prompt: str) -> str:
    return _OF_TEN.get(number(derived_key(secret, "splits"), prompt) % 10, TRAIN)
