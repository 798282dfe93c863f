"""How fast texts are screened: prompts of 10,000 characters, and the worst texts up to 100,000.

    python -m benchmarks.screening [--quick]

Time is the processor's for this process alone. The last line is JSON: `text_p99_ms`, and `growth`, the largest factor
between the times of 10,000 and 100,000 characters of one kind (10 is linear). `benchmarks.moderation` prints the first
beside its own figures.
"""

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django

django.setup()

from moderation.models import Rule  # noqa: E402
from moderation.screening.checkers.rules import Compiled, RuleSet, compile_rule, observe  # noqa: E402
from moderation.screening.coarse_words import coarse_words, innocent_phrases  # noqa: E402
from moderation.screening.matching import build_oracle  # noqa: E402
from moderation.screening.normalisation import readings  # noqa: E402

WORST = {
    "underscores": lambda n: "_" * n + "ab",
    "spelled out": lambda n: "n u d e " * (n // 8),
    "dotted": lambda n: "a." * (n // 2),
    "open brackets": lambda n: "((((" * (n // 4),
    "weights": lambda n: "(a:1.1)" * (n // 7),
    "leetspeak": lambda n: "n4k3d " * (n // 6),
    "other leetspeak each time": lambda n: " ".join(f"x{i}z4q3" for i in range(n // 9)),
    "no spaces": lambda n: "naked" * (n // 5),
    "invisible": lambda n: "n\u200bu\u200b" * (n // 4),
    "other letters": lambda n: "ᴀꓐ🄲" * (n // 3),
    "marks": lambda n: "a" + "\u0336" * n,
}
SIZES = [1_000, 10_000, 100_000]
_TEXT = """
a portrait of an old fisherman with weathered skin and kind eyes standing on a wooden pier at golden hour film grain
85mm f/1.4 (masterpiece:1.2) best quality intricate details soft light volumetric fog in the style of Rembrandt
baroque oil painting museum cobblestone street n4tural h0t-air balloon naïve café Zürich Straße el niño cyberpunk
kaleidoscope bioluminescent jellyfish steampunk astronaut vaporwave cottagecore nudibranch
"""
WORDS = _TEXT.split()


def load_rules() -> RuleSet:
    """The rules that come with Salon, without a database."""
    from importlib import import_module

    values = import_module("moderation.migrations._starting_rules_2026_12").RULES
    rules: tuple[Compiled, ...] = tuple(compile_rule(Rule(**each)) for each in values)
    return RuleSet("1", rules, build_oracle([rule.matcher for rule in rules], coarse_words()))


def screen(rules: RuleSet, text: str) -> None:
    """What both text checkers do with one text, apart from the query for the rules' version."""
    seen = readings(text, rules.oracle)
    observe(rules, seen)
    for reading in seen:
        innocent_phrases().sub(" ", reading.text).split()


def timed(work: Callable[[], None]) -> float:
    """Milliseconds of the process: other processes of the machine do not count."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def measure_texts(rules: RuleSet, count: int) -> float:
    """The 99th percentile in ms for texts of 10,000 characters, all different."""
    rng = random.Random(1)
    taken = []
    screen(rules, " ".join(WORDS))  # builds automata and tables
    for _ in range(count):
        text = ""
        while len(text) < 10_000:
            text += rng.choice(WORDS) + rng.choice([" ", " ", " ", ", "])
        taken.append(timed(lambda text=text[:10_000]: screen(rules, text)))  # type: ignore[misc]
    print(f"10,000 characters: median {statistics.median(taken):.2f} ms")
    return statistics.quantiles(taken, n=100)[-1]


def fastest(rules: RuleSet, text: str) -> float:
    """Milliseconds, the best of three."""
    return min(timed(lambda: screen(rules, text)) for _ in range(3))


def measure_worst(rules: RuleSet) -> float:
    """Prints ms by size for each worst text; returns the largest growth of time from 10,000 to 100,000 characters."""
    growth = 0.0
    for name, make in WORST.items():
        taken = [fastest(rules, make(size)) for size in SIZES]  # type: ignore[no-untyped-call]
        growth = max(growth, taken[2] / max(taken[1], 0.5))
        print(f"{name:>26}: " + "  ".join(f"{size:,}: {ms:.1f} ms" for size, ms in zip(SIZES, taken, strict=True)))
    return growth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer texts")
    quick = parser.parse_args().quick
    rules = load_rules()
    p99 = measure_texts(rules, 100 if quick else 400)
    growth = measure_worst(rules)
    print(f"10 times the length takes at most {growth:.1f} times as long")
    print(json.dumps({"text_p99_ms": round(p99, 2), "growth": round(growth, 1)}))


if __name__ == "__main__":
    main()
