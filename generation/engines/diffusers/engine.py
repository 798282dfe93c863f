"""The diffusers engine as a worker takes it."""

import PIL.Image

from generation.engines.base import Job, Source, StepCallback
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.drawing import draw
from generation.engines.diffusers.loading import device, device_name, versions


class Diffusers:
    """Draws in this process, on the device that GPU_DEVICE names."""

    name = "diffusers"

    @property
    def device(self) -> str:
        return device_name()

    @property
    def pads(self) -> bool:
        """An accelerator compiles per shape; a CPU would only draw more."""
        return device() != "cpu"

    def load(self, source: Source) -> None:
        pipeline_cache().get(source)

    def draw(self, job: Job, *, on_step: StepCallback, pad_to: int = 0) -> list[PIL.Image.Image]:
        return draw(job, on_step=on_step, pad_to=pad_to)

    def versions(self) -> dict[str, str]:
        return versions()
