"""The split of a prompt: the same in every release of a site, so that no prompt ever changes its split."""

import json
import unicodedata
from collections.abc import Iterable

from ratings.releases.engine.identity import derived_key, numbers

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
UNIQUE = {VALIDATION: "validation_unique", TEST: "test_unique"}
UNIQUE_MOST = 500
_OF_TEN = {8: VALIDATION, 9: TEST}  # the other eight tenths train


def normalise_prompt(prompt: str) -> str:
    """Unifies prompts that read alike: NFKC, casefold, single spaces, no closing punctuation."""
    return " ".join(unicodedata.normalize("NFKC", prompt).casefold().split()).strip(" .,;:!?")


def split_of(secret: str, prompt: str) -> str:
    """The split by an HMAC of the normalised prompt under the site's secret."""
    return splits_of_normalised(secret, [normalise_prompt(prompt)])[0]


def splits_of_normalised(secret: str, prompts: Iterable[str]) -> list[str]:
    """The splits of many normalised prompts."""
    digits = numbers(derived_key(secret, "splits"), (json.dumps([prompt]).encode() for prompt in prompts)) % 10
    return [_OF_TEN.get(digit, TRAIN) for digit in digits.tolist()]
