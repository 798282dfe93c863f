"""The denoiser with a LoRA, how much less it errs on noisy pictures than without (the reference), and the losses."""

import copy
from typing import Any

import torch
from accelerate.utils import set_seed
from diffusers import DDPMScheduler
from diffusers.training_utils import cast_training_params
from peft import LoraConfig
from torch.nn import functional

from ratings.alignment.data import AlignmentError
from ratings.alignment.settings import Settings
from ratings.alignment.shards import Tensors

TARGETS = ["to_k", "to_q", "to_v", "to_out.0"]
_PREDICTIONS = ("epsilon", "v_prediction")


def require_supported(pipeline: Any) -> None:
    """Raises AlignmentError for what is no Stable Diffusion 1, 2 or XL, or does not learn from noise as they do."""
    unet = getattr(pipeline, "unet", None)
    config = getattr(unet, "config", None)
    if (
        config is None
        or config.addition_embed_type not in (None, "text_time")
        or config.time_cond_proj_dim  # distilled: it is given the guidance
        or config.in_channels != pipeline.vae.config.latent_channels  # draws inside masks
        or getattr(pipeline.vae.config, "latents_mean", None)
        or pipeline.scheduler.config.get("prediction_type", "epsilon") not in _PREDICTIONS
    ):
        raise AlignmentError(
            "Only checkpoints of the families Stable Diffusion 1, 2 and XL are aligned; docs/training.md has others."
        )


def add_lora(pipeline: Any, settings: Settings) -> list[torch.nn.Parameter]:
    """Adds a LoRA in float32 to the denoiser's attention and freezes everything else; returns the trainable weights."""
    require_supported(pipeline)
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.requires_grad_(False)
    set_seed(settings.seed)
    pipeline.unet.add_adapter(
        LoraConfig(r=settings.rank, lora_alpha=settings.rank, init_lora_weights="gaussian", target_modules=TARGETS)
    )
    cast_training_params(pipeline.unet, dtype=torch.float32)
    return [weight for weight in pipeline.unet.parameters() if weight.requires_grad]


class Denoiser:
    """Computes errors. `unet` is trained, maybe through a wrapper for many processes; `plain` has none."""

    def __init__(self, unet: Any, plain: Any, pipeline: Any) -> None:
        self.unet = unet
        self.plain = plain
        self.dtype: torch.dtype = next(weight.dtype for weight in plain.parameters() if not weight.requires_grad)
        self.scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)

    def without_wrapper(self) -> "Denoiser":
        """For measuring: processes may have different numbers of batches, and must not wait for each other."""
        copied = copy.copy(self)
        copied.unet = self.plain
        return copied

    def gained(self, batch: Tensors) -> torch.Tensor:
        """(N, k) by how much less the denoiser errs on each picture than its reference: the implicit reward / beta.

        `batch` holds `latents` (N, k, channels, H, W), `noise` (N, channels, H, W), which all k pictures get, `time`
        (N,) from 0 to 1, and the embeddings.
        """
        inputs, target = self._noisy(batch)
        self.plain.disable_adapters()
        with torch.no_grad():
            reference = self._errors(self.plain, inputs, target)
        self.plain.enable_adapters()
        trained = self._errors(self.unet, inputs, target)
        return (reference - trained).view(batch["latents"].shape[:2])

    def _noisy(self, batch: Tensors) -> tuple[dict[str, Any], torch.Tensor]:
        """The denoiser's arguments, and what it should return."""
        latents = batch["latents"].flatten(0, 1).float()
        count = batch["latents"].shape[1]
        noise = batch["noise"].repeat_interleave(count, 0)
        times = (batch["time"].repeat_interleave(count) * self.scheduler.config.num_train_timesteps).long()
        is_velocity = self.scheduler.config.prediction_type == "v_prediction"
        inputs: dict[str, Any] = {
            "sample": self.scheduler.add_noise(latents, noise, times).to(self.dtype),
            "timestep": times,
            "encoder_hidden_states": batch["words"].repeat_interleave(count, 0),
        }
        if "pooled" in batch:
            pooled, sizes = batch["pooled"].repeat_interleave(count, 0), batch["sizes"].flatten(0, 1)
            inputs["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": sizes}
        return inputs, self.scheduler.get_velocity(latents, noise, times) if is_velocity else noise

    def _errors(self, unet: Any, inputs: dict[str, Any], target: torch.Tensor) -> torch.Tensor:
        """(N * k,) mean squared errors."""
        with torch.autocast(target.device.type, self.dtype, enabled=self.dtype != torch.float32):
            predicted = unet(**inputs).sample
        return functional.mse_loss(predicted.float(), target, reduction="none").mean(dim=(1, 2, 3))


def dpo_loss(gained: torch.Tensor, beta: float) -> torch.Tensor:
    """Of pairs: `gained` (N, 2), the preferred picture first.

    Wallace et al. 2023, "Diffusion Model Alignment Using Direct Preference Optimization", equation 14.
    """
    return -functional.logsigmoid(beta * (gained[:, 0] - gained[:, 1])).mean()


def kto_loss(
    gained: torch.Tensor, labels: torch.Tensor, baseline: torch.Tensor, *, beta: float, share: float
) -> torch.Tensor:
    """Of single pictures: `gained` and `labels` (N, 1), 1 for a picture that people liked.

    `baseline` is what all pictures gained on average, not below 0. `share` is how many of all pictures are liked: both
    kinds weigh the same in sum. Li et al. 2024, "Aligning Diffusion Models by Optimizing Human Utility", equation 8,
    with the sigmoid as utility.
    """
    utility = torch.sigmoid(beta * (2 * labels - 1) * (gained - baseline))
    weights = torch.where(labels > 0, 0.5 / max(share, 1e-6), 0.5 / max(1 - share, 1e-6))
    return (weights * (1 - utility)).mean()
