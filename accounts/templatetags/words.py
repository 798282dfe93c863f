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
    first = [_small(word).capitalize() if "-" in word else word for word in words[:1]]
    return " ".join(first + [_small(word) for word in words[1:]])


def _small(word: str) -> str:
    return word.lower() if len(word) > 1 and word.istitle() else word
