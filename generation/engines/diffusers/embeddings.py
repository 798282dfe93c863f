"""Prompts as the text encoders of diffusion models read them: with weights, and longer than one window.

A prompt is cut into windows of the tokenizer's length (75 tokens of CLIP and its two marks), each is encoded by
itself, and the results follow each other. The embedding of a token moves away from that of the empty prompt by the
token's weight. A prompt without weights that fits one window is exactly what diffusers makes of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from generation.prompts.weights import Weighted

Token = tuple[int, float]  # id, weight
_WINDOW = 77  # of tokenizers that do not say theirs


@dataclass(frozen=True)
class Encoded:
    """Embeddings (pictures, tokens, d) of prompts, and the pooled embedding of the first window where there is one."""

    tokens: torch.Tensor
    pooled: torch.Tensor | None = None
    mask: torch.Tensor | None = None


Encoder = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor | None]]
"""Ids and mask (n, length) to embeddings (n, length, d) and pooled ones (n, d)."""


def read_tokens(tokenizer: Any, prompt: Weighted) -> list[Token]:
    """The ids of a prompt's tokens with their weights, without marks of begin and end."""
    ids, offsets = _ids_and_offsets(tokenizer, prompt)
    tokens = [
        (id_, prompt.weights[end - 1] if end > start else 1.0) for id_, (start, end) in zip(ids, offsets, strict=True)
    ]
    return _with_all_vectors(tokenizer, tokens)


def _ids_and_offsets(tokenizer: Any, prompt: Weighted) -> tuple[list[int], list[tuple[int, int]]]:
    if getattr(tokenizer, "is_fast", False):
        read = tokenizer(prompt.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return list(read.input_ids), [(int(start), int(end)) for start, end in read.offset_mapping]
    ids: list[int] = []
    offsets: list[tuple[int, int]] = []
    for start, end in _runs(prompt):  # a tokenizer that does not say where its tokens stand reads run after run
        read = tokenizer(prompt.text[start:end], add_special_tokens=False, verbose=False).input_ids
        ids += read
        offsets += [(start, end)] * len(read)
    return ids, offsets


def _runs(prompt: Weighted) -> list[tuple[int, int]]:
    """From where to where characters have one weight."""
    cuts = [n for n in range(1, len(prompt.text)) if prompt.weights[n] != prompt.weights[n - 1]]
    return list(zip([0, *cuts], [*cuts, len(prompt.text)], strict=True)) if prompt.text else []


def _with_all_vectors(tokenizer: Any, tokens: list[Token]) -> list[Token]:
    """A textual inversion of several vectors is one word of the prompt and several tokens: `ink`, `ink_1`, …"""
    added = getattr(tokenizer, "added_tokens_encoder", {})
    if not added:
        return tokens
    names = {id_: name for name, id_ in added.items()}
    whole: list[Token] = []
    for id_, weight in tokens:
        whole.append((id_, weight))
        number = 1
        while (following := added.get(f"{names.get(id_)}_{number}")) is not None:
            whole.append((following, weight))
            number += 1
    return whole


def window_of(tokenizer: Any) -> int:
    length = int(getattr(tokenizer, "model_max_length", _WINDOW) or _WINDOW)
    return length if length <= 1000 else _WINDOW


def windows_needed(tokenizer: Any, prompt: Weighted) -> int:
    """How many windows a prompt fills, at least one."""
    space = window_of(tokenizer) - 2
    return max(1, -(-len(read_tokens(tokenizer, prompt)) // space))


def encode_windows(tokenizer: Any, prompts: Sequence[Weighted], windows: int, encoder: Encoder) -> Encoded:
    """Encodes each prompt in `windows` windows of the tokenizer's length: filled up, or cut."""
    rows = [row for prompt in prompts for row in _window_rows(tokenizer, read_tokens(tokenizer, prompt), windows)]
    ids = torch.tensor([[id_ for id_, _weight, _mask in row] for row in rows])
    weights = torch.tensor([[weight for _id, weight, _mask in row] for row in rows])
    mask = torch.tensor([[kept for _id, _weight, kept in row] for row in rows])
    tokens, pooled = encoder(ids, mask)
    if any(not prompt.is_plain for prompt in prompts):
        empty = _window_rows(tokenizer, [], 1)
        blank, _pooled = encoder(
            torch.tensor([[row[0] for row in empty[0]]]), torch.tensor([[row[2] for row in empty[0]]])
        )
        tokens = weighted(tokens, blank, weights)
    count, length, width = len(prompts), tokens.shape[1], tokens.shape[2]
    first = None if pooled is None else pooled.reshape(count, windows, -1)[:, 0]
    return Encoded(tokens.reshape(count, windows * length, width), first)


def weighted(tokens: torch.Tensor, blank: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Embeddings (n, length, d) moved away from the empty prompt's (1, length, d) by weights (n, length).

    Tokens of weight 1 stay exactly as they are.
    """
    scale = weights.to(tokens.device, tokens.dtype)[..., None]
    return torch.where(scale == 1, tokens, blank + (tokens - blank) * scale)


def _window_rows(tokenizer: Any, tokens: list[Token], windows: int) -> list[list[tuple[int, float, int]]]:
    """Rows of (id, weight, mask): begin, tokens, end, padding."""
    length = window_of(tokenizer)
    begin = _first_of(tokenizer.bos_token_id, tokenizer.cls_token_id)
    end = _first_of(tokenizer.eos_token_id, tokenizer.sep_token_id)
    pad = _first_of(tokenizer.pad_token_id, end)
    rows = []
    for number in range(windows):
        part = tokens[number * (length - 2) : (number + 1) * (length - 2)]
        row = [(begin, 1.0, 1), *((id_, weight, 1) for id_, weight in part), (end, 1.0, 1)]
        rows.append(row + [(pad, 1.0, 0)] * (length - len(row)))
    return rows


def _first_of(*ids: int | None) -> int:
    return next((id_ for id_ in ids if id_ is not None), 0)


def encode_once(tokenizer: Any, prompts: Sequence[Weighted], length: int, encoder: Encoder) -> Encoded:
    """Encodes each prompt in one window of `length` tokens that ends with the tokenizer's mark, as T5 reads it."""
    end, pad = _first_of(tokenizer.eos_token_id), _first_of(tokenizer.pad_token_id)
    rows = []
    for tokens in (read_tokens(tokenizer, prompt)[: length - 1] for prompt in [*prompts, Weighted("", ())]):
        row = [*((id_, weight, 1) for id_, weight in tokens), (end, 1.0, 1)]
        rows.append(row + [(pad, 1.0, 0)] * (length - len(row)))
    wanted = rows if any(not prompt.is_plain for prompt in prompts) else rows[:-1]
    mask = torch.tensor([[each[2] for each in row] for row in wanted])
    tokens_, _pooled = encoder(torch.tensor([[each[0] for each in row] for row in wanted]), mask)
    count = len(prompts)
    if len(wanted) > count:
        weights = torch.tensor([[each[1] for each in row] for row in rows[:count]])
        tokens_ = weighted(tokens_[:count], tokens_[count:], weights)
    return Encoded(tokens_, mask=mask[:count].to(tokens_.device))
