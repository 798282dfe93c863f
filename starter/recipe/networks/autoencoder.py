"""The picture autoencoder: 128 x 128 to 16 x 16 x 8 and back, trained for edges as well as for colours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from starter.progress import load_checkpoint
from starter.recipe.networks.loop import Average, Loop, as_channels_last, half_precision, set_rate
from starter.recipe.networks.recognition import Recogniser, as_input
from starter.recipe.scenes.shards import CELL, Shard

CHANNELS = 8
"""Channels of a latent."""
BATCH, GPU_BATCH = 8, 96
CROP = 96
"""Side of the crops that are trained on, pixels; the networks are convolutions alone."""
PEAK_RATE, CRITIC_RATE = 1e-3, 4e-4
FALL = 0.8
"""Share of the steps over which the learning rate falls; a high one leaves colours unsettled."""
NOISE = 0.1
"""Deviation of the noise that half of the latents get, so that the decoder forgives the denoiser its errors."""
SPREAD_WEIGHT, FEATURE_WEIGHT, CRITIC_WEIGHT = 0.02, 0.08, 0.03
FEATURES_FROM, CRITIC_FROM = 0.25, 0.45
"""Shares of the training after which those terms count."""
FROZEN_FROM = 0.7
"""Share of the autoencoder's training after which only its decoder learns."""


def new_autoencoder() -> AutoencoderTiny:
    """An untrained autoencoder of about a million parameters; its latents lie around 0 with deviation 1."""
    return AutoencoderTiny(
        encoder_block_out_channels=(32, 32, 32, 32),
        decoder_block_out_channels=(48, 48, 48, 48),
        num_encoder_blocks=(1, 1, 2, 3),
        num_decoder_blocks=(3, 3, 2, 1),
        latent_channels=CHANNELS,
        scaling_factor=1.0,
    )


class Critic(nn.Module):
    """A patch discriminator: pictures (n, 3, h, w) to logits of being drawn (n, 1, h / 4, w / 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            spectral_norm(nn.Conv2d(3, 32, 4, 2, 1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(32, 64, 4, 2, 1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(64, 64, 3, 1, 1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(64, 1, 3, 1, 1)),
        )  # fmt: skip

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.layers(pictures)
        return logits


class Trainer:
    """The networks, optimizers and losses of one autoencoder training."""

    def __init__(self, network: AutoencoderTiny, recogniser: Recogniser, device: torch.device) -> None:
        self.network = as_channels_last(network.train(), device)
        self.critic = as_channels_last(Critic(), device)
        self.average = Average(self.network, 0.998)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), PEAK_RATE, (0.9, 0.99), weight_decay=0.0, fused=True
        )
        self.critic_optimizer = torch.optim.AdamW(self.critic.parameters(), CRITIC_RATE, (0.5, 0.9), fused=True)
        self.recogniser, self.device = recogniser, device

    def parts(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        names = ("network", "critic", "average", "optimizer", "critic_optimizer")
        return {name: getattr(self, name) for name in names}

    def averaged(self) -> AutoencoderTiny:
        """The network with its averaged weights, frozen."""
        self.network.load_state_dict(self.average.values)
        return self.network.eval().requires_grad_(requires_grad=False)

    def step(self, pictures: Tensor, cover: Tensor, share: float, rate: float) -> dict[str, Tensor]:
        """One step of autoencoder and critic at that share of the training, 0 to 1; returns the losses.

        pictures float (n, 3, h, w), cover float (n, 1, h, w) 0-1.
        """
        set_rate(self.optimizer, rate)
        with half_precision(self.device):
            latents = self.network.encode(pictures).latents
            drawn = self.network.decode(_noised(latents)).sample
        spread = spread_loss(latents.float())
        drawn = drawn.float()
        pixels = pixel_loss(drawn, pictures, cover)
        loss = pixels + SPREAD_WEIGHT * spread
        losses = {"pixels": pixels, "spread": spread}
        if share >= FEATURES_FROM:
            losses["features"] = self._feature_loss(drawn, pictures)
            loss = loss + FEATURE_WEIGHT * losses["features"]
        if share >= CRITIC_FROM:
            with half_precision(self.device):
                judged = self.critic(drawn)
            loss = loss - CRITIC_WEIGHT * judged.float().mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        if share >= CRITIC_FROM - 0.02:
            losses["critic"] = self._train_critic(drawn.detach(), pictures)
        return losses

    def _feature_loss(self, drawn: Tensor, pictures: Tensor) -> Tensor:
        """Squared distance of the recogniser's features, each of unit length (as LPIPS, Zhang et al., 2018)."""
        with half_precision(self.device):
            found = self.recogniser.features(drawn)
            with torch.no_grad():
                wanted = self.recogniser.features(pictures)
        parts = [
            (functional.normalize(a.float(), dim=1) - functional.normalize(b.float(), dim=1)).square().sum(1).mean()
            for a, b in zip(found, wanted, strict=True)
        ]
        return torch.stack(parts).sum()

    def _train_critic(self, drawn: Tensor, pictures: Tensor) -> Tensor:
        with half_precision(self.device):
            judged = self.critic(torch.cat([drawn, pictures])).float()
        false, true = judged.chunk(2)
        loss = functional.relu(1 + false).mean() + functional.relu(1 - true).mean()
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()
        return loss


