"""Captions to features, as the pipeline will make them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import BertModel, BertTokenizer

from starter.assemble import TOKENS

FEATURES = 384
"""Features of a token in MiniLM."""


class TextEncoder:
    """Captions to features, exactly as `StableDiffusionPipeline.encode_prompt` makes them."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.tokenizer = BertTokenizer.from_pretrained(folder / "tokenizer")
        model = BertModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
        self.model = model.eval().to(device)
        self.device = device

    @torch.no_grad()
    def __call__(self, captions: Sequence[str], batch: int = 64) -> tuple[Tensor, Tensor]:
        """Features float16 (n, 32, 384) and mask bool (n, 32) of the tokens that are text."""
        features, masks = [], []
        for start in range(0, len(captions), batch):
            tokens = self.tokenizer(
                list(captions[start : start + batch]),
                padding="max_length",
                max_length=TOKENS,
                truncation=True,
                return_tensors="pt",
            ).to(self.device)
            found = self.model(tokens.input_ids, attention_mask=tokens.attention_mask)[0]
            features.append(found.half().cpu())
            masks.append(tokens.attention_mask.bool().cpu())
        return torch.cat(features), torch.cat(masks)
