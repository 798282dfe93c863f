"""Stable Diffusion 1, 2 and XL with their kin: one or two CLIP encoders, prompts of any length in windows."""

from collections.abc import Sequence
from typing import Any

import torch

from generation.engines.diffusers.adapters.base import Adapter, Call
from generation.engines.diffusers.embeddings import Encoded, Encoder, encode_windows, windows_needed
from generation.prompts.weights import Weighted


class StableDiffusion(Adapter):
    """One encoder, whose last layer (or an earlier one) is read. Latent consistency models are built the same way."""

    def windows(self, prompt: Weighted, negative: Weighted) -> int:
        return max(windows_needed(self.pipeline.tokenizer, each) for each in (prompt, negative))

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        arguments = {"prompt_embeds": self._encoded(call.read_prompts, call)}
        if self.has_two_passes(call):
            arguments["negative_prompt_embeds"] = self._encoded(call.read_negatives, call)
        return arguments

    def _encoded(self, prompts: Sequence[Weighted], call: Call) -> torch.Tensor:
        encoded = encode_windows(self.pipeline.tokenizer, prompts, call.windows, self._encoder(call.clip_skip - 1))
        return encoded.tokens.to(self.pipeline.unet.dtype)

    def _encoder(self, skipped: int) -> Encoder:
        model = self.pipeline.text_encoder
        takes_mask = bool(getattr(model.config, "use_attention_mask", False))

        @torch.no_grad()
        def encode(ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, None]:
            ids, mask = ids.to(self.device), mask.to(self.device)
            found = model(ids, attention_mask=mask if takes_mask else None, output_hidden_states=skipped > 0)
            if skipped <= 0:
                return found[0], None
            inner = getattr(model, "text_model", model)
            return inner.final_layer_norm(found.hidden_states[-(skipped + 1)]), None

        return encode


class StableDiffusionXL(Adapter):
    """Two encoders side by side, read at the layer before the last; the second gives the pooled embedding as well."""

    def windows(self, prompt: Weighted, negative: Weighted) -> int:
        tokenizers = [tokenizer for tokenizer, _model in self._encoders()]
        return max(windows_needed(tokenizer, each) for tokenizer in tokenizers for each in (prompt, negative))

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        shown = self._encoded(call.read_prompts, call, call.clip_skip - 1)
        arguments = {"prompt_embeds": shown.tokens, "pooled_prompt_embeds": shown.pooled}
        if self.has_two_passes(call):
            hidden = self._negative(call)
            arguments |= {"negative_prompt_embeds": hidden.tokens, "negative_pooled_prompt_embeds": hidden.pooled}
        return arguments

    def _negative(self, call: Call) -> Encoded:
        """An empty negative prompt is zeros where the model was trained so."""
        found = self._encoded(call.read_negatives, call, 0)
        if not self.pipeline.config.get("force_zeros_for_empty_prompt", False):
            return found
        kept = torch.tensor([bool(each.text.strip()) for each in call.read_negatives]).to(found.tokens)
        assert found.pooled is not None
        return Encoded(found.tokens * kept[:, None, None], found.pooled * kept[:, None])

    def _encoders(self) -> list[tuple[Any, Any]]:
        pipeline = self.pipeline
        both = ((pipeline.tokenizer, pipeline.text_encoder), (pipeline.tokenizer_2, pipeline.text_encoder_2))
        return [(tokenizer, model) for tokenizer, model in both if model is not None]

    def _encoded(self, prompts: Sequence[Weighted], call: Call, skipped: int) -> Encoded:
        found = [
            encode_windows(tokenizer, prompts, call.windows, penultimate(model, self.device, skipped))
            for tokenizer, model in self._encoders()
        ]
        dtype = self.pipeline.unet.dtype
        pooled = found[-1].pooled
        assert pooled is not None
        return Encoded(torch.cat([each.tokens for each in found], dim=-1).to(dtype), pooled.to(dtype))


def penultimate(model: Any, device: torch.device, skipped: int) -> Encoder:
    """Reads a CLIP encoder at its layer before the last, or `skipped` before that, and its pooled embedding."""

    @torch.no_grad()
    def encode(ids: torch.Tensor, _mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        found = model(ids.to(device), output_hidden_states=True)
        pooled = found[0] if found[0].ndim == 2 else None
        return found.hidden_states[-(skipped + 2)], pooled

    return encode
