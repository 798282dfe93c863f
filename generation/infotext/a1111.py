"""The text of AUTOMATIC1111's web UI about a picture, which Forge and most tools read and write too.

Lines of the prompt, lines of the negative prompt after ``Negative prompt:``, and one line of ``Key: value`` pairs, in
which values with a comma, a colon or a line break stand in JSON quotes. What a person wrote could look like one of
these; an invisible mark keeps it apart.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.text.regex import compile_linear

MARK = "\u200b"
"""ZERO WIDTH SPACE, inside what imitates: some readers look for it at the start of a line, others anywhere."""
LONGEST = 100_000  # characters of a text that is read
_NEGATIVE = "Negative prompt:"
_IMITATION = compile_linear(r"(?m)(Negative prompt|^[ \t]*Steps):")
_ADD_ON = compile_linear(r"<(lora|lyco|hypernet):")
_PAIR = compile_linear(r'[ \t]*([A-Za-z][0-9A-Za-z_ \-/]{0,60}):[ \t]*("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)')
_LORA = compile_linear(r"[ ]?<lora:([^<>:]{1,200}):([-+0-9.]{1,12})(?::[^<>]{0,40})?>")


@dataclass(frozen=True)
class Infotext:
    """What such a text says; `loras` are those that its prompt names, with their weights."""

    prompt: str = ""
    negative_prompt: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    loras: tuple[tuple[str, float], ...] = ()


def write_infotext(
    *, prompt: str, negative_prompt: str, loras: Mapping[str, float], facts: Mapping[str, object]
) -> str:
    """The text of a picture."""
    lines = [_kept_apart(prompt) + "".join(f" <lora:{name}:{weight:g}>" for name, weight in loras.items())]
    if negative_prompt:
        lines.append(f"{_NEGATIVE} {_kept_apart(negative_prompt)}")
    lines.append(", ".join(f"{name}: {_quoted(str(value))}" for name, value in facts.items()))
    return "\n".join(lines)


def _kept_apart(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ADD_ON.sub(lambda found: f"<{MARK}{found[1]}:", _IMITATION.sub(lambda found: f"{found[1]}{MARK}:", text))


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ',:\n"') else value


def read_infotext(text: str) -> Infotext:
    """Reads what `write_infotext`, the web UI or Forge wrote; a text without settings is a prompt."""
    lines = text[:LONGEST].strip().split("\n")
    facts: dict[str, str] = {}
    if len(_PAIR.findall(lines[-1])) >= 3 or lines[-1].startswith("Steps:"):
        facts = {name.strip(): _unquoted(value.strip()) for name, value in _PAIR.findall(lines.pop())}
    start = next((n for n, line in enumerate(lines) if line.strip().startswith(_NEGATIVE)), len(lines))
    shown, hidden = "\n".join(lines[:start]).strip(), "\n".join(lines[start:]).strip().removeprefix(_NEGATIVE).strip()
    loras = tuple((name, weight) for name, text in _LORA.findall(shown) if (weight := _number(text)) is not None)
    return Infotext(_LORA.sub("", shown).replace(MARK, "").strip(), hidden.replace(MARK, ""), facts, loras)


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[0] != '"':
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
