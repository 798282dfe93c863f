"""The denoiser: its network, its noise schedule and its loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import BertModel, BertTokenizer

from starter.assemble import TOKENS, write_text_encoder
from starter.progress import load_checkpoint
from starter.recipe.networks.autoencoder import CHANNELS
from starter.recipe.networks.loop import half_precision

FEATURES = 384
"""Features of a token in MiniLM."""
PROJECTED = 256
"""Features of a token after the projection that is trained with the denoiser."""
SIDE = 16
"""Side of a square picture's latents."""
SUBJECT_WEIGHT = 2.5
"""What the error where a subject stands weighs more than elsewhere."""
MIN_SNR = 5.0
EMPTY_CAPTIONS = 0.1


def new_denoiser() -> UNet2DConditionModel:
    """An untrained denoiser of about 16 M parameters with a learnt projection of the text."""
    return UNet2DConditionModel(
        sample_size=SIDE,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(96, 160, 224),
        layers_per_block=1,
        norm_num_groups=16,
        attention_head_dim=(3, 5, 7),  # diffusers takes it as the number of heads; each has 32 features
        cross_attention_dim=PROJECTED,
        encoder_hid_dim=FEATURES,
        encoder_hid_dim_type="text_proj",
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )


def new_scheduler() -> DDIMScheduler:
    """v-prediction on a cosine schedule down to zero signal, so that a picture can be all dark or all light."""
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def load_denoiser(path: Path) -> UNet2DConditionModel:
    """The averaged weights of a checkpoint; raises FileNotFoundError where there is none."""
    saved = load_checkpoint(path)
    if saved is None:
        raise FileNotFoundError(f"there is no denoiser at {path}: train it first")
    network = new_denoiser()
    network.load_state_dict(saved["parts"]["average"])
    return network.eval()


class TextEncoder:
    """Captions to features, as `StableDiffusionPipeline.encode_prompt` makes them."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        if not folder.exists():
            write_text_encoder(folder)
        self.tokenizer = BertTokenizer.from_pretrained(folder / "tokenizer")
        self.model = BertModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval().to(device)
        self.device = device

    @torch.no_grad()
    def __call__(self, captions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Features float32 (n, 32, 384) and mask bool (n, 32) of the tokens that are text."""
        tokens = self.tokenizer(
            list(captions), padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
        ).to(self.device)
        with half_precision(self.device):
            found = self.model(tokens.input_ids, attention_mask=tokens.attention_mask)[0]
        return found.float(), tokens.attention_mask.bool()


@torch.no_grad()
def whiten_projection(denoiser: UNet2DConditionModel, features: Tensor, mask: Tensor) -> None:
    """Start the text projection at the principal directions of the caption tokens, evened out.

    Raw MiniLM tokens differ little around a large common offset. features (n, 32, 384), mask bool (n, 32).
    """
    tokens = features[mask].float()
    mean = tokens.mean(0)
    spread, directions = torch.linalg.eigh((tokens - mean).T.cov())
    floor = spread.mean() * 0.05
    weight = directions[:, -PROJECTED:].T / (spread[-PROJECTED:] + floor).sqrt()[:, None]
    denoiser.encoder_hid_proj.weight.copy_(weight)
    denoiser.encoder_hid_proj.bias.copy_(-weight @ mean)


@dataclass(frozen=True, slots=True)
class Noised:
    """Latents at random times of the schedule, and what the denoiser should find in them."""

    latents: Tensor
    times: Tensor
    wanted: Tensor
    """v = sqrt(a) noise - sqrt(1 - a) x (Salimans and Ho, 2022)"""
    weight: Tensor
    """(n, 1, 1, 1), (min(SNR, 5) + 1) / (SNR + 1): min-SNR (Hang et al., 2023), kept at 1 down to zero signal"""


def noised(clean: Tensor, signal: Tensor) -> Noised:
    """Add noise to latents (n, c, h, w); `signal` (steps,) is the schedule's cumulative product of alphas."""
    times = torch.randint(len(signal), (len(clean),), device=clean.device)
    share = signal[times][:, None, None, None]
    noise = torch.randn_like(clean)
    snr = share / (1 - share).clamp(min=1e-5)
    weight = (snr.clamp(max=MIN_SNR) + 1) / (snr + 1)
    mixed = share.sqrt() * clean + (1 - share).sqrt() * noise
    return Noised(mixed, times, share.sqrt() * noise - (1 - share).sqrt() * clean, weight)


def weighted_error(found: Tensor, noised: Noised, cover: Tensor) -> Tensor:
    """Squared error of v, weighted by time and by the subject's share of each cell, cover (n, 1, h, w) 0-1."""
    weight = noised.weight * (1 + SUBJECT_WEIGHT * cover) / (1 + SUBJECT_WEIGHT * cover.mean())
    return ((found.float() - noised.wanted).square() * weight).mean()
