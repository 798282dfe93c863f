"""Write what training has reached as weights: `python -m starter.recipe.export --out var/starter`.

Works in the middle of a training too. `--assemble` also makes the folders that diffusers loads.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel

from starter.assemble import assemble
from starter.progress import load_checkpoint
from starter.recipe.distil import RANK as FAST_RANK
from starter.recipe.networks.adapters import FILE, adapter_state, add_adapter, fuse, save_adapter
from starter.recipe.networks.autoencoder import load_autoencoder
from starter.recipe.networks.denoiser import load_denoiser, new_scheduler
from starter.recipe.style import RANK as STYLE_RANK

SHARD = "12MB"
"""Largest weight file; a checkout should stay light to fetch and to compare."""
FAST, STYLE = "fast", "blueprint"
"""Folders of the adapters in the weights, and what is assembled from them."""


def main() -> None:
    """Write weights, and on request checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/starter"), help="where training keeps its state")
    parser.add_argument("--weights", type=Path, help="default: weights/ under --out")
    parser.add_argument("--assemble", type=Path, help="folder for the assembled checkpoints")
    options = parser.parse_args()
    weights = options.weights or options.out / "weights"
    export(options.out, weights)
    if options.assemble:
        for name, version in assemble_all(weights, options.assemble).items():
            print(f"{options.assemble / name}: version {version[:12]}")


def export(out: Path, weights: Path) -> None:
    """Checkpoints in `out` to half-precision weights, with the facts of training.

    Raises FileNotFoundError before anything is written when the denoiser or the autoencoder is missing.
    """
    denoiser = load_denoiser(out / "denoiser.pt")
    autoencoder = load_autoencoder(out / "decoder.pt") or load_autoencoder(out / "autoencoder.pt")
    if autoencoder is None:
        raise FileNotFoundError(f"there is no autoencoder in {out}: train it first")
    write_weights(weights, denoiser, autoencoder)
    for stage, folder, rank in (("fast", FAST, FAST_RANK), ("style", STYLE, STYLE_RANK)):
        _export_adapter(out / f"{stage}.pt", weights / folder, rank)
    (weights / "training.json").write_text(json.dumps(facts(out), indent=2) + "\n")


def facts(out: Path) -> dict[str, Any]:
    """Steps and minutes of processor time of every stage that has begun."""
    found = {}
    for stage in ("recogniser", "autoencoder", "denoiser", "decoder", "judge", "fast", "style"):
        saved = load_checkpoint(out / f"{stage}.pt")
        if saved:
            found[stage] = {"steps": saved["step"], "cpu_minutes": round(saved["spent"] / 60)}
    return found


def write_weights(folder: Path, denoiser: UNet2DConditionModel, autoencoder: AutoencoderTiny) -> None:
    """Write `unet/`, `vae/` and `scheduler/`; the networks become half precision."""
    denoiser.half().save_pretrained(folder / "unet", max_shard_size=SHARD)
    autoencoder.half().save_pretrained(folder / "vae", max_shard_size=SHARD)
    new_scheduler().save_pretrained(folder / "scheduler")
    path = folder / "vae" / "config.json"
    config = json.loads(path.read_text())
    del config["block_out_channels"]  # derived when it is loaded, which warns about it
    path.write_text(json.dumps(config, indent=2) + "\n")


def _export_adapter(path: Path, folder: Path, rank: int) -> None:
    saved = load_checkpoint(path)
    if saved is None:
        return
    denoiser = UNet2DConditionModel.from_config(load_denoiser(path.parent / "denoiser.pt").config)
    add_adapter(denoiser, rank)
    denoiser.load_state_dict(saved["parts"]["adapter"], strict=False)
    save_adapter(folder, adapter_state(denoiser))


def assemble_all(weights: Path, folder: Path) -> dict[str, str]:
    """The starter, and where its weights are there the few-step checkpoint; returns their versions."""
    versions = {"starter": assemble(folder / "starter", weights)}
    if (weights / FAST / FILE).exists():
        with tempfile.TemporaryDirectory() as made:
            _write_fast(weights, Path(made))
            versions["starter-fast"] = assemble(folder / "starter-fast", Path(made))
    return versions


def _write_fast(weights: Path, folder: Path) -> None:
    denoiser = UNet2DConditionModel.from_pretrained(weights / "unet", torch_dtype=torch.float32)
    autoencoder = AutoencoderTiny.from_pretrained(weights / "vae", torch_dtype=torch.float32)
    write_weights(folder, fuse(denoiser, weights / FAST), autoencoder)
    DDIMScheduler.from_pretrained(weights / "scheduler").save_pretrained(folder / "scheduler")


if __name__ == "__main__":
    main()
