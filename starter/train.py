"""Train the starter checkpoint: `python -m starter.train --out var/starter --hours 2.5`.

Every stage continues where it was stopped. The time is split between the autoencoder, the
denoiser and a last sharpening of the decoder; the weights are then written to `--weights`.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import BertModel, BertTokenizer

from starter.assemble import TOKENS, write_text_encoder
from starter.captions import LISTED, Noun, read_nouns
from starter.data import load_sprites, with_names, write_reference
from starter.export import export
from starter.scenes import draw_many
from starter.unet import Examples, train_unet
from starter.vae import encode, psnr, train_decoder, train_vae

SHARES = {"vae": 0.14, "unet": 0.78, "decoder": 0.08}
CHECKED = 200
"""Pictures kept from the autoencoder's training to measure it."""


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


def main() -> None:
    """Run all stages."""
    options = _options()
    os.nice(19)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    seconds = {name: share * options.hours * 3600 for name, share in SHARES.items()}
    nouns = with_names(out, read_nouns(options.nouns))
    pictures, captions = _pictures(out, nouns, options.pictures)
    vae = train_vae(pictures[CHECKED:], out / "vae.pt", seconds["vae"], device)
    print(f"autoencoder: {psnr(vae, pictures[:CHECKED]):.2f} dB", flush=True)
    examples, mask = _examples(out, vae, pictures, captions, device)
    train_unet(examples, mask, out / "unet.pt", seconds["unet"], device)
    train_decoder(vae, pictures[CHECKED:], out / "decoder.pt", seconds["decoder"])
    print(f"autoencoder: {psnr(vae, pictures[:CHECKED]):.2f} dB", flush=True)
    export(out, options.weights)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/starter"))
    parser.add_argument("--weights", type=Path, default=Path("var/starter/weights"))
    parser.add_argument("--hours", type=float, default=2.5)
    parser.add_argument("--nouns", type=int, default=LISTED, help="concepts, from the top")
    parser.add_argument("--pictures", type=int, default=16_000, help="composites to draw")
    return parser.parse_args()


def _pictures(out: Path, nouns: list[Noun], count: int) -> tuple[Tensor, list[str]]:
    """Composites uint8 (count, 64, 64, 3) and captions; also the evaluation's reference sheet."""
    sprites = load_sprites(out, nouns)
    write_reference(out / "reference.webp", sprites, nouns[:LISTED])
    print(f"{len(nouns)} nouns, {len(sprites)} sprites, {count} pictures", flush=True)
    pictures, captions = draw_many(nouns, sprites, count, seed=len(nouns))
    return torch.from_numpy(pictures), captions


def _examples(
    out: Path, vae: AutoencoderKL, pictures: Tensor, captions: list[str], device: torch.device
) -> tuple[Examples, Tensor]:
    """Latents and caption features, kept on disk, and the mask of the features' text tokens."""
    unique = ["", *sorted(set(captions))]
    row_of = {text: row for row, text in enumerate(unique)}
    caption_of = torch.from_numpy(np.array([row_of[text] for text in captions]))
    cache = out / f"examples-{len(captions)}-{len(unique)}.pt"
    if cache.exists():
        latents, features, mask = torch.load(cache, weights_only=True)
        return Examples(latents, caption_of, features), mask
    print(f"encoding {len(captions)} pictures, {len(unique)} captions", flush=True)
    latents = encode(vae, pictures).cpu()
    folder = out / "text"
    if not folder.exists():
        write_text_encoder(folder)
    features, mask = TextEncoder(folder, device)(unique)
    torch.save((latents, features, mask), cache)
    return Examples(latents, caption_of, features), mask


if __name__ == "__main__":
    main()
