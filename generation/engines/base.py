"""What every engine takes and raises; torch is imported by the engines alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import PIL.Image

PreviewSource = Callable[[], list[PIL.Image.Image]]
StepCallback = Callable[[int, PreviewSource], None]


class CheckpointError(Exception):
    """A checkpoint cannot be used; the message is one sentence for the operator."""


class OutOfMemory(Exception):
    """A batch did not fit into the memory of the device; a smaller one may."""


class DeviceLost(Exception):
    """The accelerator is in an unknown state: this process must end and another take over."""


@dataclass(frozen=True)
class Source:
    """Which checkpoint: what identifies it in the cache, and where it comes from."""

    location: str
    revision: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Job:
    """One call of an engine: equal settings, one prompt and seed per picture.

    `sources` are RGB pictures to start from (img2img, with `strength` in (0, 1]), one per prompt, or None.
    `loras` maps the location of LoRA weights to their weight.
    """

    source: Source
    prompts: Sequence[str]
    negative_prompts: Sequence[str]
    seeds: Sequence[int]
    width: int
    height: int
    steps: int
    guidance: float
    scheduler: str = ""
    sources: Sequence[PIL.Image.Image] | None = None
    strength: float | None = None
    loras: Mapping[str, float] = field(default_factory=dict)
