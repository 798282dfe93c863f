"""Words to vectors: MiniLM by onnxruntime, from the folder that set-up wrote (`starter.meaning`); never torch."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from feed.search.models import DIMENSIONS as DIMENSIONS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Vector = NDArray[np.float32]

MOST_TOKENS = 128
BATCH = 32
THREADS = 4


def is_available() -> bool:
    """Whether set-up exported the encoder; without it search goes by words alone."""
    return (_folder() / "model.onnx").exists()


def embed(texts: Sequence[str]) -> Vector:
    """Unit vectors float32 (n, 384) of texts; what is longer than 128 tokens is cut."""
    if not texts:
        return np.empty((0, DIMENSIONS), dtype=np.float32)
    tokenizer, session = _encoder(_folder())
    vectors = []
    for first in range(0, len(texts), BATCH):
        tokens = tokenizer.encode_batch(list(texts[first : first + BATCH]))
        ids = np.array([text.ids for text in tokens], dtype=np.int64)
        mask = np.array([text.attention_mask for text in tokens], dtype=np.int64)
        vectors.append(session.run(None, {"ids": ids, "mask": mask})[0])
    return np.concatenate(vectors)


def embed_soon(text: str) -> "Future[Vector]":
    """The vector (384,) of one text, made in a thread while the caller asks the database."""
    return _threads().submit(lambda: cast(Vector, embed([text])[0]))


@cache
def _threads() -> ThreadPoolExecutor:
    """Made on first use, that is after a server forked."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="meaning")


def _folder() -> Path:
    return Path(settings.CHECKPOINTS_DIR) / "meaning"


@cache
def _encoder(folder: Path) -> "tuple[Tokenizer, Any]":
    """Loaded once a process, on its first use."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")  # noqa: S106 - the tokenizer's word for nothing
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a query is short; processes are the parallelism
    model = str(folder / "model.onnx")
    return tokenizer, onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
