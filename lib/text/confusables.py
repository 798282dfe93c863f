"""Characters that look alike, by the published table of Unicode Technical Standard 39.

`confusables.txt` holds the table of Unicode 16.0 with its licence.
"""

import unicodedata
from functools import cache
from pathlib import Path

# Characters without a shape of their own (Default_Ignorable_Code_Point).
IGNORED = [
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip


def is_ignored(char: str) -> bool:
    """Whether a character has no shape of its own: joiners, fillers, variation selectors, tags."""
    return any(first <= ord(char) <= last for first, last in IGNORED)


def skeleton(text: str) -> str:
    """Equal for two texts that look alike: “pаypаl” with Cyrillic letters has the skeleton of “paypal”.

    Only for comparing, never for showing. Case counts: fold it first where it must not. Source: UTS 39, section 4.
    """
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).translate(look_alikes()))


@cache
def look_alikes() -> dict[int, str]:
    """What each code point looks like, for `str.translate`; those without a shape become nothing."""
    table = {code: "" for first, last in IGNORED for code in range(first, last + 1)}
    lines = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.startswith("#"):
            continue
        shape, characters = map(_unescape, line.split("\t"))
        table.update(dict.fromkeys(map(ord, characters), shape))
    return table


def _unescape(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("unicode_escape")
