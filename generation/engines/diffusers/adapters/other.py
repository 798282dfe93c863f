"""PixArt, Sana, and pipelines that no adapter was written for."""

from collections.abc import Sequence
from typing import Any

from generation.engines.diffusers.adapters.base import Adapter, Call
from generation.engines.diffusers.adapters.flow import t5
from generation.engines.diffusers.embeddings import Encoded, encode_once
from generation.prompts.weights import Weighted


class PixArt(Adapter):
    """One T5, with a mask of what is padding. Sizes are drawn as they are asked for, not at the nearest bin."""

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        shown = self._encoded(call.read_prompts)
        arguments: dict[str, Any] = {"prompt_embeds": shown.tokens, "prompt_attention_mask": shown.mask}
        if self.has_two_passes(call):
            hidden = self._encoded(call.read_negatives)
            arguments |= {"negative_prompt_embeds": hidden.tokens, "negative_prompt_attention_mask": hidden.mask}
        return arguments | {"negative_prompt": None}

    def other_arguments(self) -> dict[str, Any]:
        return {"use_resolution_binning": False, "clean_caption": False}

    def _encoded(self, prompts: Sequence[Weighted]) -> Encoded:
        model = t5(self.pipeline.text_encoder, self.device, with_mask=True)
        lowered = [_lowered(prompt) for prompt in prompts]
        found = encode_once(self.pipeline.tokenizer, lowered, self.family.token_limit, model)
        return Encoded(found.tokens.to(self.pipeline.transformer.dtype), mask=found.mask)


def _lowered(prompt: Weighted) -> Weighted:
    """As PixArt was trained; characters whose small letters are several stay as they are."""
    text = "".join(low if len(low := character.lower()) == 1 else character for character in prompt.text)
    return Weighted(text, prompt.weights)


class Sana(Adapter):
    """Reads a prompt behind an instruction to a language model, so that single words cannot be weighted."""

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        return {"prompt": list(call.prompts), "negative_prompt": list(call.negative_prompts)}

    def other_arguments(self) -> dict[str, Any]:
        return {"use_resolution_binning": False, "clean_caption": False}


class Generic(Adapter):
    """Gives a pipeline the arguments that its call names, and takes the pictures that it returns."""

    output = "pil"

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        arguments: dict[str, Any] = {"prompt": list(call.prompts)}
        if call.guidance > 1:
            arguments["negative_prompt"] = list(call.negative_prompts)
        return arguments
