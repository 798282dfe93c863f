"""Parts of pictures: what a mask selects is drawn at full size and put back, and large pictures are drawn in tiles.

Pixels alone, no torch: an edit becomes a job that starts from pictures of the size that a checkpoint draws, and a
function that makes the finished pictures of what was drawn.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from generation.catalogue.kinds import Borders, Kind, enlarged, tiles
from generation.engines.base import Job

MASK_THRESHOLD = 128  # of 255: what is lighter is drawn anew
CONTEXT = 0.25  # of a region's longer side: what is around it is seen while it is drawn
LEAST_CONTEXT = 16  # pixels
LANCZOS = PIL.Image.Resampling.LANCZOS
Pixels = NDArray[np.uint8]
Picture = PIL.Image.Image


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; it may reach beyond the picture, whose edge goes on there."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Plan:
    """A job as an engine draws it, and how finished pictures are made of what it draws."""

    job: Job
    finish: Callable[[Sequence[Picture]], list[Picture]]


def plan_edit(job: Job) -> Plan:
    """How the pictures of a job are drawn at its width and height, whatever the size of their sources."""
    if job.kind in (Kind.INPAINT, Kind.OUTPAINT):
        return _plan_regions(job)
    if job.kind == Kind.UPSCALE:
        return _plan_tiles(job)
    if job.sources is None:
        return Plan(job, list)
    size = (job.width, job.height)
    return Plan(replace(job, sources=[each.resize(size, LANCZOS) for each in job.sources]), list)


def _plan_regions(job: Job) -> Plan:
    masks: Sequence[Picture | None] = job.masks or [None] * len(job.prompts)
    sources = zip(job.sources or [], masks, strict=True)
    canvases = [extend(source, mask, job.edit.borders) for source, mask in sources]
    soft = [soft_mask(mask, job.edit.mask_margin, job.edit.mask_feather) for _canvas, mask in canvases]
    boxes = [box_around(alpha, job.width, job.height) for alpha in soft]
    size = (job.width, job.height)
    drawn = replace(
        job,
        sources=[cut(canvas, box).resize(size, LANCZOS) for (canvas, _m), box in zip(canvases, boxes, strict=True)],
        masks=[
            cut(alpha.point(lambda value: 255 if value else 0), box).resize(size, PIL.Image.Resampling.NEAREST)
            for alpha, box in zip(soft, boxes, strict=True)
        ],
    )

    def finish(pictures: Sequence[Picture]) -> list[Picture]:
        return [
            put_back(canvas, picture, box, alpha)
            for (canvas, _mask), picture, box, alpha in zip(canvases, pictures, boxes, soft, strict=True)
        ]

    return Plan(drawn, finish)


def extend(source: Picture, mask: Picture | None, borders: Borders) -> tuple[Picture, Picture]:
    """A picture with borders that mirror it, and the mask of what is drawn anew, as L, in the canvas's size."""
    sides = ((borders.top, borders.bottom), (borders.left, borders.right))
    canvas = np.pad(np.asarray(source.convert("RGB")), (*sides, (0, 0)), mode="symmetric")
    painted = np.zeros((source.height, source.width), np.uint8)
    if mask is not None:
        painted = np.asarray(mask.convert("L").resize(source.size, PIL.Image.Resampling.BILINEAR))
    return PIL.Image.fromarray(canvas), PIL.Image.fromarray(np.pad(painted, sides, constant_values=255))


def soft_mask(mask: Picture, margin: int, feather: int) -> Picture:
    """How much of each pixel is taken from what is drawn, 0 to 255.

    All of it up to `margin` pixels around what the mask selects, then less over `feather` pixels, then exactly none.
    """
    chosen = (np.asarray(mask.convert("L")) >= MASK_THRESHOLD).astype(np.float64)
    radius = (feather + 1) // 2
    wide = (_window_mean(chosen, margin + radius) > 1e-9).astype(np.float64)
    return PIL.Image.fromarray(np.round(_window_mean(wide, radius) * 255).astype(np.uint8))


