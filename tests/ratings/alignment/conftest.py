"""Runs of a tiny checkpoint on pictures of three shapes, whose raters prefer the brighter one."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from generation.models import Checkpoint
from tests.generation import families
from tests.ratings.releases import example_pairs

SIZES = [(64, 64), (96, 48), (48, 96)]


def noise(rng: random.Random, light: int, size: tuple[int, int] = (32, 32)) -> PIL.Image.Image:
    """A picture that is bright or dark, with noise on it."""
    pixels = np.random.default_rng(rng.randrange(2**32)).normal(light, 20, (size[1], size[0], 3)).clip(0, 255)
    return PIL.Image.fromarray(pixels.astype(np.uint8))


def drawn(count: int, sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[str, PIL.Image.Image, PIL.Image.Image]]:
    """Two pairs of each prompt, in turns of these sizes."""
    rng = random.Random(1)
    for n in range(count):
        lights = [60, 200] if rng.random() < 0.5 else [200, 60]
        size = sizes[n % len(sizes)]
        yield f"a cat on a red background {n // 2}", noise(rng, lights[0], size), noise(rng, lights[1], size)


@dataclass
class Done:
    """What a run left, and what it said while it ran."""

    out: Path
    work: Path
    losses: list[float] = field(default_factory=list)
    evaluations: list[tuple[int, float]] = field(default_factory=list)
    result: Any = None


Align = Callable[..., Done]


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``networks("sdxl")`` is a folder with a checkpoint of random weights (tests/generation/families.py)."""
    folder = tmp_path_factory.mktemp("networks")

    def build(name: str) -> Path:
        return folder / name if (folder / name).exists() else families.build(name, folder / name)

    return build


@pytest.fixture(scope="session")
def three_shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with pairs of three shapes, and with single pictures."""
    folder = tmp_path_factory.mktemp("release") / "salon-pickapic"
    counts = example_pairs.write_examples(folder, drawn(90, SIZES), has_singles=True)
    assert counts["validation"] >= 6
    return folder


@pytest.fixture(scope="session")
def one_shape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with pairs of square pictures, and nothing else."""
    folder = tmp_path_factory.mktemp("release") / "salon-pickapic"
    example_pairs.write_examples(folder, drawn(90, SIZES[:1]))
    return folder


@pytest.fixture
def one_process() -> Iterator[None]:
    """accelerate keeps the precision and the accumulation of the first run for the life of a process."""
    yield
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@pytest.fixture
def align(one_process: None, networks: Callable[[str], Path], three_shapes: Path, tmp_path: Path) -> Align:
    """``align("sdxl", steps=2)`` runs an alignment in this process, without a database."""

    def run(name: str, *, out: str = "out", stop_after: int = 0, release: Path = three_shapes, **options: Any) -> Done:
        from accelerate.state import AcceleratorState, GradientState

        from ratings.alignment import runner
        from ratings.alignment.settings import Settings

        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        done = Done(tmp_path / out, tmp_path / f"{out}-work")

        def on_step(step: int, loss: float) -> None:
            done.losses.append(loss)
            if step == stop_after:
                raise KeyboardInterrupt

        more = {key: options.pop(key) for key in ("is_resumed", "keeps_encoded", "tracker") if key in options}
        base = Checkpoint(slug=name, source=str(networks(name)), family=families.BUILDERS[name][0], sha256="0" * 64)
        settings = Settings(**{"rate": 1e-2, "batch": 4, "draws": 2, **options})
        done.result = runner.align(
            runner.Run(base=base, release=release, folder=done.out, work=done.work, settings=settings, **more),
            on_step=on_step,
            on_evaluation=lambda step, found: done.evaluations.append((step, found.share)),
        )
        return done

    return run
