"""Write what training has reached as weights: `python -m starter.export`.

Works in the middle of a training too; the averaged denoiser is what is written.
"""

import argparse
import json
from pathlib import Path

from diffusers import AutoencoderKL, UNet2DConditionModel

from starter.progress import load_checkpoint
from starter.unet import new_scheduler, new_unet
from starter.vae import new_vae

SHARD = "12MB"
"""Largest weight file; a checkout should stay light to fetch and to compare."""
WEIGHTS = Path(__file__).parent / "weights"


def main() -> None:
    """Write the newest checkpoints of a work folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/starter"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    export(options.out, options.weights)


def export(out: Path, weights: Path) -> None:
    """Checkpoints in `out` to half-precision weights in `weights`, with the facts of training.

    Raises FileNotFoundError before anything is written when a checkpoint is missing.
    """
    denoiser = load_checkpoint(out / "unet.pt")
    autoencoder = load_checkpoint(out / "decoder.pt") or load_checkpoint(out / "vae.pt")
    if denoiser is None or autoencoder is None:
        raise FileNotFoundError(f"no checkpoints of both networks in {out}")
    unet, vae = new_unet(), new_vae()
    unet.load_state_dict(denoiser["extra"])
    vae.load_state_dict(autoencoder["model"])
    write_weights(weights, unet, vae)
    facts = {
        "denoiser_steps": denoiser["step"],
        "denoiser_minutes": round(denoiser["spent"] / 60),
        "decoder_is_sharpened": autoencoder.get("stage") == "decoder",
    }
    (weights / "training.json").write_text(json.dumps(facts, indent=2) + "\n")


def write_weights(folder: Path, unet: UNet2DConditionModel, vae: AutoencoderKL) -> None:
    """Write `unet/`, `vae/` and `scheduler/`; the networks become half precision."""
    unet.half().save_pretrained(folder / "unet", max_shard_size=SHARD)
    vae.half().save_pretrained(folder / "vae", max_shard_size=SHARD)
    new_scheduler().save_pretrained(folder / "scheduler")


if __name__ == "__main__":
    main()
