"""From answers to a better checkpoint: does `manage.py align` learn a taste that all raters share?

    python -m benchmarks.alignment [--quick] [--prompts 80] [--votes 40] [--steps 100] [--keep FOLDER]

A site of its own: the starter draws two seeds of each prompt with little guidance and with much, in the worker's own
code, they are published, and fourteen people compare pairs of one seed that Compare draws for them, each preferring the
more colourful picture (one answer in ten says the opposite). A release is built, `align` learns from it and registers
what it learnt; both checkpoints draw prompts that were not trained on, and fourteen other people compare the two blind.
Told: implicit preference accuracy on the release's `validation` split before and after, with its interval, how often
the aligned checkpoint wins, and how colourful the pictures of both are.
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

RATERS, EACH = 14, 2
GUIDANCE = (1.0, 5.0)
SECRET = "the same splits in every run of this benchmark"  # noqa: S105


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 prompts and 4 steps: it runs, and learns little")
    parser.add_argument("--prompts", type=int, default=80)
    parser.add_argument("--votes", type=int, default=40, help="of each of the fourteen raters")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--keep", type=Path, help="where the release and the aligned checkpoint stay")
    options = parser.parse_args()
    prompts, votes, steps = (20, 6, 4) if options.quick else (options.prompts, options.votes, options.steps)
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
            report(run(options.keep or folder, prompts, votes, steps))


def run(folder: Path, prompts: int, votes: int, steps: int) -> dict[str, Any]:
    from django.core.management import call_command

    from benchmarks import _alignment as site
    from generation.models import Checkpoint

    spent: dict[str, float] = {}
    site.open_site()
    makers = site.people("maker", site.MAKERS)
    starter = Checkpoint.objects.get(slug="starter")
    release, aligned = folder / "salon-pickapic-taste", folder / "starter-aligned"
    _step(
        spent, "draw", lambda: [site.hang(makers, starter, site.prompts(prompts, 0), EACH, much) for much in GUIDANCE]
    )
    _step(spent, "judge", lambda: site.judge(site.people("rater", RATERS), votes, 1))
    _step(spent, "release", lambda: call_command("build_release", str(release), "--kinds", "pairs"))
    arguments = ["--release", str(release), "--checkpoint", "starter", "--out", str(aligned), "--steps", str(steps)]
    _step(spent, "align", lambda: call_command("align", *arguments))
    facts = json.loads((aligned / "alignment.json").read_text("utf-8"))
    fresh = [words for words in site.prompts(prompts + 32, 1) if words not in site.prompts(prompts, 0)][:32]
    checkpoints = [starter, Checkpoint.objects.get(slug="starter-aligned")]
    drawn = {each.slug: site.hang(makers, each, fresh, 1) for each in checkpoints}
    wins = site.judge(site.people("stranger", RATERS), votes, 2)
    colour = {slug: statistics.fmean(map(site.colour_of, images)) for slug, images in drawn.items()}
    return {"before": facts["validation_before"], "after": facts["validation_after"], "seconds": spent,
            "wins": dict(wins), "colour": colour}  # fmt: skip


def _step(spent: dict[str, float], name: str, work: Any) -> None:
    started = time.perf_counter()
    work()
    spent[name] = round(time.perf_counter() - started, 1)


def report(found: dict[str, Any]) -> None:
    print("  ".join(f"{name} {seconds} s" for name, seconds in found["seconds"].items()))
    print(f"{'validation':<12}{'accuracy':>10}{'95 %':>18}{'pairs':>8}")
    for name in ("before", "after"):
        row = found[name]
        print(f"{name:<12}{row['share']:>10.1%}{row['low']:>10.1%} –{row['high']:>6.1%}{row['pairs']:>8}")
    total = sum(found["wins"].values())
    for slug, won in found["wins"].items():
        print(f"blind, {slug}: preferred in {won} of {total}; mean saturation {found['colour'][slug]:.1f}")
    print(json.dumps({"benchmark": "alignment", **found}))


if __name__ == "__main__":
    main()
