"""A draft and its final picture, drawn by the starter checkpoint: what was seen is what comes."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from generation.catalogue.kinds import STRENGTHS, Kind
from generation.engines.base import Job, Source
from generation.engines.diffusers.drawing import draw
from generation.validation import DRAFT_STEPS
from starter.assemble import assemble

OTHERS = 50


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder: Path = tmp_path_factory.mktemp("checkpoints") / "starter"
    assemble(folder)
    return Source(str(folder), family="sd1")


def drawn(source: Source, seeds: list[int], steps: int, **values: Any) -> list[PIL.Image.Image]:
    prompts = ["a red fox in the snow"] * len(seeds)
    job = Job(source, prompts, [""] * len(seeds), seeds, 128, 128, steps, [3.0] * len(seeds), **values)
    return draw(job, on_step=lambda _step, _previews: None)


def distance(one: PIL.Image.Image, other: PIL.Image.Image) -> float:
    """Mean difference of a channel, of 255, at 16 x 16 pixels."""
    small = [np.asarray(each.resize((16, 16)), float) for each in (one, other)]
    return float(np.abs(small[0] - small[1]).mean())


@pytest.mark.parametrize("sampler", ["", "euler_a"])
def test_a_draft_is_nearer_to_its_final_picture_than_any_of_fifty_other_seeds(starter: Source, sampler: str) -> None:
    (draft,) = drawn(starter, [5], DRAFT_STEPS, scheduler=sampler)
    (final,) = drawn(
        starter, [5], 20, scheduler=sampler, sources=[draft], strength=STRENGTHS[Kind.FINAL], kind=Kind.FINAL
    )
    others = drawn(starter, list(range(1000, 1000 + OTHERS)), 3)
    assert 0 < distance(draft, final) < min(distance(final, other) for other in others)
