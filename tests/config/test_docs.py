"""What the documentation says about files is true."""

import re
from pathlib import Path

import pytest

from tests.services import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_STOPS = 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_by_their_path_exist(page: Path) -> None:
    paths = re.findall(
        r"`((?:config|ratings|feed|generation|moderation|accounts|lib|templates)/[\w/.]+)`", page.read_text()
    )
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_a_prompt_can_be_followed_to_a_release_in_a_few_stops_each_a_file() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    stops = re.findall(r"^\d+\. `([^`]+)`", text.split("<!-- stops -->")[1].split("<!-- /stops -->")[0], re.MULTILINE)
    assert len(stops) <= MOST_STOPS
    assert [stop for stop in stops if not (ROOT / stop).is_file()] == []
    assert stops[0].endswith("create.html")
    assert stops[-1].startswith("ratings/releases/")
