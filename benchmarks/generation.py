"""Batching against one at a time: the same pictures by the same pipeline, in the same run.

    python -m benchmarks.generation [--quick] [--checkpoint FOLDER]

Prints a table, and one JSON object as its last line. Ratios compare within a run, so that a busy machine slows both
sides. Without a checkpoint the starter is used where it is assembled, else a toy of random weights.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PROMPT = "a cat on a red background"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and repeats: under a minute")
    parser.add_argument("--checkpoint", type=Path, help="a diffusers folder")
    return parser.parse_args()


def _folder(asked: Path | None) -> Path:
    starter = ROOT / "var" / "checkpoints" / "starter"
    if asked is not None or (starter / "model_index.json").exists():
        return (asked or starter).resolve()
    from tests.generation import tiny

    return tiny.build(Path(tempfile.mkdtemp()) / "tiny")


def _seconds(count: int, steps: int, folder: Path, size: list[int]) -> tuple[float, list[Any]]:
    """Wall seconds for `count` pictures in one call, and the pictures."""
    from generation.engines.base import Job, Source
    from generation.engines.diffusers.drawing import draw

    job = Job(
        source=Source(str(folder)),
        prompts=[PROMPT] * count,
        negative_prompts=[""] * count,
        seeds=list(range(count)),
        width=size[0],
        height=size[1],
        steps=steps,
        guidance=3.0,
    )
    began = time.perf_counter()
    pictures = draw(job, on_step=lambda _step, _previews: None)
    return time.perf_counter() - began, pictures


def _row(batch: int, steps: int, repeats: int, folder: Path, size: list[int]) -> dict[str, Any]:
    """One line: images a second alone and together, medians over `repeats` taken in turns."""
    alone, together, difference = [], [], 0
    for _repeat in range(repeats):
        one, first = _seconds(1, steps, folder, size)
        many, pictures = _seconds(batch, steps, folder, size)
        alone.append(1 / one)
        together.append(batch / many)
        apart = np.abs(np.asarray(first[0]).astype(int) - np.asarray(pictures[0]).astype(int))
        difference = max(difference, int(apart.max()))
    single, batched = statistics.median(alone), statistics.median(together)
    return {
        "batch": batch,
        "steps": steps,
        "alone_per_s": round(single, 3),
        "batched_per_s": round(batched, 3),
        "ratio": round(batched / single, 3),
        "largest_difference": difference,
    }


def main() -> int:
    arguments = _arguments()
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from generation.engines.base import Source
    from generation.engines.diffusers.cache import pipeline_cache
    from generation.engines.diffusers.loading import device, native_size

    folder = _folder(arguments.checkpoint)
    loaded = pipeline_cache().get(Source(str(folder)))
    size = native_size(loaded)
    steps, batches, repeats = (4, (2, 4), 2) if arguments.quick else (20, (2, 4, 8), 3)
    _seconds(max(batches), 2, folder, size)  # the first call of a shape allocates
    print(f"{folder.name} at {size[0]} x {size[1]} px, {steps} steps, on {device()}\n")
    print(f"{'batch':>6} {'alone/s':>9} {'batched/s':>10} {'ratio':>7} {'apart':>6}")
    rows = []
    for batch in batches:
        row = _row(batch, steps, repeats, folder, size)
        rows.append(row)
        figures = f"{row['alone_per_s']:>9.2f} {row['batched_per_s']:>10.2f} {row['ratio']:>7.2f}"
        print(f"{batch:>6} {figures} {row['largest_difference']:>6}", flush=True)
    result = {"benchmark": "generation", "checkpoint": folder.name, "device": device(), "size": size}
    print(json.dumps({**result, "rows": rows, "best_ratio": max(row["ratio"] for row in rows)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
