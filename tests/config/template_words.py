"""Reads templates for words that strangers wrote, and whether their direction is kept from the text around them."""

import re
from collections.abc import Iterator
from pathlib import Path

# What strangers write, by the expressions that templates show it by.
STRANGERS = re.compile(
    r"""(?x) ^(?:
      [\w.]*username | [\w.]*author_name | [\w.]*display_name | [\w.]*\.bio | [\w.]*post\.title | [\w.]*comment\.text
    | [\w.]*collection\.name | [\w.]*negative_prompt | [\w.]*generation\.prompt | card\.prompt | appeal\.(?:text|answer)
    | report\.note | each\.note | each\.matched_text | statement\.note | token\.name | mute\.value | name\.name
    | one\.title
    | one\.style\.words | style\.words | part\.(?:part|words|text) | notice\.text | tag | [\w.]*release\.name
    | policy\.note
    | [\w.]*challenge\.theme | [\w.]*challenge\.hint | past\.theme | prompt(?:\.text)? | theme | text | name | title
    | words
    | note )$"""
)
# Words of our own under such a name, by template.
OURS = {
    "_empty.html": {"title", "text"}, "_icon.html": {"name"}, "_pager.html": {"note"}, "_toast.html": {"text"},
    "_field.html": {"tag"}, "moderation/_others.html": {"title"},
    "feed/_score.html": {"name"}, "moderation/mine.html": {"words"},
    "ratings/_answered.html": {"text"}, "ratings/policy.html": {"name"}, "generation/history.html": {"name"},
    "ratings/benchmark_detail.html": {"name"}, "styleguide.html": {"name", "title", "text", "words", "tag"},
    "feed/list.html": {"note"}, "errors/_fault.html": {"title", "text"},
    "ratings/_release_progress.html": {"file.name"},
}  # fmt: skip
_TOKEN = re.compile(r"(\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\})", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)|(>)")
_PLAIN = ("title", "description")  # blocks that end up in <title> and in an attribute
VOID = {"img", "input", "br", "meta", "link", "source", "use", "hr", "wbr", "path", "circle", "line", "rect"}


def strangers_words(path: Path, root: Path) -> Iterator[tuple[int, str, bool]]:
    """(offset, expression, whether its direction is isolated) of every word of strangers that stands in a text."""
    ours = OURS.get(str(path.relative_to(root)), set())
    stack: list[tuple[str, bool]] = []
    opening: list[str] = []  # the name and the attributes of a tag that is not closed yet
    plain, is_variable = 0, False
    at = 0
    for piece in _TOKEN.split(path.read_text(encoding="utf-8")):
        if piece.startswith("{%"):
            words = piece[2:-2].split()
            if plain and words[0] in ("block", "endblock"):
                plain += 1 if words[0] == "block" else -1
            elif words[0] == "block" and words[1] in _PLAIN:
                plain = 1
            elif words[0] in ("blocktranslate", "endblocktranslate"):
                is_variable = "asvar" in words
        elif piece.startswith("{{"):
            name = piece[2:-2].split("|")[0].strip()
            hidden = any(tag in ("script", "style", "title", "option", "textarea", "pre", "code") for tag, _on in stack)
            if (
                not opening
                and not plain
                and not is_variable
                and not hidden
                and STRANGERS.match(name)
                and name not in ours
            ):
                yield at, name, any(isolates for _tag, isolates in stack)
        elif not piece.startswith("{#"):
            _read_tags(piece, stack, opening)
        if opening and piece.startswith("{"):
            opening.append(piece)
        at += len(piece)


def _read_tags(text: str, stack: list[tuple[str, bool]], opening: list[str]) -> None:
    """Follows tags through a piece of plain HTML; attributes may hold template tags, so a tag may span pieces."""
    last = 0
    for found in _TAG.finditer(text):
        if opening and not found[3]:
            continue
        if found[3] and opening:
            attributes = "".join(opening[1:]) + text[last : found.start()]
            if not attributes.rstrip().endswith("/") and opening[0] not in VOID:
                stack.append((opening[0], opening[0] == "bdi" or 'dir="auto"' in attributes))
            opening.clear()
        elif found[1]:
            for depth in range(len(stack) - 1, -1, -1):
                if stack[depth][0] == found[2]:
                    del stack[depth:]
                    break
        elif found[2]:
            opening.append(found[2])
        last = found.end()
    if opening:
        opening.append(text[last:])
