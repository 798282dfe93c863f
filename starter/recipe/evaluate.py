"""Score a checkpoint: `python -m starter.recipe.evaluate --checkpoint FOLDER --name new`.

Writes NAME.json and contact sheets. Every picture is drawn from a seed that is fixed here, so that checkpoints can
be compared; the work folder holds the artwork and the judge.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoPipelineForImage2Image, DiffusionPipeline
from PIL import Image

from starter.assemble import recorded_version
from starter.captions import Noun, read_nouns
from starter.data import write_reference
from starter.evaluate import grid
from starter.recipe.cases import GROUPS, scenes_of, sheets
from starter.recipe.judging import Judge, answers, frechet_distance, sharpness
from starter.recipe.scenes.artwork import load_artwork
from starter.recipe.scenes.captions import plain_caption
from starter.recipe.scenes.composition import compose
from starter.recipe.scenes.sampling import LANDSCAPE, PORTRAIT, SQUARE, random_scene
from starter.recipe.scenes.vocabulary import Scene
from starter.scenes import Sprites
from starter.similarity import load_references, ranked_nouns

BATCH = 8
SAMPLES = 64
FILLS = (0.72, 0.78, 0.84)
"""Sizes of a subject on a plain background, as shares of the frame."""
RENDERINGS = 4
"""Of each scene, for the Fréchet distance."""

Size = tuple[int, int]


@dataclass(slots=True)
class Drawer:
    """A checkpoint with the settings that it is scored at."""

    pipeline: Any
    steps: int
    guidance: float
    size: Size | None = None
    """Width and height, pixels; None is the checkpoint's own."""

    def draw(self, prompts: Sequence[str], seeds: Sequence[int], size: Size | None = None) -> list[Image.Image]:
        """A picture of each prompt from its seed."""
        pictures: list[Image.Image] = []
        for start in range(0, len(prompts), BATCH):
            generators = [torch.Generator().manual_seed(s) for s in seeds[start : start + BATCH]]
            found = self.pipeline(list(prompts[start : start + BATCH]), generator=generators, **self.options(size))
            pictures += found.images
        return pictures

    def options(self, size: Size | None = None) -> dict[str, Any]:
        """The pipeline's arguments besides prompt and seed."""
        found: dict[str, Any] = {"num_inference_steps": self.steps, "guidance_scale": self.guidance}
        chosen = size or self.size
        return found | ({"width": chosen[0], "height": chosen[1]} if chosen else {})

    def scenes(self, scenes: Sequence[Scene], size: Size | None = None) -> list[Image.Image]:
        """A picture of each scene, the seeds counting from 0."""
        return self.draw([plain_caption(scene) for scene in scenes], range(len(scenes)), size)


def main() -> None:
    """Draw, score and write."""
    options = _options()
    options.to.mkdir(parents=True, exist_ok=True)
    nouns = read_nouns()
    sprites = load_artwork(options.out, nouns)
    judge = Judge(options.out / "judge.pt", nouns)
    pipeline = DiffusionPipeline.from_pretrained(options.checkpoint)
    pipeline.set_progress_bar_config(disable=True)
    drawer = Drawer(pipeline, options.steps, options.guidance)
    scores: dict[str, Any] = {"version": recorded_version(options.checkpoint), "steps": options.steps}
    scores |= {"guidance": options.guidance, "count": options.count}
    for part in _parts(drawer, judge, nouns, sprites, options):
        scores |= part
        print(json.dumps(part, indent=2), flush=True)
    write_sheets(drawer, nouns, options.to, options.name)
    (options.to / f"{options.name}.json").write_text(json.dumps(scores, indent=2) + "\n")


