"""What Prometheus of Debian's package says to the files in deploy/prometheus."""

import shutil
import subprocess
import warnings

import pytest

from tests.services import ROOT

DEPLOY = ROOT / "deploy"


def _require(program: str) -> None:
    if not shutil.which(program):
        warnings.warn(f"{program} is not installed (Debian package prometheus): its test is skipped", stacklevel=2)
        pytest.skip(f"{program} is not installed")


@pytest.mark.parametrize(
    "command", ["check rules alerts.yaml", "test rules alerts.test.yaml", "check config prometheus.yaml"]
)
def test_prometheus_accepts_the_files_and_the_rules_say_what_they_should(command: str) -> None:
    _require("promtool")
    done = subprocess.run(
        ["promtool", *command.split()], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
