"""What every adapter does; a family's own says what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import PIL.Image
import torch

from generation.catalogue.families import Family
from generation.prompts.weights import Weighted

_DECODED_AT_ONCE = 1 << 20  # pixels


@dataclass(frozen=True)
class Call:
    """What one call of a pipeline draws: pictures whose prompts fill the same number of windows."""

    prompts: Sequence[str]
    negative_prompts: Sequence[str]
    read_prompts: Sequence[Weighted]
    read_negatives: Sequence[Weighted]
    windows: int
    width: int
    height: int
    guidance: float  # the largest among them
    clip_skip: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


class Adapter:
    """Handles the pipelines of a family; an adapter belongs to one loaded checkpoint."""

    output = "latent"
    """What the pipeline returns: its latents, which are decoded here."""

    @property
    def has_inpaint_pipeline(self) -> bool:
        """Whether diffusers' own pipeline for masks reads the family's latents as they are."""
        return not getattr(self.pipeline.vae.config, "latents_mean", None)

    @torch.inference_mode()
    def encode(self, pictures: Sequence[PIL.Image.Image]) -> torch.Tensor:
        """Latents of RGB pictures as the denoiser has them: what `scaled` makes ready for the VAE, backwards."""
        vae = self.pipeline.vae
        pixels = self.pipeline.image_processor.preprocess(list(pictures)).to(vae.device, vae.dtype)
        found = torch.cat([vae.encode(part).latent_dist.mode() for part in pixels.split(1)]).float()
        mean, factor = self.scaled(torch.zeros_like(found)), self.scaled(torch.ones_like(found))
        return (found - mean) / (factor - mean)

    def __init__(self, family: Family, pipeline: Any) -> None:
        self.family = family
        self.pipeline = pipeline
        self.vae_dtype: torch.dtype | None = None

    def windows(self, prompt: Weighted, negative: Weighted) -> int:
        """How many windows of the text encoder a picture's prompts fill."""
        return 1

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        """The arguments of a pipeline that say what it draws."""
        raise NotImplementedError

    def other_arguments(self) -> dict[str, Any]:
        """Arguments that are the same for every call."""
        return {}

    def has_two_passes(self, call: Call) -> bool:
        return self.family.passes(call.guidance) == 2

    @property
    def device(self) -> torch.device:
        return torch.device(self.pipeline._execution_device)

    def spatial(self, latents: torch.Tensor, call: Call) -> torch.Tensor:
        """Latents as (n, channels, height, width), whatever way the pipeline keeps them."""
        return latents

    def scaled(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents as the VAE takes them, from latents as the denoiser makes them."""
        config: Any = self.pipeline.vae.config
        made: torch.Tensor
        mean, deviation = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean and deviation:
            shape = (1, latents.shape[1], 1, 1)
            mean, deviation = (torch.tensor(each).view(shape).to(latents) for each in (mean, deviation))
            made = latents * deviation / config.scaling_factor + mean
        else:
            made = latents / config.scaling_factor + (getattr(config, "shift_factor", None) or 0.0)
        return made

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor, call: Call) -> list[PIL.Image.Image]:
        """Pictures of latents, a megapixel at a time; in tiles and singly where that does not fit into memory."""
        vae = self.pipeline.vae
        if self.vae_dtype is not None and vae.dtype != self.vae_dtype:
            vae.to(self.vae_dtype)  # pipelines that raise its precision to read a source leave it lower
        ready = self.scaled(self.spatial(latents, call).float()).to(vae.dtype)
        try:
            pixels = self._decoded(ready, max(1, _DECODED_AT_ONCE // call.pixels))
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            vae.enable_tiling()
            pixels = self._decoded(ready, 1)
        if not bool(torch.isfinite(pixels).all()):
            raise FloatingPointError("the checkpoint gives values that are no numbers")
        return list(self.pipeline.image_processor.postprocess(pixels, output_type="pil"))

    def _decoded(self, latents: torch.Tensor, at_once: int) -> torch.Tensor:
        parts = [self.pipeline.vae.decode(part, return_dict=False)[0].float().cpu() for part in latents.split(at_once)]
        return torch.cat(parts)
