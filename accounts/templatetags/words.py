"""Filters of words."""

from django import template
from django.utils.translation import get_language

register = template.Library()


@register.filter(is_safe=True)
def sentence_case(text: str) -> str:
    """“Change Your Password” → “Change your password”: packages whose English Capitalises Every Word speak as we do.

    Words that are no plain capitalised word (“TOTP”, “JavaScript”), markup and other languages stay as they are.
    """
    if not (get_language() or "").startswith("en") or "<" in text:
        return text
    words = text.split()
    begins = [True, *(word.endswith((".", "!", "?")) for word in words)]
    return " ".join(_in_sentence(word, is_first) for word, is_first in zip(words, begins, strict=False))


def _in_sentence(word: str, is_first: bool) -> str:
    if len(word) == 1 or not word.istitle():
        return word
    return word.capitalize() if is_first else word.lower()
