"""A release of ratings against Label Studio's own JSON export of as many, on one PostgreSQL.

    python -m benchmarks.label_studio --python path/to/label-studio/bin/python [--annotations 20000] [--quick]

Label Studio's packages clash with ours, so it stands in an environment of its own: `python -m venv DIR` and
`DIR/bin/pip install label-studio`. Each side is a fresh process with its imports done before the clock starts. Ours
plans and builds the table `ratings`, consent, pseudonyms, splits, card and sums included; Label Studio's is what
`label-studio export PROJECT JSON` does. Without `--python` nothing is measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.support.place import place  # noqa: E402

RATERS, QUICK, FULL = 100, 2_000, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="the interpreter that has Label Studio")
    parser.add_argument("--annotations", type=int, default=FULL)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} annotations")
    options = parser.parse_args()
    if not options.python:
        print("Label Studio is not measured: --python names an interpreter that has it.")
        return
    annotations = QUICK if options.quick else options.annotations
    with place("", DJANGO_SETTINGS_MODULE="config.settings") as folder:
        ours = release(annotations, folder / "release")
        theirs = export(options.python, annotations)
    report(annotations, ours, theirs)


def release(ratings: int, out: Path) -> dict[str, Any]:
    """Seconds and peak memory (MB) of a release of so many ratings, which are made first."""
    from django.utils import timezone

    from benchmarks.support import dataset_load

    dataset_load.prepare(ratings // RATERS, RATERS, timezone.now())
    command = [sys.executable, "-m", "benchmarks.datasets", "--measure", "ratings", str(out)]
    return _result_of(command, dict(os.environ))


def export(python: str, annotations: int) -> dict[str, Any]:
    """The same of Label Studio, in a database beside ours."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE label_studio")
    server = urlsplit(os.environ["DATABASE_URL"])
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTHON"))}
    environ |= {"POSTGRE_NAME": "label_studio", "POSTGRE_USER": server.username or "", "POSTGRE_PORT": str(server.port)}
    environ |= {"POSTGRE_PASSWORD": server.password or "", "POSTGRE_HOST": server.hostname or ""}
    with tempfile.TemporaryDirectory(prefix="salon-bench-") as folder:
        return _result_of(
            [python, str(ROOT / "benchmarks" / "label_studio_data.py"), str(annotations), folder], environ
        )


def _result_of(command: list[str], environ: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def report(annotations: int, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    print(f"{annotations:,} ratings{'seconds':>22}{'rows/s':>12}{'peak MB':>10}")
    for name, result in (("Salon, plan and build", ours), (f"Label Studio {theirs['version']}, JSON", theirs)):
        seconds = result["seconds"]
        print(f"{name:<28}{seconds:>10.2f}{annotations / seconds:>12,.0f}{result['peak_mb']:>10.0f}")
    ratio = theirs["seconds"] / ours["seconds"]
    print(f"{ratio:.1f} times as fast")
    print(json.dumps({"benchmark": "label_studio", "ours": ours, "theirs": theirs, "ratio": round(ratio, 1)}))


if __name__ == "__main__":
    main()
