"""Emphasis in prompts, as AUTOMATIC1111's web UI reads it.

``(word)`` is 1.1 times as important, ``((word))`` 1.1² times, ``(word:1.3)`` 1.3 times, ``[word]`` 1/1.1 times;
``\\(`` is a bracket. Brackets that are never closed mean what they say.
Syntax: https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features#attentionemphasis
"""

from dataclasses import dataclass

from lib.text.regex import compile_linear

MORE, LESS = 1.1, 1 / 1.1
LEAST, MOST = -4.0, 4.0
_PIECE = compile_linear(r"\\[\\()\[\]]|[()\[\]]|: {0,4}([+-]?[0-9]{0,4}\.?[0-9]{0,6}) {0,4}\)|[^\\()\[\]:]+|\\|:")


@dataclass(frozen=True)
class Weighted:
    """A prompt without its marks, and the weight of each of its characters."""

    text: str
    weights: tuple[float, ...]

    @property
    def is_plain(self) -> bool:
        """Whether no part of it has another weight than 1."""
        return all(weight == 1.0 for weight in self.weights)


@dataclass
class _Open:
    """A bracket, how it was written, and how much more important it makes what it holds, once it is closed."""

    mark: str
    by: float | None = None


_CLOSE = object()  # ends the innermost closed bracket
_Part = str | _Open | object
_LARGEST = 1e6  # a product of nested weights; far beyond MOST, and nowhere near infinity


def read_weights(prompt: str) -> Weighted:
    """The words of a prompt with the importance of each character; takes time in proportion to its length."""
    parts: list[_Part] = []
    opened: list[_Open] = []
    for match in _PIECE.finditer(prompt):
        piece = match.group()
        number = _number(match.group(1)) if match.group(1) is not None else None
        if piece in ("(", "["):
            opened.append(_Open(piece))
            parts.append(opened[-1])
        elif number is not None and _is_inside(opened, "("):
            _close(parts, opened, number)
        elif piece in (")", "]") and _is_inside(opened, "(" if piece == ")" else "["):
            _close(parts, opened, MORE if piece == ")" else LESS)
        else:
            _add(piece, parts, opened)
    return _weighted(parts)


def _weighted(parts: list[_Part]) -> Weighted:
    characters: list[str] = []
    weights: list[float] = []
    products = [1.0]
    for part in parts:
        if isinstance(part, _Open) and part.by is not None:
            products.append(min(_LARGEST, max(-_LARGEST, products[-1] * part.by)))
        elif part is _CLOSE:
            products.pop()
        else:
            text = part.mark if isinstance(part, _Open) else str(part)
            characters.append(text)
            weights += [round(min(MOST, max(LEAST, products[-1])), 6)] * len(text)
    return Weighted("".join(characters), tuple(weights))


def _add(piece: str, parts: list[_Part], opened: list[_Open]) -> None:
    text = piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece
    if text.endswith(")") and len(text) > 1 and _is_inside(opened, "("):  # ``:words)`` that is no number
        parts.append(text[:-1])
        _close(parts, opened, MORE)
        return
    parts.append(text)


def _close(parts: list[_Part], opened: list[_Open], by: float) -> None:
    opened.pop().by = by
    parts.append(_CLOSE)


def _is_inside(opened: list[_Open], mark: str) -> bool:
    return bool(opened) and opened[-1].mark == mark


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def plain_text(prompt: str) -> str:
    """The prompt without the marks of emphasis."""
    return read_weights(prompt).text