def _window_mean(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """Of the square of 2 x radius + 1 pixels around each; beyond the picture its edge goes on."""
    for axis in (0, 1):
        widths = [(radius + 1, radius) if each == axis else (0, 0) for each in (0, 1)]
        sums = np.cumsum(np.pad(values, widths, mode="edge"), axis=axis)
        length = values.shape[axis]
        last = np.take(sums, range(2 * radius + 1, 2 * radius + 1 + length), axis=axis)
        values = (last - np.take(sums, range(length), axis=axis)) / (2 * radius + 1)
    return values


def box_around(alpha: Picture, width: int, height: int) -> Box:
    """The region to draw: all that is not 0, with its surroundings, in the shape `width` by `height`."""
    left, top, right, bottom = alpha.getbbox() or (0, 0, *alpha.size)
    around = 2 * max(LEAST_CONTEXT, round(CONTEXT * max(right - left, bottom - top)))
    scale = max((right - left + around) / width, (bottom - top + around) / height, 0.25)
    size = math.ceil(scale * width), math.ceil(scale * height)
    return Box(_start(left, right, size[0], alpha.width), _start(top, bottom, size[1], alpha.height), *size)


def _start(first: int, last: int, length: int, whole: int) -> int:
    """Where a box of `length` begins that has `first` to `last` in its middle and stays inside, if it can."""
    start = (first + last - length) // 2
    return (whole - length) // 2 if length >= whole else max(0, min(start, whole - length))


def cut(picture: Picture, box: Box) -> Picture:
    """The part in a box; beyond the picture its edge goes on."""
    rows = np.clip(np.arange(box.top, box.top + box.height), 0, picture.height - 1)
    columns = np.clip(np.arange(box.left, box.left + box.width), 0, picture.width - 1)
    return PIL.Image.fromarray(np.asarray(picture)[rows][:, columns])


def put_back(canvas: Picture, drawn: Picture, box: Box, alpha: Picture) -> Picture:
    """The canvas with a drawn region blended in; where alpha is 0, its pixels are the same bytes."""
    layer = canvas.copy()
    layer.paste(drawn.convert("RGB").resize((box.width, box.height), LANCZOS), (box.left, box.top))
    return PIL.Image.composite(layer, canvas, alpha)


def _plan_tiles(job: Job) -> Plan:
    """Every tile is a picture of its own, with a seed of its own, so that no pattern repeats."""
    size = (job.width, job.height)
    large = [each.resize(enlarged(*each.size, job.edit.factor), LANCZOS) for each in job.sources or []]
    places = [[Box(left, top, *size) for left, top in tiles(*each.size, size)] for each in large]
    rows = [(number, part, box) for number, boxes in enumerate(places) for part, box in enumerate(boxes)]
    repeated: dict[str, Any] = {
        name: [values[number] for number, _part, _box in rows]
        for name in ("prompts", "negative_prompts", "guidances", "references")
        if (values := getattr(job, name)) is not None
    }
    drawn = replace(
        job,
        seeds=[(job.seeds[number] + part) % 2**63 for number, part, _box in rows],
        sources=[cut(large[number], box) for number, _part, box in rows],
        **repeated,
    )

    def finish(pictures: Sequence[Picture]) -> list[Picture]:
        found, done = iter(pictures), []
        for picture, boxes in zip(large, places, strict=True):
            done.append(join_tiles([(box, next(found)) for box in boxes], *picture.size))
        return done

    return Plan(drawn, finish)


def join_tiles(parts: Sequence[tuple[Box, Picture]], width: int, height: int) -> Picture:
    """One picture of tiles that overlap; each counts less towards its edges."""
    total, weights = np.zeros((height, width, 3), np.float32), np.zeros((height, width, 1), np.float32)
    for box, picture in parts:
        pixels = np.asarray(picture.convert("RGB"), np.float32)[: height - box.top, : width - box.left]
        weight = np.outer(_ramp(box.height), _ramp(box.width))[: pixels.shape[0], : pixels.shape[1], None]
        part = np.s_[box.top : box.top + pixels.shape[0], box.left : box.left + pixels.shape[1]]
        total[part] += pixels * weight
        weights[part] += weight
    return PIL.Image.fromarray(np.round(total / weights).astype(np.uint8))


def _ramp(length: int) -> NDArray[np.float32]:
    """1 in the middle, less within an eighth of either end, never 0."""
    overlap = max(1, length // 8)
    near = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1))
    return np.minimum(1.0, near / (overlap + 1)).astype(np.float32)
