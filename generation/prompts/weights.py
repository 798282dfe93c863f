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
    """A bracket that is not closed yet: where its contents begin, and how it was written."""

    start: int
    mark: str


def read_weights(prompt: str) -> Weighted:
    """The words of a prompt with the importance of each character."""
    characters: list[str] = []
    weights: list[float] = []
    opened: list[_Open] = []
    for match in _PIECE.finditer(prompt):
        piece = match.group()
        if piece in ("(", "["):
            opened.append(_Open(len(characters), piece))
        elif match.group(1) is not None and _is_inside(opened, "(") and _number(match.group(1)) is not None:
            _multiply(weights, opened.pop().start, _number(match.group(1)) or 0.0)
        elif piece in (")", "]") and _is_inside(opened, "(" if piece == ")" else "["):
            _multiply(weights, opened.pop().start, MORE if piece == ")" else LESS)
        else:
            _add(piece, characters, weights, opened)
    for each in reversed(opened):
        characters.insert(each.start, each.mark)
        weights.insert(each.start, 1.0)
    return Weighted("".join(characters), tuple(round(min(MOST, max(LEAST, weight)), 6) for weight in weights))


def _add(piece: str, characters: list[str], weights: list[float], opened: list[_Open]) -> None:
    text = piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece
    if text.endswith(")") and len(text) > 1 and _is_inside(opened, "("):  # ``:words)`` that is no number
        characters += text[:-1]
        weights += [1.0] * (len(text) - 1)
        _multiply(weights, opened.pop().start, MORE)
        return
    characters += text
    weights += [1.0] * len(text)


def _is_inside(opened: list[_Open], mark: str) -> bool:
    return bool(opened) and opened[-1].mark == mark


def _multiply(weights: list[float], start: int, by: float) -> None:
    for position in range(start, len(weights)):
        weights[position] *= by


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def plain_text(prompt: str) -> str:
    """The prompt without the marks of emphasis."""
    return read_weights(prompt).text
