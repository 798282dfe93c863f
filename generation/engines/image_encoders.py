"""Exports the image encoder of CLIP, SigLIP and their kind to ONNX, with the preprocessing of its pictures.

Web processes and workers encode pictures with onnxruntime alone; torch is needed here, once, by an operator.
"""

import hashlib
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from lib.errors import Refused

MODEL_FILE, ABOUT_FILE = "model.onnx", "encoder.json"
OPSET = 17


def export_image_encoder(folder: Path, out: Path) -> dict[str, Any]:
    """Writes the encoder in `folder`, as transformers saves it, to `out`; returns what `encoder.json` says.

    `out` is built elsewhere and renamed, so that nobody reads half of it; an existing one is replaced.

    Raises:
        Refused: 400 for a folder that holds no encoder of pictures.
    """
    from transformers import AutoImageProcessor, AutoModel  # takes seconds; the names above need no torch

    try:
        model = AutoModel.from_pretrained(str(folder), local_files_only=True, attn_implementation="eager").eval()
        prepares = AutoImageProcessor.from_pretrained(str(folder), local_files_only=True).to_dict()
    except (OSError, ValueError) as error:
        raise Refused("bad_encoder", f"{folder}: {error}") from None
    if not hasattr(model, "get_image_features"):
        raise Refused("bad_encoder", _("%(folder)s holds no encoder of pictures such as CLIP.") % {"folder": folder})
    about = _preparation(prepares)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=out.parent) as parent:
        made = Path(parent) / "made"
        made.mkdir(mode=0o755)
        about["dimensions"] = _write_model(model, about["crop"], made / MODEL_FILE)
        digest = hashlib.sha256((made / MODEL_FILE).read_bytes() + json.dumps(about, sort_keys=True).encode())
        about["name"] = f"{slugify(folder.name)[:40]}-{digest.hexdigest()[:16]}"
        (made / ABOUT_FILE).write_text(json.dumps(about, indent=2) + "\n", "utf-8")
        if out.exists():
            out.rename(Path(parent) / "old")
        made.rename(out)
    return about


def _preparation(prepares: dict[str, Any]) -> dict[str, Any]:
    """`size`: the short edge, or (height, width); `crop`: (height, width) of the middle; then mean and deviation."""
    size = prepares["size"]
    exact = [size["height"], size["width"]] if "height" in size else None
    crop = prepares.get("crop_size") if prepares.get("do_center_crop") else None
    if isinstance(crop, dict):
        crop = [crop["height"], crop["width"]]
    edge = size.get("shortest_edge")
    if not exact and not crop:
        raise Refused("bad_encoder", _("The encoder does not say how large its pictures are."))
    return {
        "size": exact or edge,
        "crop": crop or exact,
        "resample": int(prepares.get("resample", 3)),
        "scale": float(prepares.get("rescale_factor") or 1 / 255),
        "mean": prepares.get("image_mean") or [0.0, 0.0, 0.0],
        "deviation": prepares.get("image_std") or [1.0, 1.0, 1.0],
    }


def _write_model(model: Any, crop: list[int], file: Path) -> int:
    """Pixels (n, 3, height, width) to unit vectors (n, d); returns d."""
    import torch  # as above

    class Picture(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            found = self.model.get_image_features(pixel_values=pixels)
            features = found if isinstance(found, torch.Tensor) else found.pooler_output
            return torch.nn.functional.normalize(features, dim=-1)

    example = torch.zeros(2, 3, *crop)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's notes on code that this model never takes
        dimensions = int(Picture()(example).shape[1])
        torch.onnx.export(
            Picture().eval(), (example,), str(file), dynamo=False, opset_version=OPSET,
            input_names=["pixels"], output_names=["vectors"],
            dynamic_axes={"pixels": {0: "pictures"}, "vectors": {0: "pictures"}},
        )  # fmt: skip
    return dimensions
