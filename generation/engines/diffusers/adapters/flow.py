"""Stable Diffusion 3 and FLUX: transformers that read CLIP's pooled embedding and the tokens of T5."""

from collections.abc import Sequence
from typing import Any

import torch

from generation.engines.diffusers.adapters.base import Adapter, Call
from generation.engines.diffusers.adapters.clip import penultimate
from generation.engines.diffusers.embeddings import Encoded, Encoder, encode_once, encode_windows
from generation.prompts.weights import Weighted


def t5(model: Any, device: torch.device, *, with_mask: bool = False) -> Encoder:
    @torch.no_grad()
    def encode(ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, None]:
        options = {"attention_mask": mask.to(device)} if with_mask else {}
        return model(ids.to(device), **options)[0], None

    return encode


class StableDiffusion3(Adapter):
    """Two CLIP encoders of one window, and T5, which may be missing to save memory, behind them."""

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        shown = self._encoded(call.read_prompts, call.clip_skip - 1)
        arguments = {"prompt_embeds": shown.tokens, "pooled_prompt_embeds": shown.pooled}
        if self.has_two_passes(call):
            hidden = self._encoded(call.read_negatives, 0)
            arguments |= {"negative_prompt_embeds": hidden.tokens, "negative_pooled_prompt_embeds": hidden.pooled}
        return arguments

    def _encoded(self, prompts: Sequence[Weighted], skipped: int) -> Encoded:
        pipeline, dtype = self.pipeline, self.pipeline.transformer.dtype
        both = ((pipeline.tokenizer, pipeline.text_encoder), (pipeline.tokenizer_2, pipeline.text_encoder_2))
        clip = [encode_windows(reads, prompts, 1, penultimate(model, self.device, skipped)) for reads, model in both]
        long = self._long(prompts)
        wide = torch.cat([each.tokens for each in clip], dim=-1)
        wide = torch.nn.functional.pad(wide, (0, long.shape[-1] - wide.shape[-1]))
        pooled = torch.cat([each.pooled for each in clip if each.pooled is not None], dim=-1)
        return Encoded(torch.cat([wide, long], dim=1).to(dtype), pooled.to(dtype))

    def _long(self, prompts: Sequence[Weighted]) -> torch.Tensor:
        pipeline, length = self.pipeline, self.family.token_limit
        if pipeline.text_encoder_3 is None:
            return torch.zeros(len(prompts), length, pipeline.transformer.config.joint_attention_dim).to(self.device)
        return encode_once(pipeline.tokenizer_3, prompts, length, t5(pipeline.text_encoder_3, self.device)).tokens


class Flux(Adapter):
    """Guidance is an input of the model, or none at all: there is no second pass and no negative prompt."""

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        pipeline, dtype = self.pipeline, self.pipeline.transformer.dtype
        long = encode_once(
            pipeline.tokenizer_2, call.read_prompts, self.family.token_limit, t5(pipeline.text_encoder_2, self.device)
        )
        return {"prompt_embeds": long.tokens.to(dtype), "pooled_prompt_embeds": self._pooled(call).to(dtype)}

    @torch.no_grad()
    def _pooled(self, call: Call) -> torch.Tensor:
        tokenizer, model = self.pipeline.tokenizer, self.pipeline.text_encoder

        def encode(ids: torch.Tensor, _mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            found = model(ids.to(self.device))
            return found[0], found.pooler_output

        plain = [Weighted(each.text, (1.0,) * len(each.text)) for each in call.read_prompts]
        pooled = encode_windows(tokenizer, plain, 1, encode).pooled
        assert pooled is not None
        return pooled

    def spatial(self, latents: torch.Tensor, call: Call) -> torch.Tensor:
        """Its latents are a sequence of patches of 2 x 2."""
        if latents.ndim != 3:
            return latents
        count, _patches, channels = latents.shape
        side = self.pipeline.vae_scale_factor * 2
        rows, columns = call.height // side, call.width // side
        patches = latents.view(count, rows, columns, channels // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
        return patches.reshape(count, channels // 4, rows * 2, columns * 2)