def pixel_loss(drawn: Tensor, wanted: Tensor, cover: Tensor) -> Tensor:
    """Absolute error of colours at four scales, and of their differences at two; subjects count three times.

    drawn and wanted (n, 3, h, w) in [-1, 1], cover (n, 1, h, w) 0-1. The coarse scales settle the colours of areas.
    """
    error, weight = drawn - wanted, (1 + 2 * cover) / (1 + 2 * cover.mean())
    parts = []
    for scale in range(4):
        parts.append((error.abs() * weight).mean() * (1.0 if scale == 0 else 0.5))
        if scale < 2:
            across = (error[..., :, 1:] - error[..., :, :-1]).abs() * weight[..., :, 1:]
            down = (error[..., 1:, :] - error[..., :-1, :]).abs() * weight[..., 1:, :]
            parts.append(0.5 * (across.mean() + down.mean()))
        error, weight = functional.avg_pool2d(error, 2), functional.avg_pool2d(weight, 2)
    return torch.stack(parts).sum()


def spread_loss(latents: Tensor) -> Tensor:
    """How far the channels of latents (n, c, h, w) are from mean 0 and deviation 1."""
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    return (mean.square() + (deviation - 1).square()).mean()


def _noised(latents: Tensor) -> Tensor:
    is_noised = (torch.rand(len(latents), 1, 1, 1, device=latents.device) < 0.5).to(latents.dtype)
    return latents + NOISE * is_noised * torch.randn_like(latents)


def crops(shard: Shard, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Random crops (n, 3, CROP, CROP) in [-1, 1] and how far subjects cover them (n, 1, CROP, CROP) 0-1."""
    chosen = torch.randint(len(shard.rows), (count,))
    down, right = (int(torch.randint((side - CROP) // CELL + 1, ())) for side in shard.pictures.shape[1:3])
    cells = slice(down, down + CROP // CELL), slice(right, right + CROP // CELL)
    pixels = slice(down * CELL, down * CELL + CROP), slice(right * CELL, right * CELL + CROP)
    pictures = as_input(shard.pictures[chosen][:, pixels[0], pixels[1]], device)
    cover = shard.cover[chosen][:, None, cells[0], cells[1]].to(device).float() / 255
    cover = functional.interpolate(cover, scale_factor=CELL, mode="nearest")
    return pictures.contiguous(memory_format=torch.channels_last), cover


def train_autoencoder(
    shards: Sequence[Shard], recogniser: Recogniser, path: Path, steps: int, device: torch.device
) -> AutoencoderTiny:
    """Train, or continue; returns the averaged weights.

    The encoder stops learning at FROZEN_FROM of the steps. Once there are latents, only the decoder may learn more.
    """
    trainer = Trainer(new_autoencoder(), recogniser, device)
    loop = Loop("autoencoder", path, steps, trainer.parts())
    for step in loop:
        share = step / steps
        trainer.network.encoder.requires_grad_(requires_grad=share < FROZEN_FROM)
        _step(trainer, shards, loop, share)
    return trainer.averaged()


def train_decoder(
    network: AutoencoderTiny,
    shards: Sequence[Shard],
    recogniser: Recogniser,
    path: Path,
    steps: int,
    device: torch.device,
) -> AutoencoderTiny:
    """Train the decoder alone, or continue, with all terms of the loss; latents keep their meaning."""
    copy = new_autoencoder()
    copy.load_state_dict(network.state_dict())
    trainer = Trainer(copy, recogniser, device)
    trainer.network.encoder.requires_grad_(requires_grad=False)
    loop = Loop("decoder", path, steps, trainer.parts())
    for _ in loop:
        _step(trainer, shards, loop, 1.0)
    return trainer.averaged()


def _step(trainer: Trainer, shards: Sequence[Shard], loop: Loop, share: float) -> None:
    shard = shards[int(torch.randint(len(shards), ()))]
    losses = trainer.step(
        *crops(shard, GPU_BATCH if trainer.device.type == "cuda" else BATCH, trainer.device),
        share,
        loop.rate(PEAK_RATE, FALL),
    )
    trainer.average.update(loop.step)
    loop.note(**losses)


def load_autoencoder(path: Path) -> AutoencoderTiny | None:
    """The averaged weights of a checkpoint, or None."""
    saved = load_checkpoint(path)
    if saved is None:
        return None
    network = new_autoencoder()
    network.load_state_dict(saved["parts"]["average"])
    return network.eval()


@torch.no_grad()
def encode(network: AutoencoderTiny, pictures: Tensor, batch: int = 64) -> Tensor:
    """uint8 (n, h, w, 3) to float32 latents (n, CHANNELS, h / 8, w / 8) on the CPU."""
    device = next(network.parameters()).device
    return torch.cat([network.encode(as_input(part, device)).latents.float().cpu() for part in pictures.split(batch)])


@torch.no_grad()
def fidelity(network: AutoencoderTiny, pictures: Tensor) -> dict[str, float]:
    """PSNR in dB and the gradient energy against the originals' of uint8 pictures (n, h, w, 3) after a round trip."""
    device = next(network.parameters()).device
    wanted = as_input(pictures, device)
    drawn = network.decode(network.encode(wanted).latents).sample.float().clamp(-1, 1)
    error = float(functional.mse_loss(drawn, wanted))
    return {
        "psnr": 10 * float(torch.tensor(4 / error).log10()),
        "sharpness": gradient_energy(drawn) / gradient_energy(wanted),
    }


def gradient_energy(pictures: Tensor) -> float:
    """Mean squared difference of neighbouring pixels of pictures (n, c, h, w)."""
    across = (pictures[..., 1:] - pictures[..., :-1]).square().mean()
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).square().mean()
    return float(across + down)
