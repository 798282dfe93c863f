"""The picture autoencoder: 64 px to 16 x 16 x 4 and back."""

import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from starter.progress import Stage, learning_rate_share, load_checkpoint, save_checkpoint

LATENT_SIDE = 16
LATENT_CHANNELS = 4
BATCH = 16
PEAK_RATE = 2e-3
DECODER_RATE = 1e-3
KL_WEIGHT = 1e-5


def new_vae() -> AutoencoderKL:
    """An untrained autoencoder of 0.65 M parameters."""
    return AutoencoderKL(
        block_out_channels=(16, 32, 64),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=64,
        scaling_factor=1.0,
    )


def as_input(pictures: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, h, w, 3) to float (n, 3, h, w) in [-1, 1]."""
    return pictures.to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def train_vae(pictures: Tensor, path: Path, seconds: float, device: torch.device) -> AutoencoderKL:
    """Train for that long in all, over interruptions, then whiten; pictures uint8 (n, 64, 64, 3).

    A finished checkpoint is returned as it is: the UNet depends on its latents.
    """
    vae = new_vae().to(device=device, memory_format=torch.channels_last)
    saved = load_checkpoint(path)
    if saved and saved["finished"]:
        vae.load_state_dict(saved["model"])
        return vae
    _fit(vae, list(vae.parameters()), pictures, Stage("vae", path, seconds, PEAK_RATE))
    _whiten(vae, pictures[:512])
    save_checkpoint(path, {"model": vae.state_dict(), "finished": True})
    return vae


def train_decoder(vae: AutoencoderKL, pictures: Tensor, path: Path, seconds: float) -> AutoencoderKL:
    """Sharpen the decoder alone; latents, and so the UNet, keep their meaning."""
    parameters = [*vae.decoder.parameters(), *vae.post_quant_conv.parameters()]
    _fit(vae, parameters, pictures, Stage("decoder", path, seconds, DECODER_RATE))
    return vae


def _fit(vae: AutoencoderKL, parameters: list[nn.Parameter], pictures: Tensor, stage: Stage) -> None:
    optimizer = torch.optim.AdamW(parameters, lr=stage.peak_rate, weight_decay=0.0, fused=True)
    device = next(vae.parameters()).device
    stage.resume(vae, optimizer)
    while stage.share < 1:
        begun = time.monotonic()
        rows = torch.randint(len(pictures), (BATCH,))
        batch = as_input(pictures[rows], device).contiguous(memory_format=torch.channels_last)
        for group in optimizer.param_groups:
            group["lr"] = stage.peak_rate * learning_rate_share(stage.share)
        loss = _loss(vae, batch, with_noise=stage.name == "vae")
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        stage.tick(time.monotonic() - begun, loss.item(), vae, optimizer)
    stage.save(vae, optimizer)


def _loss(vae: AutoencoderKL, batch: Tensor, *, with_noise: bool) -> Tensor:
    posterior = vae.encode(batch).latent_dist
    latents = posterior.sample() if with_noise else posterior.mean.detach()
    drawn = vae.decode(latents).sample
    loss = functional.l1_loss(drawn, batch) + 2 * functional.mse_loss(drawn, batch)
    return loss + KL_WEIGHT * posterior.kl().mean() if with_noise else loss


@torch.no_grad()
def _whiten(vae: AutoencoderKL, pictures: Tensor) -> None:
    """Fold mean 0 and deviation 1 of each channel into the 1 x 1 convolutions; drop the noise.

    Pipelines know one scaling factor and no shift for each channel, and sampling from
    zero signal-to-noise starts from a mean of 0.
    """
    latents = encode(vae, pictures)
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    into, back = vae.quant_conv, vae.post_quant_conv
    back.bias += back.weight[:, :, 0, 0] @ mean
    back.weight *= deviation[None, :, None, None]
    into.weight[:LATENT_CHANNELS] /= deviation[:, None, None, None]
    into.bias[:LATENT_CHANNELS] = (into.bias[:LATENT_CHANNELS] - mean) / deviation
    into.weight[LATENT_CHANNELS:] = 0
    into.bias[LATENT_CHANNELS:] = -20


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: Tensor, batch: int = 64) -> Tensor:
    """uint8 (n, 64, 64, 3) to float latents (n, 4, 16, 16) on the model's device."""
    device = next(vae.parameters()).device
    parts = pictures.split(batch)
    return torch.cat([vae.encode(as_input(part, device)).latent_dist.mean for part in parts])


@torch.no_grad()
def psnr(vae: AutoencoderKL, pictures: Tensor) -> float:
    """Peak signal-to-noise ratio of the round trip, dB, over uint8 (n, 64, 64, 3)."""
    device = next(vae.parameters()).device
    batch = as_input(pictures, device)
    drawn = vae.decode(vae.encode(batch).latent_dist.mean).sample.clamp(-1, 1)
    return float(10 * torch.log10(4 / functional.mse_loss(drawn, batch)))
