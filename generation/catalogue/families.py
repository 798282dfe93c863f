"""What is true of every checkpoint of an architecture; engines, forms and budgets read it here. No torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from generation.catalogue.kinds import Kind
from generation.catalogue.samplers import PRESETS, Noise, find


class Guidance(StrEnum):
    CLASSIFIER_FREE = "classifier_free"
    """A second pass without the prompt, above a scale of 1."""
    EMBEDDED = "embedded"
    """The scale is an input of the model: one pass."""
    NONE = "none"


@dataclass(frozen=True)
class Family:
    """Facts of an architecture. `multiple`: pixels that a side must be a multiple of."""

    slug: str
    name: str
    pipelines: tuple[str, ...]  # classes of diffusers
    multiple: int = 8
    guidance: Guidance = Guidance.CLASSIFIER_FREE
    noise: Noise = Noise.DIFFUSION
    has_negative: bool = True
    has_weights: bool = True
    has_clip_skip: bool = False
    has_source: bool = True
    """Whether it can start from a picture."""
    has_variations: bool = True
    """Whether the noise that it starts from can be mixed."""
    has_networks: bool = False
    """Whether ControlNets and IP-Adapters can be registered for it."""
    mixes_guidance: bool = True
    """Whether pictures of one batch may have different guidance scales."""
    token_limit: int = 0
    """Tokens of a prompt that the model reads; 0: any number, in chunks."""
    brings_sigmas: bool = False
    steps: int = 25
    guidance_scale: float = 5.0
    dtype: str = "float16"
    """On an accelerator that is not said to be otherwise."""

    @property
    def samplers(self) -> list[str]:
        """The presets that it takes; LoRAs make a consistency model of any that takes diffusion's noise away."""
        kinds = {self.noise, Noise.LCM} if self.noise == Noise.DIFFUSION else {self.noise}
        fitting = (each for each in PRESETS.values() if each.noise in kinds)
        return [each.slug for each in fitting if each.takes_sigmas or not self.brings_sigmas]

    def takes_sampler(self, name: str, *, with_source: bool = False) -> bool:
        """`name` is a slug or a class name; a generic family takes what its checkpoint was registered with."""
        preset = find(name)
        if preset is None or self.slug == GENERIC:
            return self.slug == GENERIC
        return preset.slug in self.samplers and (preset.takes_source or not with_source)

    def supports(self, kind: str) -> bool:
        """Whether its checkpoints can be asked for a kind; a ControlNet must be registered as well."""
        if kind == Kind.TEXT2IMG:
            return True
        if kind == Kind.VARIATION:
            return self.has_variations
        return self.has_networks if kind == Kind.CONTROL else self.has_source

    def passes(self, guidance: float) -> int:
        """How often the model runs at each step."""
        return 2 if self.guidance == Guidance.CLASSIFIER_FREE and guidance > 1 else 1

    def drawn_steps(self, steps: int, strength: float | None) -> int:
        """The steps that are really drawn: img2img leaves out the first; 0 says that it cannot be done."""
        if strength is None:
            return steps
        if self.noise == Noise.LCM:  # its steps are taken from the last `strength` of fifty
            return steps if int(_LCM_STEPS * strength) >= steps else 0
        if self.noise == Noise.FLOW:
            return steps - int(max(steps - min(steps * strength, steps), 0))
        return min(int(steps * strength), steps)

    def least_strength(self, steps: int) -> float:
        """The least strength, in hundredths, at which that many steps draw something."""
        return next((n / 100 for n in range(5, 101) if self.drawn_steps(steps, n / 100)), math.inf)


_LCM_STEPS = 50
GENERIC = "generic"
_XL = ("StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline")

FAMILIES: Mapping[str, Family] = MappingProxyType({each.slug: each for each in (
    Family("sd1", "Stable Diffusion 1.x and 2.x", ("StableDiffusionPipeline",), has_clip_skip=True,
           guidance_scale=7.0, has_networks=True),
    Family("sd-turbo", "SD-Turbo", ("StableDiffusionPipeline",), has_clip_skip=True, steps=2, guidance_scale=0.0,
           has_networks=True),
    Family("sdxl", "Stable Diffusion XL", _XL, has_clip_skip=True, steps=30, has_networks=True),
    Family("sdxl-turbo", "SDXL-Turbo", _XL, has_clip_skip=True, steps=4, guidance_scale=0.0, has_networks=True),
    Family("playground-v2.5", "Playground v2.5", _XL, has_clip_skip=True, noise=Noise.EDM, steps=30,
           guidance_scale=3.0, has_networks=True),
    Family("lcm", "Latent Consistency", ("LatentConsistencyModelPipeline",), noise=Noise.LCM,
           guidance=Guidance.EMBEDDED, has_negative=False, has_clip_skip=True, steps=4, guidance_scale=8.5),
    Family("sd3", "Stable Diffusion 3", ("StableDiffusion3Pipeline",), multiple=16, noise=Noise.FLOW, token_limit=256,
           steps=28, guidance_scale=4.5, dtype="bfloat16"),
    Family("flux-dev", "FLUX dev", ("FluxPipeline",), multiple=16, noise=Noise.FLOW, guidance=Guidance.EMBEDDED,
           has_negative=False, token_limit=512, brings_sigmas=True, steps=28, guidance_scale=3.5, dtype="bfloat16"),
    Family("flux-schnell", "FLUX schnell", ("FluxPipeline",), multiple=16, noise=Noise.FLOW, guidance=Guidance.NONE,
           has_negative=False, token_limit=256, brings_sigmas=True, steps=4, guidance_scale=0.0, dtype="bfloat16"),
    Family("pixart", "PixArt", ("PixArtAlphaPipeline", "PixArtSigmaPipeline"), multiple=16, has_source=False,
           token_limit=300, steps=20, guidance_scale=4.5),
    Family("sana", "Sana", ("SanaPipeline",), multiple=32, noise=Noise.FLOW, has_weights=False, has_source=False,
           token_limit=300, steps=20, guidance_scale=4.5, dtype="bfloat16"),
    Family("external", "A server with the OpenAI images API", (), multiple=1, guidance=Guidance.NONE,
           has_weights=False, has_source=False, has_variations=False),
    Family(GENERIC, "Another architecture", (), has_weights=False, mixes_guidance=False),
)})  # fmt: skip
"""Every family by its slug."""


def family_of(slug: str, pipeline_class: str = "") -> Family:
    """The family of a checkpoint; of one that was registered before families were, by its pipeline."""
    if slug in FAMILIES:
        return FAMILIES[slug]
    return next((each for each in FAMILIES.values() if pipeline_class in each.pipelines), FAMILIES[GENERIC])
