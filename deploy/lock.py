"""The lock files: `python deploy/lock.py write` after a change of pyproject.toml, `check` for every platform.

requirements.lock installs the development environment, requirements.production.lock the site alone, both with hashes.
torch has none there: its builds for CPUs and for GPUs come from indexes of their own, one of which the host chooses.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEVELOPMENT, PRODUCTION = ROOT / "requirements.lock", ROOT / "requirements.production.lock"
PLATFORMS = ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin"]
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]


def compile_lock(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `uv pip compile`, quietly."""
    command = [str(Path(sys.executable).parent / "uv"), "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    return subprocess.run([*command, *arguments], cwd=ROOT, text=True, capture_output=True, check=False)


def torch_source() -> list[str]:
    """Where uv finds torch's CPU build."""
    links = os.environ.get("PIP_FIND_LINKS")
    return ["--find-links", links] if links else ["--torch-backend", "cpu"]


def without_build_of_torch(text: str) -> str:
    """The lock without the local version of torch and without its hashes."""
    return re.sub(r"^(torch==[\d.]+)\S*(?: \\\n    --hash=\S+)+", r"\1", text, flags=re.MULTILINE)


def write(*, is_production_alone: bool) -> int:
    """Writes the locks, the production lock with the versions of the other."""
    if not is_production_alone:
        wanted = ["pyproject.toml", "--group", "dev", "--extra", "tracing", "--upgrade-package", "torch"]
        done = compile_lock(*wanted, *torch_source(), "--generate-hashes", "-o", str(DEVELOPMENT))
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return 1
        DEVELOPMENT.write_text(without_build_of_torch(DEVELOPMENT.read_text()))
    done = compile_lock("pyproject.toml", "-c", str(DEVELOPMENT), "--generate-hashes", *torch_source())
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return 1
    PRODUCTION.write_text(without_build_of_torch(done.stdout))
    return 0


def check() -> int:
    """Prints, for every platform and version of Python, which packages of the production lock have no wheel there."""
    pins = re.findall(r"^([\w.\-]+==[\w.]+)", PRODUCTION.read_text(), re.MULTILINE)
    status = 0
    for platform in PLATFORMS:
        for version in VERSIONS:
            missing = missing_wheels(pins, platform, version)
            print(f"Python {version} on {platform}: {', '.join(missing) or 'every package has a wheel'}", flush=True)
            status |= bool(missing)
    return status


def missing_wheels(pins: list[str], platform: str, version: str) -> list[str]:
    """Those of the pinned packages that have no wheel for a platform; uv names one at a time."""
    missing: list[str] = []
    while True:
        left = "\n".join(pin for pin in pins if pin not in missing)
        command = [
            str(Path(sys.executable).parent / "uv"),
            "pip",
            "compile",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
        ]
        command += ["--python-platform", platform, "--python-version", version, "-"]
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, input=left, check=False)
        found = [pin for pin in pins if pin not in missing and re.search(rf"\b{re.escape(pin)}\b", done.stderr)]
        if done.returncode == 0:
            return missing
        if not found:
            raise SystemExit(done.stderr)
        missing += found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["write", "write-production", "check"])
    what = parser.parse_args().what
    return check() if what == "check" else write(is_production_alone=what == "write-production")


if __name__ == "__main__":
    sys.exit(main())
