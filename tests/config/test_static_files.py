"""Static files: collected again as soon as one of them changes, and not before."""

import re
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from config import static_files
from tests.services import ROOT


@pytest.fixture
def own_files(tmp_path: Path, settings: Settings) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.static_files.StaticStorage"}}
    return folder


def test_a_changed_file_is_collected_at_the_next_start_and_an_unchanged_one_is_not(
    own_files: Path, settings: Settings
) -> None:
    (own_files / "site.css").write_text("a { color: red }")
    assert not static_files.is_collected()
    assert static_files.collect_changed()
    assert static_files.is_collected()
    assert not static_files.collect_changed()
    (own_files / "site.css").write_text("a { color: blue }")
    assert static_files.collect_changed()
    found = [file.read_text() for file in settings.STATIC_ROOT.glob("site.*.css")]
    assert "a { color: blue }" in found


def test_the_page_preloads_every_module_that_main_imports() -> None:
    scripts, imported = ROOT / "static" / "js", set[str]()
    waiting = ["main.js"]
    while waiting:
        text = (scripts / waiting.pop()).read_text()
        new = set(re.findall(r"^import (?:.* from )?'\./([\w/-]+\.js)'", text, re.MULTILINE)) - imported
        imported |= new
        waiting += new
    listed = re.findall(r"js/([\w/-]+\.js)", (ROOT / "templates" / "_preloads.html").read_text())
    assert sorted(listed) == sorted(imported)
