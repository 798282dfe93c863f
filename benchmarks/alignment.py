"""From answers to a better checkpoint: does `manage.py align` learn a preference common to all raters?

    python -m benchmarks.alignment [--quick] [--prompts 570] [--votes 18] [--steps 100] [--keep FOLDER]

A site of its own: the starter draws each prompt with little guidance and with much, from one seed, in the worker's own
code; they are published, and fourteen people compare the pairs that Compare draws for them, each preferring the lighter
picture (one answer in ten says the opposite). That happens in waves, for Compare asks about the newest pictures alone.
A release is built, `align` learns from it with its own settings and registers what it learnt; both checkpoints draw
prompts that nobody was asked about, and fourteen other people compare the two blind.
Printed: implicit preference accuracy on the release's `validation` split before and after, on the same noise, and the
improvement, each with its interval; how often the aligned checkpoint wins, and how light the pictures of both are.
Settings were chosen on pictures of other prompts (without tints), before any run of this.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.local import services  # noqa: E402

RATERS, WAVE, FRESH = 14, 190, 32
GUIDANCE = (1.0, 5.0)
ROWS = ("before", "after", "rise")
SECRET = "the same splits in every run of this benchmark"  # noqa: S105


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="16 prompts and 2 steps: it runs, and learns nothing")
    parser.add_argument("--prompts", type=int, default=570)
    parser.add_argument("--votes", type=int, default=18, help="of each of the fourteen raters in each wave")
    parser.add_argument("--steps", type=int, help="of training (default: the command's own)")
    parser.add_argument("--keep", type=Path, help="where the release and the aligned checkpoint stay")
    options = parser.parse_args()
    if options.quick:
        options.prompts, options.votes, options.steps = 16, 2, 2
    with tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        with services(folder) as variables:
            site = {"VAR_DIR": scratch, "CHECKPOINTS_DIR": str(ROOT / "var" / "checkpoints"), "RELEASE_SECRET": SECRET}
            site |= {"MAX_PENDING_IMAGES": "1000"}
            os.environ.update({**variables, **site, "DJANGO_SETTINGS_MODULE": "config.settings"})
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            report(run(options.keep or folder, options))


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    from django.core.management import call_command

    from benchmarks.support import alignment_site as site
    from generation.models import Checkpoint

    spent: dict[str, float] = {}
    site.open_site()
    makers, raters = site.people("maker", site.MAKERS), site.people("rater", RATERS)
    starter = Checkpoint.objects.get(slug="starter")
    release, aligned = folder / "salon-pickapic-bright", folder / "starter-aligned"
    words = site.prompts(options.prompts + min(FRESH, options.prompts))
    asked, fresh = words[: options.prompts], words[options.prompts :]
    for start in range(0, len(asked), WAVE):
        wave = asked[start : start + WAVE]
        _step(spent, "draw", lambda: [site.publish_pictures(makers, starter, wave, much) for much in GUIDANCE])  # noqa: B023
        _step(spent, "compare", lambda: site.answer_pairs(raters, options.votes, start))  # noqa: B023
    _step(spent, "release", lambda: call_command("build_release", str(release), "--kinds", "pairs"))
    arguments = ["--release", str(release), "--checkpoint", "starter", "--out", str(aligned)]
    arguments += [] if options.steps is None else ["--steps", str(options.steps)]
    _step(spent, "align", lambda: call_command("align", *arguments))
    facts = json.loads((aligned / "alignment.json").read_text("utf-8"))
    checkpoints = [starter, Checkpoint.objects.get(slug="starter-aligned")]
    drawn = {each.slug: site.publish_pictures(makers, each, fresh) for each in checkpoints}
    wins = site.answer_pairs(site.people("stranger", RATERS), options.votes, -1)
    light = {slug: statistics.fmean(map(site.light_of, images)) for slug, images in drawn.items()}
    rows = {name: facts[f"validation_{name}"] for name in ROWS}
    return {"validation": rows, "settings": facts["settings"], "seconds": spent, "wins": dict(wins), "light": light}


def _step(spent: dict[str, float], name: str, work: Any) -> None:
    started = time.perf_counter()
    work()
    spent[name] = round(spent.get(name, 0) + time.perf_counter() - started, 1)


def report(found: dict[str, Any]) -> None:
    print("  ".join(f"{name} {seconds} s" for name, seconds in found["seconds"].items()))
    print(f"{'validation':<12}{'accuracy':>10}{'95 %':>18}{'pairs':>8}")
    for name, row in found["validation"].items():
        print(f"{name:<12}{row['share']:>10.1%}{row['low']:>10.1%} –{row['high']:>6.1%}{row['pairs']:>8}")
    total = sum(found["wins"].values())
    for slug, won in found["wins"].items():
        print(f"blind, {slug}: preferred in {won} of {total}; mean brightness {found['light'][slug]:.1f}")
    print(json.dumps({"benchmark": "alignment", **found}))


if __name__ == "__main__":
    main()
