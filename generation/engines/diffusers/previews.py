"""Small pictures of unfinished latents, by a linear map that is fitted once per checkpoint."""

from typing import Any

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray

from generation.engines.diffusers.adapters.base import Adapter

PreviewMatrix = NDArray[np.float32]  # (latent channels + 1, 3): latents and a constant 1 to RGB in [-1, 1]


@torch.inference_mode()
def preview_matrix(adapter: Adapter) -> PreviewMatrix | None:
    """Least squares from latents (and 1) to the RGB that the VAE decodes them to; None where there is no such VAE.

    Fitted on smooth random latents of a generator of its own, so that it is the same in every process.
    """
    vae = getattr(adapter.pipeline, "vae", None)
    channels = getattr(getattr(vae, "config", None), "latent_channels", None)
    if vae is None or channels is None or not hasattr(vae.config, "scaling_factor"):
        return None
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn((4, channels, 4, 4), generator=generator)
    latents = torch.nn.functional.interpolate(coarse, size=(8, 8), mode="bicubic").to(adapter.device, vae.dtype)
    pixels = vae.decode(adapter.scaled(latents)).sample.float()
    if pixels.ndim != 4:
        return None
    targets = torch.nn.functional.adaptive_avg_pool2d(pixels, (8, 8)).permute(0, 2, 3, 1).reshape(-1, 3).cpu().numpy()
    rows = latents.float().permute(0, 2, 3, 1).reshape(-1, channels).cpu().numpy()
    if not np.isfinite(targets).all():
        return None
    matrix = np.linalg.lstsq(np.c_[rows, np.ones(len(rows))], targets, rcond=None)[0]
    return np.asarray(matrix, dtype=np.float32)


def preview_pictures(latents: Any, matrix: PreviewMatrix | None, count: int) -> list[PIL.Image.Image]:
    """`count` RGB pictures of H x W pixels from (N, C, H, W) latents; none where the latents have another shape."""
    if matrix is None or latents is None or latents.ndim != 4 or latents.shape[1] + 1 != len(matrix):
        return []
    rows = latents[:count].detach().float().cpu().permute(0, 2, 3, 1).numpy()
    rgb = rows @ matrix[:-1] + matrix[-1]
    pixels = ((rgb / 2 + 0.5).clip(0, 1) * 255).round().astype(np.uint8)
    return [PIL.Image.fromarray(each) for each in pixels]
