"""Embeds texts with MiniLM in onnxruntime, which set-up exported (`starter.meaning`); never imports torch."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from django.conf import settings

from feed.search.embeddings.vectors import TEXT_DIMENSIONS, Vector

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MOST_TOKENS = 128
BATCH = 32
THREADS = 4


def is_available() -> bool:
    """Whether set-up exported the encoder. Without it, search goes by words alone."""
    return (_folder() / "model.onnx").exists()


def embed(texts: Sequence[str]) -> Vector:
    """Unit vectors float32 (n, 384) of texts. Texts longer than 128 tokens are cut."""
    if not texts:
        return np.empty((0, TEXT_DIMENSIONS), dtype=np.float32)
    tokenizer, session = _encoder(_folder())
    vectors = []
    for first in range(0, len(texts), BATCH):
        tokens = tokenizer.encode_batch(list(texts[first : first + BATCH]))
        ids = np.array([text.ids for text in tokens], dtype=np.int64)
        mask = np.array([text.attention_mask for text in tokens], dtype=np.int64)
        vectors.append(session.run(None, {"ids": ids, "mask": mask})[0])
    return np.concatenate(vectors)


def submit(text: str) -> "Future[Vector]":
    """Embeds one text in a thread, while the caller queries the database; the result is a vector (384,)."""
    return _threads().submit(lambda: cast(Vector, embed([text])[0]))


@cache
def _threads() -> ThreadPoolExecutor:
    """Created on first use, which is after the server forked."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="embedding")


def _folder() -> Path:
    return Path(settings.CHECKPOINTS_DIR) / "meaning"


@cache
def _encoder(folder: Path) -> "tuple[Tokenizer, Any]":
    """Loads the model on first use, once per process."""
    import onnxruntime  # loads slowly, and only processes that embed need it
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")  # noqa: S106 - the tokenizer's padding, not a password
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a query is short; processes run in parallel
    model = str(folder / "model.onnx")
    return tokenizer, onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
