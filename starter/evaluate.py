"""Score an assembled checkpoint: `python -m starter.evaluate`; writes JSON, grid and card.

Every picture is drawn with the recommended settings below from a seed that is fixed here.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from PIL import Image

from starter.assemble import recorded_version
from starter.captions import COLOURS, LISTED, TINTS, Scene, caption, is_held_out, read_nouns
from starter.card import write_card
from starter.scenes import random_scene
from starter.similarity import border_colour, colour_name, load_references, ranked_nouns

HERE = Path(__file__).parent
STEPS = 20
GUIDANCE = 3.0
SEEDS = (1, 2, 3, 4)
BACKGROUNDS = ("red", "blue", "green", "yellow", "pink", "black")
HELD_OUT = 24
"""Held-out scenes of each kind."""
GRID_SEED = 2026
BATCH = 8

Draw = Callable[[Sequence[str], Sequence[int]], list[Image.Image]]
"""Prompts and their seeds to pictures."""


def main() -> None:
    """Draw, score and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("var/checkpoints/starter"))
    parser.add_argument("--out", type=Path, default=HERE, help="for scores.json and samples.webp")
    parser.add_argument("--quick", action="store_true", help="one seed; nothing held out")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    draw = load_drawer(options.checkpoint)
    seeds = SEEDS[:1] if options.quick else SEEDS
    begun = time.monotonic()
    scores: dict[str, Any] = {"version": recorded_version(options.checkpoint)}
    scores |= {"steps": STEPS, "guidance": GUIDANCE, "seeds": list(seeds)}
    scores["nouns"] = score_nouns(draw, seeds)
    scores["backgrounds"] = score_backgrounds(draw, seeds)
    if not options.quick:
        scores["held_out"] = score_held_out(draw)
    prompts = grid_prompts()
    grid(draw(prompts, range(len(prompts)))).save(options.out / "samples.webp", quality=90)
    scores["grid"] = prompts
    scores["minutes"] = round((time.monotonic() - begun) / 60, 1)
    (options.out / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
    write_card(options.out / "README.md", scores)
    print(f"top-1 {scores['nouns']['top_1']:.3f}, backgrounds {scores['backgrounds']['followed']} of 6")


def load_drawer(checkpoint: Path) -> Draw:
    """A function that draws prompts in batches with the checkpoint, as the site would."""
    pipeline = DiffusionPipeline.from_pretrained(checkpoint)
    pipeline.to("cuda" if torch.cuda.is_available() else "cpu")
    pipeline.set_progress_bar_config(disable=True)

    def draw(prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        pictures: list[Image.Image] = []
        for start in range(0, len(prompts), BATCH):
            generators = [torch.Generator().manual_seed(s) for s in seeds[start : start + BATCH]]
            found = pipeline(
                list(prompts[start : start + BATCH]),
                generator=generators,
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE,
            )
            pictures += found.images
        return pictures

    return draw


def score_nouns(draw: Draw, seeds: Sequence[int], limit: int = LISTED) -> dict[str, Any]:
    """How often, and for which seeds, "a dog" resembles a sprite of a dog more than any of another listed noun."""
    nouns = read_nouns(limit)
    cases = [(noun, seed) for noun in nouns for seed in seeds]
    pictures = draw([noun.one for noun, _ in cases], [seed for _, seed in cases])
    references = load_references()
    hits: dict[str, list[int]] = {noun.word: [] for noun in nouns}
    in_five = 0
    for (noun, seed), picture in zip(cases, pictures, strict=True):
        ranked = ranked_nouns(picture, references)
        hits[noun.word] += [seed] if ranked[0] == noun.word else []
        in_five += noun.word in ranked[:5]
    top_1 = sum(map(len, hits.values())) / len(cases)
    return {"top_1": top_1, "top_5": in_five / len(cases), "of": len(cases), "hits": hits}


def score_backgrounds(draw: Draw, seeds: Sequence[int]) -> dict[str, Any]:
    """Backgrounds that most seeds follow, and which seeds do, in "a cat on a ... background"."""
    cases = [(colour, seed) for colour in BACKGROUNDS for seed in seeds]
    prompts = [f"a cat on a {colour} background" for colour, _ in cases]
    pictures = draw(prompts, [seed for _, seed in cases])
    references = load_references()
    hits: dict[str, list[int]] = {colour: [] for colour in BACKGROUNDS}
    cats = 0
    for (colour, seed), picture in zip(cases, pictures, strict=True):
        hits[colour] += [seed] if colour_name(border_colour(picture)) == colour else []
        cats += ranked_nouns(picture, references)[0] == "cat"
    followed = sum(len(right) > len(seeds) / 2 for right in hits.values())
    return {"followed": followed, "of": len(BACKGROUNDS), "cats": cats / len(cases), "hits": hits}


def score_held_out(draw: Draw) -> dict[str, Any]:
    """Combinations that training never showed: backgrounds, tints and pairs."""
    rng = random.Random(GRID_SEED)
    nouns = read_nouns(LISTED)
    grounds = [Scene((noun,), background=colour) for noun in nouns for colour in COLOURS]
    tints = [Scene((noun,), tint=tint) for noun in nouns for tint in TINTS]
    pairs = [Scene((one, two)) for one in nouns for two in nouns if one != two]
    return {
        "background": _score_grounds(draw, _chosen(grounds, rng)),
        "tint": _score_tints(draw, _chosen(tints, rng)),
        "pair": _score_pairs(draw, _chosen(pairs, rng)),
    }


def _chosen(scenes: Iterable[Scene], rng: random.Random) -> list[Scene]:
    held_out = [scene for scene in scenes if is_held_out(scene)]
    return rng.sample(held_out, HELD_OUT)


def _drawn(draw: Draw, prompts: Sequence[str]) -> list[Image.Image]:
    return draw(prompts, range(len(prompts)))


def _score_grounds(draw: Draw, scenes: Sequence[Scene]) -> dict[str, float]:
    prompts = [f"{scene.nouns[0].one} on a {scene.background} background" for scene in scenes]
    pictures = _drawn(draw, prompts)
    references = load_references()
    followed = right = 0
    for scene, picture in zip(scenes, pictures, strict=True):
        followed += colour_name(border_colour(picture)) == scene.background
        right += ranked_nouns(picture, references)[0] == scene.nouns[0].word
    return {"colour": followed / len(scenes), "noun": right / len(scenes), "of": len(scenes)}


def _score_tints(draw: Draw, scenes: Sequence[Scene]) -> dict[str, float]:
    pictures = _drawn(draw, [caption(scene, random.Random(0)) for scene in scenes])
    right = 0
    for scene, picture in zip(scenes, pictures, strict=True):
        tinted = load_references(tint=scene.tint)
        right += ranked_nouns(picture, tinted)[0] == scene.nouns[0].word
    return {"noun": right / len(scenes), "of": len(scenes)}


def _score_pairs(draw: Draw, scenes: Sequence[Scene]) -> dict[str, float]:
    pictures = _drawn(draw, [caption(scene, random.Random(0)) for scene in scenes])
    references = load_references(fills=(1.0,))
    right = 0
    for scene, picture in zip(scenes, pictures, strict=True):
        for place, noun in enumerate(scene.nouns):
            half = picture.crop((0, 14, 36, 50) if place == 0 else (28, 14, 64, 50))
            right += ranked_nouns(half, references)[0] == noun.word
    return {"noun": right / (2 * len(scenes)), "of": len(scenes)}


def grid_prompts(count: int = 16) -> list[str]:
    """Captions drawn by a fixed seed from what the model was taught."""
    rng = random.Random(GRID_SEED)
    nouns = read_nouns(LISTED)
    return [caption(random_scene(nouns, rng), rng) for _ in range(count)]


def grid(pictures: Sequence[Image.Image], columns: int = 4, side: int = 128) -> Image.Image:
    """The pictures side by side, each `side` pixels."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * side, rows * side))
    for place, picture in enumerate(pictures):
        larger = picture.resize((side, side), Image.Resampling.BICUBIC)
        sheet.paste(larger, (place % columns * side, place // columns * side))
    return sheet


if __name__ == "__main__":
    main()
