"""Alignments in processes of their own: killed and resumed, and two of them that share the examples by gloo."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.services import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
SETTINGS = {
    "steps": 6,
    "batch": 8,
    "draws": 2,
    "save_every": 2,
    "evaluate_every": 4,
    "accumulation": 2,
    "rate": 1e-3,
    "schedule": "cosine",
    "warmup": 1,
}
PROCESS = "tests.ratings.alignment.process"
LORA = "lora/pytorch_lora_weights.safetensors"


@dataclass
class Run:
    folder: Path
    code: int

    @property
    def losses(self) -> list[float]:
        return list(json.loads((self.folder / "work" / "losses.json").read_text("utf-8")).values())

    @property
    def card(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "out" / "alignment.json").read_text("utf-8"))
        return found

    def rows(self, rank: int) -> list[list[int]]:
        found: list[list[int]] = json.loads((self.folder / "work" / f"rows-{rank}.json").read_text("utf-8"))
        return found


def start(folder: Path, network: Path, release: Path, *launcher: str, **more: Any) -> Run:
    """Runs an alignment to its end, in `folder`."""
    folder.mkdir(exist_ok=True)
    given = {"checkpoint": str(network), "family": "sdxl", "release": str(release), "settings": SETTINGS}
    given |= {"out": str(folder / "out"), "work": str(folder / "work"), **more}
    (folder / "run.json").write_text(json.dumps(given), "utf-8")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "GPU_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    command = [*(launcher or (sys.executable,)), "-m", PROCESS, str(folder / "run.json")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return Run(folder, done.returncode)


@pytest.fixture(scope="module")
def whole(networks: Callable[[str], Path], three_shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One process from the begin to the end."""
    return start(tmp_path_factory.mktemp("whole"), networks("sdxl"), three_shapes)


def test_a_killed_run_is_resumed_to_the_same_weights(
    whole: Run, networks: Callable[[str], Path], three_shapes: Path, tmp_path: Path
) -> None:
    killed = start(tmp_path, networks("sdxl"), three_shapes, kill_after=5)
    assert killed.code == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in (tmp_path / "work").glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-4"]
    resumed = start(tmp_path, networks("sdxl"), three_shapes, resume=True)
    assert resumed.rows(0) == whole.rows(0)[-4:]  # two steps, each in two parts
    assert resumed.losses == whole.losses[4:]
    assert (tmp_path / "out" / LORA).read_bytes() == (whole.folder / "out" / LORA).read_bytes()
    assert resumed.card == whole.card


def test_two_processes_train_on_different_pairs_as_one_does_on_all(
    whole: Run, networks: Callable[[str], Path], three_shapes: Path, tmp_path: Path
) -> None:
    launcher = [str(Path(sys.executable).parent / "torchrun"), "--standalone", "--nproc-per-node", "2"]
    both = start(tmp_path, networks("sdxl"), three_shapes, *launcher)
    first, second = both.rows(0), both.rows(1)
    assert [a + b for a, b in zip(first, second, strict=True)] == whole.rows(0)
    assert all(not set(a) & set(b) for a, b in zip(first, second, strict=True))
    assert both.losses == pytest.approx(whole.losses, abs=1e-3)
    assert both.card["processes"] == 2
    for name in ("validation_before", "validation_after"):
        assert both.card[name] == pytest.approx(whole.card[name], abs=0.1)
