"""Names and prose use the field's standard terms; words of our own do not come back."""

import re
import subprocess

import pytest

from tests.services import ROOT

# What each used to mean: the term to write instead.
REPLACED = {
    r"hung|hangs?|unhung|hanging": "published",
    r"doer": "actor",
    r"told": "notified, or say it in other words",
    r"sync_display": "refresh_visibility",
    r"folding|fold_counts_of": "counters",
    r"Tally|tallies": "counts",
    r"StaleCount": "RecountRequest",
    r"RankFall": "RankDrop",
    r"PostHour": "PostHourlyStats",
    r"Shelf": "PipelineCache",
    r"orphans?": "garbage",
    r"judged|judging": "quality flags, votes",
    r"duels?": "model comparisons",
    r"patience|patiently": "retry",
    r"twice is once": "Idempotent.",
    r"luck": "relative like rate",
    r"house|rungs?|ladder|rooms?|doors?": "project, layer, package, API",
}
# Files whose words are data (what pictures show, what moderation looks for), records of the previous version, or this
# list itself.
LEFT_OUT = (
    "starter/",
    "tests/starter/",
    "tests/upgrade/",
    "moderation/screening/words.toml",
    "ratings/simulation/scenario.py",
    "docs/contracts.md",
    "tests/config/test_vocabulary.py",
)
TEXT = (".py", ".md", ".html", ".js", ".css", ".toml", ".yaml", ".txt")


def _files() -> list[str]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [
        name
        for name in names.splitlines()
        if name.endswith(TEXT) and "/migrations/" not in name and not name.startswith(LEFT_OUT)
    ]


def _contracts() -> re.Pattern[str]:
    """The names that docs/contracts.md lists: they keep their spelling."""
    names = re.findall(r"`([^`]+)`", (ROOT / "docs" / "contracts.md").read_text())
    return re.compile("|".join(rf"\b{re.escape(name)}" for name in sorted(names, key=len, reverse=True)))


@pytest.mark.parametrize(("words", "instead"), REPLACED.items())
def test_a_word_of_our_own_does_not_come_back(words: str, instead: str) -> None:
    pattern = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])", re.IGNORECASE)
    contracts = _contracts()
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name in _files()
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if pattern.search(line) and pattern.search(contracts.sub("", line))
    ]
    assert not found, f"write “{instead}”:\n" + "\n".join(found)
