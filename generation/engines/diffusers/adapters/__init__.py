"""One adapter per family: how a pipeline's prompts, latents and pictures are handled."""

from typing import Any

from generation.catalogue.families import Family
from generation.engines.diffusers.adapters.base import Adapter
from generation.engines.diffusers.adapters.clip import StableDiffusion, StableDiffusionXL
from generation.engines.diffusers.adapters.flow import Flux, StableDiffusion3
from generation.engines.diffusers.adapters.other import Generic, PixArt, Sana

_ADAPTERS: dict[str, type[Adapter]] = {
    "sd1": StableDiffusion,
    "sd-turbo": StableDiffusion,
    "lcm": StableDiffusion,
    "sdxl": StableDiffusionXL,
    "sdxl-turbo": StableDiffusionXL,
    "playground-v2.5": StableDiffusionXL,
    "sd3": StableDiffusion3,
    "flux-dev": Flux,
    "flux-schnell": Flux,
    "pixart": PixArt,
    "sana": Sana,
}


def adapter_of(family: Family, pipeline: Any) -> Adapter:
    return _ADAPTERS.get(family.slug, Generic)(family, pipeline)
