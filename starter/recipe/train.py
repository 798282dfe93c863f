"""Train the next starter checkpoint: `python -m starter.recipe.train --out var/starter`.

Each stage continues where it was stopped: recogniser, autoencoder, latents, denoiser, decoder, judge. Steps count
in all, over interruptions; a finished stage is left alone, and more steps train it on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from starter.recipe.networks.autoencoder import fidelity, train_autoencoder, train_decoder
from starter.recipe.networks.denoiser import TextEncoder
from starter.recipe.networks.latents import KEPT, load_latents
from starter.recipe.networks.loop import best_device, yield_to_others
from starter.recipe.networks.recognition import train_recogniser
from starter.recipe.networks.training import Examples, train_denoiser
from starter.recipe.scenes.artwork import load_artwork, load_nouns
from starter.recipe.scenes.shards import ROWS, compose_missing, compose_shard, load_shard

CHECKED = 9_999
"""The shard that no training sees; the autoencoder is measured on some of it."""


def main() -> None:
    """Run all stages beside other work."""
    yield_to_others()
    train(parse_options())


def train(options: argparse.Namespace) -> None:
    """Run all stages."""
    out: Path = options.out
    device = best_device()
    nouns = load_nouns(out)
    sprites = load_artwork(out, nouns)
    if options.workers > 1:
        compose_missing(out, max(KEPT, options.shards), options.rows, options.workers)
    pictures = [load_shard(out, index, nouns, sprites, options.rows) for index in range(KEPT)]
    recogniser = train_recogniser(pictures, len(nouns), out / "recogniser.pt", options.recogniser, 1, device)
    network = train_autoencoder(pictures, recogniser, out / "autoencoder.pt", options.autoencoder, device)
    checked = compose_shard(CHECKED, nouns, sprites, min(256, options.rows)).pictures
    print(f"autoencoder: {fidelity(network, checked)}", flush=True)
    shards = [load_latents(out, index, network, nouns, sprites, options.rows) for index in range(options.shards)]
    text = TextEncoder(out / "text", device)
    train_denoiser(Examples(shards, nouns, text), out / "denoiser.pt", options.denoiser, device)
    decoder = train_decoder(network, pictures, recogniser, out / "decoder.pt", options.decoder, device)
    print(f"decoder: {fidelity(decoder, checked)}", flush=True)
    train_recogniser(pictures, len(nouns), out / "judge.pt", options.judge, 2, device)


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line, or of the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/starter"), help="checkpoints and shards")
    parser.add_argument("--shards", type=int, default=32, help="files of latents for the denoiser")
    parser.add_argument("--rows", type=int, default=ROWS, help="pictures in a shard")
    parser.add_argument(
        "--workers", type=int, default=1, help="processes that compose; more than one keep all pictures"
    )
    parser.add_argument("--threads", type=int, help="of torch; all cores without it")
    for stage, steps in {
        "recogniser": 400,
        "autoencoder": 6000,
        "denoiser": 40_000,
        "decoder": 6000,
        "judge": 1500,
    }.items():
        parser.add_argument(f"--{stage}", type=int, default=steps, help=f"steps in all ({steps})")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    return options


if __name__ == "__main__":
    main()
