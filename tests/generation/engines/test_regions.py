"""Parts of pictures: what lies outside a mask is never touched, and tiles join without a seam."""

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.catalogue.kinds import Borders, Edit, Kind
from generation.engines.base import Job, Source
from generation.engines.regions import box_around, cut, extend, plan_edit, soft_mask

quick = settings(deadline=None, max_examples=40)
PLAIN = Job(Source("x"), ["a"], [""], [0], 64, 64, 4, [4.0])
BLACK = PIL.Image.new("RGB", (64, 64))


def noise(width: int, height: int, seed: int = 0) -> PIL.Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return PIL.Image.fromarray(values)


def mask_of(size: tuple[int, int], box: tuple[int, int, int, int]) -> PIL.Image.Image:
    mask = PIL.Image.new("L", size)
    mask.paste(255, box)
    return mask


@quick
@given(st.integers(0, 30), st.integers(0, 30))
def test_a_soft_mask_is_whole_within_its_margin_and_nothing_beyond_its_feather(margin: int, feather: int) -> None:
    alpha = np.asarray(soft_mask(mask_of((160, 120), (60, 50, 80, 60)), margin, feather))
    rows, columns = np.mgrid[0:120, 0:160]
    across = np.maximum(np.maximum(60 - columns, columns - 79), 0)
    down = np.maximum(np.maximum(50 - rows, rows - 59), 0)
    distance = np.maximum(across, down)
    assert (alpha[distance <= margin] == 255).all()
    assert (alpha[distance > margin + feather + 1] == 0).all()


@quick
@given(
    st.tuples(st.integers(20, 200), st.integers(20, 200)), st.integers(0, 19), st.integers(0, 19),
    st.integers(1, 200), st.integers(1, 200), st.sampled_from([(64, 64), (96, 64), (64, 128)]),
)  # fmt: skip
def test_a_region_holds_all_of_its_mask_in_the_shape_that_is_drawn(
    size: tuple[int, int], left: int, top: int, width: int, height: int, shape: tuple[int, int]
) -> None:
    alpha = mask_of(size, (left, top, min(left + width, size[0]), min(top + height, size[1])))
    box, held = box_around(alpha, *shape), alpha.getbbox()
    assert held is not None
    assert box.left <= held[0]
    assert box.top <= held[1]
    assert box.left + box.width >= held[2]
    assert box.top + box.height >= held[3]
    assert box.width / box.height == pytest.approx(shape[0] / shape[1], rel=0.06)


@quick
@given(
    st.integers(30, 150), st.integers(30, 150), st.integers(0, 29), st.integers(0, 29), st.integers(0, 12),
    st.integers(0, 12),
)  # fmt: skip
def test_pixels_outside_the_soft_mask_are_the_same_bytes(
    width: int, height: int, left: int, top: int, margin: int, feather: int
) -> None:
    source, mask = noise(width, height), mask_of((width, height), (left, top, left + 9, top + 5))
    edit = Edit(mask_margin=margin, mask_feather=feather)
    plan = plan_edit(replace(PLAIN, kind=Kind.INPAINT, sources=[source], masks=[mask], edit=edit))
    assert plan.job.sources is not None
    assert plan.job.masks is not None
    assert plan.job.sources[0].size == plan.job.masks[0].size == (64, 64)
    (done,) = plan.finish([BLACK])
    alpha, before, after = (np.asarray(each) for each in (soft_mask(mask, margin, feather), source, done))
    assert np.array_equal(before[alpha == 0], after[alpha == 0])
    assert (after[alpha == 255] == 0).all()


def test_an_extended_picture_holds_its_source_and_is_drawn_on_the_new_sides() -> None:
    source, edit = noise(60, 40), Edit(mask_margin=2, mask_feather=4, borders=Borders(left=16, bottom=24))
    canvas, mask = extend(source, None, edit.borders)
    assert canvas.size == mask.size == (76, 64)
    plan = plan_edit(replace(PLAIN, kind=Kind.OUTPAINT, sources=[source], edit=edit))
    (done,) = plan.finish([BLACK])
    pixels = np.asarray(done)
    assert (pixels[:, :16] == 0).all()
    assert (pixels[40:] == 0).all()
    assert np.array_equal(pixels[: 40 - 7, 16 + 7 :], np.asarray(source)[: 40 - 7, 7:])


@quick
@given(st.integers(20, 150), st.integers(20, 150), st.floats(1.1, 3))
def test_tiles_that_nobody_changed_join_to_the_enlarged_picture(width: int, height: int, factor: float) -> None:
    source = noise(8, 8).resize((width, height), PIL.Image.Resampling.BICUBIC)
    plan = plan_edit(replace(PLAIN, kind=Kind.UPSCALE, sources=[source], edit=Edit(factor=factor)))
    assert plan.job.sources is not None
    assert len({*plan.job.seeds}) == len(plan.job.prompts) == len(plan.job.sources) == len(plan.job.guidances)
    (done,) = plan.finish(plan.job.sources)
    plain = source.resize(done.size, PIL.Image.Resampling.LANCZOS)
    assert done.size == (round(width * factor), round(height * factor))
    assert np.abs(np.asarray(done).astype(int) - np.asarray(plain)).max() <= 1


def test_beyond_a_picture_its_edge_goes_on() -> None:
    source = noise(10, 10)
    box = box_around(mask_of((10, 10), (4, 4, 6, 6)), 64, 64)
    pixels = np.asarray(cut(source, box))
    assert pixels.shape == (box.height, box.width, 3)
    assert (pixels[:, 0] == pixels[:, 1]).all()
