"""Diffusion-DPO on the starter checkpoint: does it learn a taste that all raters share?

    python -m benchmarks.alignment [--prompts 150] [--steps 200] [--keep FOLDER]

Draws two pictures of each prompt with the starter, prefers the brighter one (one answer in ten says the opposite),
and aligns the starter with these pairs. Printed: implicit preference accuracy on prompts that were not trained on,
and how bright the pictures of both checkpoints are.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
BATCH = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=150)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="where the release and the aligned checkpoint stay")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    with tempfile.TemporaryDirectory(prefix="salon-align-") as scratch:
        run(options.keep or Path(scratch), options.prompts, options.steps)


def words(count: int, seed: int = 0) -> list[str]:
    """Prompts in the words that the starter was trained on."""
    from starter import captions

    rng = random.Random(seed)
    lines = (ROOT / "starter" / "nouns.txt").read_text("utf-8").splitlines()
    nouns = [line.split("|")[1].strip() for line in lines if "|" in line and not line.startswith("#")]
    colours = list(captions.COLOURS)
    found: dict[str, None] = {}
    while len(found) < count:
        found[f"{rng.choice(nouns[: captions.LISTED])} on a {rng.choice(colours)} background"] = None
    return list(found)


def draw(location: str, prompts: list[str], seed: int) -> list[Any]:
    from generation import pipelines

    pictures: list[Any] = []
    for start in range(0, len(prompts), BATCH):
        part = prompts[start : start + BATCH]
        job = pipelines.Job(
            source=pipelines.Source(location),
            prompts=part,
            negative_prompts=[""] * len(part),
            seeds=[seed * 100_000 + start + n for n in range(len(part))],
            width=64,
            height=64,
            steps=12,
            guidance=3.0,
        )
        pictures += pipelines.draw(job, on_step=lambda _step, _previews: None)
    return pictures


def run(folder: Path, prompts: int, steps: int) -> None:
    from generation.models import Checkpoint
    from ratings.alignment import examples, running, training

    started = time.perf_counter()
    chosen = words(prompts)
    sides = [draw("starter", chosen, seed) for seed in (1, 2)]

    def drawn() -> Iterator[tuple[str, Any, Any]]:
        yield from zip(chosen, *sides, strict=True)

    counts = examples.write_examples(folder / "salon-pickapic-examples", drawn())
    ready = time.perf_counter()
    base = Checkpoint(slug="starter", name="Salon starter", source="starter")
    settings = training.Settings(steps=steps)
    done = running.align(
        base,
        folder / "salon-pickapic-examples",
        folder / "aligned",
        settings=settings,
        told=lambda step, loss: print(f"step {step}: loss {loss:.3f}", file=sys.stderr) if step % 20 == 0 else None,
    )
    fresh = words(2 * BATCH, seed=1)
    light = {
        name: sum(map(examples.brightness, draw(location, fresh, 3))) / len(fresh)
        for name, location in (("starter", "starter"), ("aligned", str((folder / "aligned").resolve())))
    }
    print(f"{counts}; drawn in {ready - started:.0f} s, aligned in {time.perf_counter() - ready:.0f} s")
    print(f"before {done.before}\nafter  {done.after}")
    print(f"mean brightness of {len(fresh)} new pictures: " + ", ".join(f"{n} {v:.1f}" for n, v in light.items()))
    print(json.dumps({"benchmark": "alignment", "before": done.before.share, "after": done.after.share,
                      "low": done.after.low, "high": done.after.high, "brightness": light}))  # fmt: skip


if __name__ == "__main__":
    main()
