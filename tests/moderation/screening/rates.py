"""Rates of the text gate on tables of phrases: innocents that are stopped, and evasions that pass.

``python -m tests.moderation.screening.rates [innocents.json evasions.json]`` prints them by group with every wrong
one, on the database of the settings in force. A table maps a group to its phrases; a group's name says where they stand
(“user names”, “comments and titles”, “tags”), and is a prompt otherwise.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

TABLES = Path(__file__).parent / "tables"
INNOCENTS, EVASIONS = TABLES / "innocents.json", TABLES / "evasions.json"


@dataclass
class Rates:
    """`wrong` holds (group, phrase)."""

    tried: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    by_group: dict[str, tuple[int, int]] = field(default_factory=dict)  # wrong, tried

    @property
    def share(self) -> float:
        return len(self.wrong) / self.tried if self.tried else 0.0


def measure(table: Path) -> Rates:
    """Whether each innocent phrase passes without a question, or each evasion is stopped or marked as mature."""
    from lib.content_levels import ContentLevel
    from moderation.screening.services import screen_text

    rates, is_evasions = Rates(), "evasions" in table.name
    for group, phrases in json.loads(table.read_text(encoding="utf-8")).items():
        before = len(rates.wrong)
        for phrase in phrases:
            verdict = screen_text(text=phrase, kind=_kind(group))
            is_caught = not verdict.is_allowed or verdict.level >= ContentLevel.MATURE
            if not is_caught if is_evasions else not verdict.is_allowed:
                rates.wrong.append((group, phrase))
        rates.tried += len(phrases)
        rates.by_group[group] = (len(rates.wrong) - before, len(phrases))
    return rates


def _kind(group: str) -> str:
    if "names" in group:
        return "name"
    return "comment" if "comment" in group or "title" in group.split() else "prompt"


def print_rates(tables: list[Path]) -> None:
    """One line for each group and one for each wrong phrase; the innocents first."""
    for table in tables:
        rates = measure(table)
        for group, (wrong, tried) in rates.by_group.items():
            print(f"  {group}: {wrong} of {tried}")
        what = "evasions missed" if "evasions" in table.name else "innocents stopped"
        print(f"{what}: {len(rates.wrong)} of {rates.tried} ({rates.share:.1%})")
        for group, phrase in rates.wrong:
            print(f"    {group}: {phrase!r}")


if __name__ == "__main__":
    import django

    django.setup()
    print_rates([Path(name) for name in sys.argv[1:]] or [INNOCENTS, EVASIONS])
