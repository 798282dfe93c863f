"""The commands that the documentation shows exist with the options it names, and its shell blocks run as written."""

import importlib.util
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import celery.bin.celery
import psycopg
import pytest
import uvicorn
from django.core.management import CommandError, get_commands, load_command_class

from generation.models import Image
from tests import processes
from tests.config.test_backups import elsewhere  # noqa: F401 - a fixture
from tests.ratings.releases.community import community, make_pair  # noqa: F401 - fixtures
from tests.services import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "starter" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = {"", "sh", "bash"}
# Blocks that a test run cannot run, by their first words.
ELSEWHERE = {
    "make demo": "runs until Ctrl-C: tests/config/test_local.py and deploy/bare-machine.sh run it",
    "make setup": "runs until Ctrl-C: tests/config/test_supervisor.py runs it",
    "python manage.py register_checkpoint": "downloads SDXL",
}
RUN_PAGES = ["README.md", "docs/operating.md", "docs/backups.md"]


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


def _to_run() -> list[str]:
    found = []
    for name in RUN_PAGES:
        for language, body in FENCE.findall((ROOT / name).read_text()):
            if language in SHELL and not any(body.startswith(first) for first in ELSEWHERE):
                found.append(body)
    return found


@pytest.mark.long
@pytest.mark.timeout(900)
def test_shell_blocks_run_as_they_are_written(
    transactional_db: None, community: Any,  # noqa: F811
    media: Path, s3_variables: dict[str, str], tmp_path: Path,
    elsewhere: str,  # noqa: F811
) -> None:  # fmt: skip
    """Backups are written to a folder and to a bucket, restored into another database, and a release is exported."""
    written = {"/mnt/backups": str(tmp_path / "backups"), "s3://salon-backups": f"s3://{s3_variables['S3_BUCKET']}",
               "OUT": str(tmp_path / "release")}  # fmt: skip
    own = {"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "VAR_DIR": str(tmp_path)}
    blocks = _to_run()
    assert [
        block for block in blocks if "backup /mnt" in block or "restore" in block or "build_release" in block
    ] == blocks
    for block in sorted(blocks, key=lambda block: "restore" in block):
        is_restore = "restore" in block
        own["VAR_DIR"] = str(tmp_path / "there" if is_restore else tmp_path)
        more = {"DATABASE_URL": elsewhere} if is_restore else {} if "build_release" in block else s3_variables
        script = re.sub("|".join(written), lambda match: written[match[0]], block)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=processes.environ() | own | more,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    with psycopg.connect(elsewhere) as there:
        assert there.execute("SELECT count(*) FROM generation_image").fetchone() == (Image.objects.count(),)
