"""The commands that the documentation shows exist, with the options that it names."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import celery.bin.celery
import pytest
import uvicorn
from django.core.management import CommandError, get_commands, load_command_class

from tests.services import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "starter" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = {"", "sh", "bash"}


def _blocks(page: Path) -> list[str]:
    """Shell blocks, fenced or indented, with continued lines joined."""
    text = page.read_text()
    fenced = [body for language, body in FENCE.findall(text) if language in SHELL]
    indented = re.findall(r"(?:^ {4}\S.*\n)+", FENCE.sub("", text), re.MULTILINE)
    return [re.sub(r"\\\n\s*|\n {8,}", " ", block) for block in [*fenced, *indented]]


def _commands(page: Path) -> Iterator[tuple[list[str], bool]]:
    """The words of each command that the page names, and whether it stands in a block, whole."""
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", page.read_text()))
    lines = [line for block in _blocks(page) for line in block.splitlines()]
    for text, is_whole in [*((span, False) for span in spans), *((line, True) for line in lines)]:
        for part in text.split("&&"):
            command = re.split(r"\s#|\S\s{3,}\S", part.strip())[0] if not is_whole else _without_remark(part)
            try:
                yield shlex.split(re.sub(r"<[^>]+>|…|\bN\b", "1", command).replace("[", "").replace("]", "")), is_whole
            except ValueError:
                continue  # an apostrophe: prose


def _without_remark(line: str) -> str:
    return re.split(r"\s+#|(?<=\S)\s{3,}(?=\S)", line.strip())[0]


def _trouble(words: list[str], is_whole: bool) -> str | None:
    if any(word.endswith("manage.py") for word in words[:2]):
        index = next(number for number, word in enumerate(words) if word.endswith("manage.py"))
        return _trouble_of_manage(words[index + 1 :], is_whole)
    if words[1:2] == ["-m"] and words[0].endswith("python") and len(words) > 2:
        name = words[2] if words[2] not in {"celery", "pytest"} else "celery"
        return None if importlib.util.find_spec(name) else f"no module {words[2]}"
    known: dict[str, Any] = {"uvicorn": uvicorn.main}
    if words[:1] == ["celery"] and "-A" in words:
        name = next((word for word in words[3:] if not word.startswith("-")), "")
        known["celery"] = celery.bin.celery.celery.commands.get(name)
        words = [words[0], *words[3:]]
    if words and words[0] in known:
        if known[words[0]] is None:
            return "no such command of Celery"
        options = {option for each in known[words[0]].params for option in [*each.opts, *each.secondary_opts]}
        return next((f"no option {word}" for word in words if word.startswith("-") and word not in options), None)
    if words[:1] == ["make"] and len(words) > 1:
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return None if words[1] in targets or "=" in words[1] else f"no target {words[1]}"
    return None


def _trouble_of_manage(words: list[str], is_whole: bool) -> str | None:
    if not words:
        return None
    app = get_commands().get(words[0])
    if app is None:
        return f"no command {words[0]}"
    command = load_command_class(app, words[0]) if isinstance(app, str) else app
    parser = command.create_parser("manage.py", words[0])
    options = [word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)]
    if unknown := [option for option in options if option not in parser._option_string_actions]:
        return f"no option {unknown[0]}"
    if is_whole:
        try:
            parser.parse_args(words[1:])
        except (CommandError, SystemExit) as error:
            return str(error)
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_exist_with_their_options(page: Path) -> None:
    found = {" ".join(words): _trouble(words, is_whole) for words, is_whole in _commands(page) if words}
    assert {command: trouble for command, trouble in found.items() if trouble} == {}
