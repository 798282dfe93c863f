"""The figures of the model card, written from `scores.json` and never by hand."""

import json
from pathlib import Path
from typing import Any

from starter.assemble import WEIGHTS

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


def write_card(path: Path, scores: dict[str, Any]) -> None:
    """Put the figures between the card's two marks; a folder without a card is left alone."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{figures(scores)}\n{END}{after}", encoding="utf-8")


def figures(scores: dict[str, Any]) -> str:
    """The tables and the captions of the grid, as Markdown."""
    nouns, grounds = scores["nouns"], scores["backgrounds"]
    never = ", ".join(word for word, seeds in nouns["hits"].items() if not seeds)
    settings = f"{scores['steps']} steps, guidance {scores['guidance']:g}, seeds {', '.join(map(str, scores['seeds']))}"
    lines = [
        f"Version `{str(scores['version'])[:12]}`, {settings}.{_training()}",
        "",
        "| what | score |",
        "|---|---|",
        f"| the noun's sprite is the nearest of 50, {nouns['of']} pictures | {nouns['top_1']:.1%} |",
        f"| it is among the nearest five | {nouns['top_5']:.1%} |",
        f"| backgrounds followed, of {grounds['of']} | {grounds['followed']} |",
        f"| in those pictures the nearest sprite is a cat | {grounds['cats']:.0%} |",
        *_held_out(scores.get("held_out", {})),
        "",
        f"Nouns that no seed drew: {never or 'none'}.",
        "",
        "The grid, row by row: " + "; ".join(f"“{text}”" for text in scores["grid"]) + ".",
    ]
    return "\n".join(lines)


def _held_out(scores: dict[str, Any]) -> list[str]:
    if not scores:
        return []
    ground, tint, pair = scores["background"], scores["tint"], scores["pair"]
    return [
        f"| held-out noun and background: colour followed | {ground['colour']:.0%} |",
        f"| held-out noun and background: noun nearest | {ground['noun']:.0%} |",
        f"| held-out noun and tint: noun nearest among tinted sprites | {tint['noun']:.0%} |",
        f"| held-out pair: each half's noun nearest | {pair['noun']:.0%} |",
    ]


def _training() -> str:
    path = WEIGHTS / "training.json"
    if not path.exists():
        return ""
    facts = json.loads(path.read_text())
    return f" The denoiser was trained for {facts['denoiser_steps']:,} steps in {facts['denoiser_minutes']} minutes."
