"""The denoiser: its network, its noise schedule and its training."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor
from torch.nn import functional

from starter.assemble import FEATURES
from starter.progress import Stage, learning_rate_share
from starter.vae import LATENT_CHANNELS, LATENT_SIDE

PEAK_RATE = 1e-3
EMA_DECAY = 0.999
EMPTY_CAPTIONS = 0.1
PROJECTED = 192
"""Features of a token after the projection that is trained with the denoiser."""


@dataclass(slots=True)
class Examples:
    """What the denoiser learns from; every picture points at its caption's features."""

    latents: Tensor
    """float (n, 4, 16, 16), whitened"""
    caption_of: Tensor
    """int64 (n,), rows of `features`"""
    features: Tensor
    """float16 (captions, 32, 384); row 0 is the empty caption"""


def new_unet() -> UNet2DConditionModel:
    """An untrained denoiser of 4.4 M parameters with a learnt projection of the text."""
    return UNet2DConditionModel(
        sample_size=LATENT_SIDE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(32, 64, 128),
        layers_per_block=1,
        norm_num_groups=16,
        attention_head_dim=4,
        cross_attention_dim=PROJECTED,
        encoder_hid_dim=FEATURES,
        encoder_hid_dim_type="text_proj",
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )


def new_scheduler() -> DDIMScheduler:
    """v-prediction down to zero signal, so that a plain background can be any colour."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


@torch.no_grad()
def whiten_projection(unet: UNet2DConditionModel, features: Tensor, mask: Tensor) -> None:
    """Start the text projection at the principal directions of the caption tokens, evened out.

    Raw MiniLM tokens differ little around a large common offset. features (n, 32, 384),
    mask bool (n, 32).
    """
    tokens = features[mask].float()
    mean = tokens.mean(0)
    spread, directions = torch.linalg.eigh((tokens - mean).T.cov())
    strongest = directions[:, -PROJECTED:].T
    floor = spread.mean() * 0.05
    weight = strongest / (spread[-PROJECTED:] + floor).sqrt()[:, None]
    unet.encoder_hid_proj.weight.copy_(weight)
    unet.encoder_hid_proj.bias.copy_(-weight @ mean)


def train_unet(
    examples: Examples, mask: Tensor, path: Path, seconds: float, device: torch.device
) -> UNet2DConditionModel:
    """Train for that long in all, over interruptions; returns the averaged weights."""
    unet = new_unet()
    whiten_projection(unet, examples.features[:4000], mask[:4000])
    unet.to(device)
    average = {name: value.clone() for name, value in unet.state_dict().items()}
    optimizer = torch.optim.AdamW(unet.parameters(), lr=PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    stage = Stage("unet", path, seconds, PEAK_RATE)
    average |= stage.resume(unet, optimizer)
    average = {name: value.to(device) for name, value in average.items()}
    noise_schedule = new_scheduler().alphas_cumprod.to(device)
    while stage.share < 1:
        begun = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * learning_rate_share(stage.share)
        loss = _loss(unet, examples, noise_schedule)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        _follow(average, unet, min(EMA_DECAY, (1 + stage.step) / (10 + stage.step)))
        stage.tick(time.monotonic() - begun, loss.item(), unet, optimizer, average)
    stage.save(unet, optimizer, average)
    unet.load_state_dict(average)
    return unet.eval()


def batch_size(device: torch.device) -> int:
    """Small steps on a CPU, where each is dear; large ones fill a GPU."""
    return 256 if device.type == "cuda" else 32


def _loss(unet: UNet2DConditionModel, examples: Examples, noise_schedule: Tensor) -> Tensor:
    """Mean squared error of v = sqrt(a) noise - sqrt(1 - a) x (Salimans and Ho, 2022)."""
    device = noise_schedule.device
    rows = torch.randint(len(examples.latents), (batch_size(device),))
    clean = examples.latents[rows].to(device)
    captions = examples.caption_of[rows].clone()
    captions[torch.rand(len(rows)) < EMPTY_CAPTIONS] = 0
    text = examples.features[captions].to(device).float()
    steps = torch.randint(len(noise_schedule), (len(rows),), device=device)
    signal = noise_schedule[steps].sqrt()[:, None, None, None]
    amount = (1 - noise_schedule[steps]).sqrt()[:, None, None, None]
    noise = torch.randn_like(clean)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        found = unet(signal * clean + amount * noise, steps, text, return_dict=False)[0]
    return functional.mse_loss(found.float(), signal * noise - amount * clean)


@torch.no_grad()
def _follow(average: dict[str, Tensor], unet: UNet2DConditionModel, decay: float) -> None:
    values = unet.state_dict()
    torch._foreach_lerp_([average[name] for name in values], list(values.values()), 1 - decay)
