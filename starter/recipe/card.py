"""The figures of the model card: `python -m starter.recipe.card --scores FOLDER --card README.md`.

Reads what `starter.recipe.evaluate` wrote: new.json, and old.json and fast.json where they are there.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starter.card import BEGIN, END

NAMES = {"new": "this checkpoint", "fast": "few steps", "old": "the old starter"}
WANTED = {
    "noun": 0.9,
    "place": 0.85,
    "light": 0.85,
    "background": 0.85,
    "tint": 0.85,
    "both": 0.6,
}
"""What a score should reach; held-out combinations of noun, place, light and colour 0.75."""
WANTED_HELD_OUT = 0.75

Scores = Mapping[str, Any]


def main() -> None:
    """Write the figures between the card's two marks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, default=Path("var/starter/scores"))
    parser.add_argument("--card", type=Path, default=Path(__file__).with_name("README.md"))
    options = parser.parse_args()
    found = {name: options.scores / f"{name}.json" for name in NAMES}
    scores = {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}
    before, rest = options.card.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    options.card.write_text(f"{before}{BEGIN}\n{figures(scores)}\n{END}{after}", encoding="utf-8")


def figures(scores: Mapping[str, Scores]) -> str:
    """A table with a column for each checkpoint, the judge's own limit, and what was wanted; as Markdown."""
    settings = "; ".join(
        f"{NAMES[name]}: version `{str(each['version'])[:12]}`, {each['steps']} steps, guidance {each['guidance']:g}"
        for name, each in scores.items()
    )
    header = ["what", *(NAMES[name] for name in scores), "our renderings", "wanted"]
    rows = [*_nearest_rows(scores), *_group_rows(scores), *_other_rows(scores)]
    table = [_row(header), _row(["---"] * len(header)), *(_row(row) for row in rows)]
    missed = next(iter(scores.values()))["nearest"]["missed"]
    return "\n".join([f"{settings}.", "", *table, "", f"Nouns that a seed missed: {', '.join(missed) or 'none'}."])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _nearest_rows(scores: Mapping[str, Scores]) -> list[list[str]]:
    nearest = [each["nearest"] for each in scores.values()]
    return [
        ["the noun's artwork is the nearest of all", *(f"{each['top_1']:.0%}" for each in nearest), "–", "≥ 90%"],
        ["the same, of the first fifty", *(f"{each['top_1_of_first_fifty']:.0%}" for each in nearest), "–", "–"],
    ]


def _group_rows(scores: Mapping[str, Scores]) -> list[list[str]]:
    """A row for each of the judge's answers in each group of scenes."""
    first = next(iter(scores.values()))["groups"]
    rows = []
    for group, found in first.items():
        for answer, limit in found["rendered"].items():
            cells = [f"{each['groups'][group]['drawn'][answer]:.0%}" for each in scores.values()]
            rows.append([f"{group}: {answer}", *cells, f"{limit:.0%}", _wanted(group, answer)])
    return rows


def _wanted(group: str, answer: str) -> str:
    if answer not in WANTED:
        return "–"
    share = WANTED_HELD_OUT if "held out" in group and answer != "both" else WANTED[answer]
    return f"≥ {share:.0%}"


def _other_rows(scores: Mapping[str, Scores]) -> list[list[str]]:
    columns = list(scores.values())
    changes = [each["img2img"] for each in columns]
    return [
        ["sharpness, of our renderings", *(f"{each['sharpness']:.2f}" for each in columns), "1", "≥ 0.7"],
        ["Fréchet distance in the judge's features", *(f"{each['frechet']:.1f}" for each in columns), "–", "–"],
        ["seconds a picture", *(_seconds(each["seconds"]) for each in columns), "–", "≤ 3, draft ≤ 1"],
        ["largest difference of a batch, 0-255", *(f"{each['batch_difference']:.0f}" for each in columns), "–", "≤ 1"],
        ["changed at strength 0.3, same noun and place", *(f"{each['same']:.0%}" for each in changes), "–", "–"],
    ]


def _seconds(found: Mapping[str, float]) -> str:
    return ", ".join(f"{seconds:.2f} at {steps} steps" for steps, seconds in found.items())


if __name__ == "__main__":
    main()