def _parts(
    drawer: Drawer, judge: Judge, nouns: list[Noun], sprites: Sprites, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """The scores one after another; drawing takes minutes."""
    yield {"nearest": score_nearest(drawer, nouns, sprites, options.out, options.nouns)}
    yield score_groups(drawer, judge, nouns, sprites, options.count)
    yield {"aspects": score_aspects(drawer, judge, nouns, options.count)}
    yield {"seconds": {str(steps): seconds_a_picture(drawer, steps) for steps in (options.steps, options.draft)}}
    yield {"batch_difference": batch_difference(drawer)}
    yield {"img2img": score_img2img(drawer, judge, nouns, options.count // 4)}
    if options.lora:
        yield {"lora": score_lora(drawer, options.lora)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("var/checkpoints/starter"))
    parser.add_argument("--out", type=Path, default=Path("var/starter"), help="the work folder of the training")
    parser.add_argument("--to", type=Path, default=Path("var/starter/scores"), help="folder of the results")
    parser.add_argument("--name", default="new")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--draft", type=int, default=8, help="steps of a draft, timed as well")
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--count", type=int, default=60, help="scenes of each group")
    parser.add_argument("--nouns", type=int, default=2, help="seeds for each noun")
    parser.add_argument("--lora", type=Path, help="folder of the style LoRA")
    return parser.parse_args()


def score_nearest(drawer: Drawer, nouns: list[Noun], sprites: Sprites, out: Path, seeds: int) -> dict[str, Any]:
    """How often, of all artwork, one of the noun's own is nearest to a picture of the noun alone."""
    reference = out / "reference-all.webp"
    if not reference.exists():
        write_reference(reference, sprites, nouns)
    references = load_references(reference, fills=FILLS, limit=len(nouns))
    cases = [(noun, seed) for noun in nouns for seed in range(1, seeds + 1)]
    pictures = drawer.draw([noun.one for noun, _ in cases], [seed for _, seed in cases])
    hits = [
        ranked_nouns(picture, references)[0] == noun.word for (noun, _), picture in zip(cases, pictures, strict=True)
    ]
    missed = sorted({noun.word for (noun, _), hit in zip(cases, hits, strict=True) if not hit})
    first = [hit for (noun, _), hit in zip(cases, hits, strict=True) if noun in nouns[:50]]
    return {"top_1": _mean(hits), "top_1_of_first_fifty": _mean(first), "of": len(cases), "missed": missed}


def score_groups(drawer: Drawer, judge: Judge, nouns: Sequence[Noun], sprites: Sprites, count: int) -> dict[str, Any]:
    """What the judge recognises in each group, seen and held out, beside what it recognises in renderings."""
    groups: dict[str, Any] = {}
    drawn, rendered = [], []
    for group, (_, counted) in GROUPS.items():
        for held_out in (False, True):
            scenes = scenes_of(group, nouns, count // 2 if held_out else count, held_out=held_out)
            pictures, truth = drawer.scenes(scenes), renderings(scenes, sprites, 1)
            groups[f"{group}, held out" if held_out else group] = {
                "drawn": _recognised(judge, scenes, pictures, counted),
                "rendered": _recognised(judge, scenes, truth, counted),
                "of": len(scenes),
            }
            drawn += pictures
            rendered += renderings(scenes, sprites, RENDERINGS)
    distance = frechet_distance(judge.embed(drawn), judge.embed(rendered))
    return {"groups": groups, "sharpness": sharpness(drawn, rendered), "frechet": distance, "of": len(drawn)}


def renderings(scenes: Sequence[Scene], sprites: Sprites, each: int) -> list[Image.Image]:
    """Our own pictures of the scenes, from seeds that training does not use."""
    rng = random.Random(f"renderings {each}")
    return [Image.fromarray(compose(scene, sprites, SQUARE, rng)[0]) for scene in scenes for _ in range(each)]


def _recognised(
    judge: Judge, scenes: Sequence[Scene], pictures: Sequence[Image.Image], counted: Sequence[str]
) -> dict[str, float]:
    found = [answers(judge, scene, picture) for scene, picture in zip(scenes, pictures, strict=True)]
    return {name: _mean([each[name] for each in found]) for name in counted}


def score_aspects(drawer: Drawer, judge: Judge, nouns: Sequence[Noun], count: int) -> dict[str, Any]:
    """The same scenes as portraits and as landscapes."""
    group = "place and light"
    scenes = scenes_of(group, nouns, count // 2, held_out=False)
    return {
        name: _recognised(judge, scenes, drawer.scenes(scenes, size), GROUPS[group][1])
        for name, size in (("portrait", PORTRAIT), ("landscape", LANDSCAPE))
    }


def seconds_a_picture(drawer: Drawer, steps: int) -> float:
    """Median wall time of one picture alone, of five."""
    alone = Drawer(drawer.pipeline, steps, drawer.guidance, drawer.size)
    times = []
    for seed in range(5):
        begun = time.perf_counter()
        alone.draw(["a fox in a forest at night"], [seed])
        times.append(time.perf_counter() - begun)
    return round(float(np.median(times)), 2)


def batch_difference(drawer: Drawer) -> float:
    """Largest difference of a pixel, 0-255, between pictures drawn in a batch and alone."""
    prompts = ["a cat in the snow", "a purple bear", "a rocket in space", "a fox and an owl in a forest"]
    together = drawer.draw(prompts, range(4))
    alone = [drawer.draw([prompt], [seed])[0] for seed, prompt in enumerate(prompts)]
    pairs = zip(together, alone, strict=True)
    return float(max(np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)).max() for a, b in pairs))


def score_img2img(drawer: Drawer, judge: Judge, nouns: Sequence[Noun], count: int) -> dict[str, float]:
    """Whether a picture that is changed at strength 0.3 keeps its noun and place, and its mean change, 0-255."""
    scenes = scenes_of("place and light", nouns, max(count, 4), held_out=False)
    starts = drawer.scenes(scenes)
    changer = AutoPipelineForImage2Image.from_pipe(drawer.pipeline)
    changer.set_progress_bar_config(disable=True)
    options = drawer.options() | {"strength": 0.3}
    options = {name: value for name, value in options.items() if name not in ("width", "height")}
    same, change = [], []
    for seed, (scene, start) in enumerate(zip(scenes, starts, strict=True)):
        generator = torch.Generator().manual_seed(1000 + seed)
        changed = changer(plain_caption(scene), image=start, generator=generator, **options).images[0]
        before, after = judge.describe(start), judge.describe(changed)
        same.append(before["nouns"][0] == after["nouns"][0] and before["place"] == after["place"])
        change.append(float(np.abs(np.asarray(changed, dtype=float) - np.asarray(start, dtype=float)).mean()))
    return {"same": _mean(same), "mean_change": float(np.mean(change)), "of": len(scenes)}


def score_lora(drawer: Drawer, folder: Path) -> dict[str, float]:
    """How much bluer than red pictures are, 0-255, with the LoRA at weight 1 and 0 and without it."""
    prompts = ["a fox in a meadow", "a red apple on a yellow background", "a house in the desert at sunset", "a lion"]
    found = {"without": _blueness(drawer.draw(prompts, range(4)))}
    drawer.pipeline.load_lora_weights(folder, adapter_name="style", use_safetensors=True)
    for weight in (0, 1):
        drawer.pipeline.set_adapters(["style"], [float(weight)])
        found[f"weight {weight}"] = _blueness(drawer.draw(prompts, range(4)))
    drawer.pipeline.unload_lora_weights()
    return found


def _blueness(pictures: Sequence[Image.Image]) -> float:
    stack = np.stack([np.asarray(each, dtype=float) for each in pictures])
    return float((stack[..., 2] - stack[..., 0]).mean())


def write_sheets(drawer: Drawer, nouns: Sequence[Noun], folder: Path, name: str) -> None:
    """The samples, chosen by seed, and one prompt in every light, place and style."""
    rng = random.Random(2026)
    scenes = [random_scene(nouns, rng) for _ in range(SAMPLES)]
    grid(drawer.scenes(scenes), columns=8).save(folder / f"{name}-samples.webp", quality=90)
    for sheet, rows in sheets(nouns).items():
        pictures = drawer.draw([plain_caption(scene) for scene in rows], [7] * len(rows))
        grid(pictures, columns=len(rows) if len(rows) < 8 else -(-len(rows) // 2)).save(
            folder / f"{name}-{sheet}.webp", quality=90
        )


def _mean(values: Sequence[bool]) -> float:
    return round(sum(values) / max(1, len(values)), 4)


if __name__ == "__main__":
    main()
