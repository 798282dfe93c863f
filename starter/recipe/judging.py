"""What a picture shows, in the eyes of a recogniser that no training used, and how far two sets of pictures differ."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from starter.captions import Noun
from starter.progress import load_checkpoint
from starter.recipe.networks.autoencoder import gradient_energy
from starter.recipe.networks.recognition import HEADS, Recogniser, as_input
from starter.recipe.scenes.labels import CHOICES
from starter.recipe.scenes.vocabulary import Scene

SIDE = 128
"""Length of a picture's shorter side when it is judged, pixels."""


class Judge:
    """A trained recogniser with the words of its answers."""

    def __init__(self, path: Path, nouns: Sequence[Noun]) -> None:
        saved = load_checkpoint(path)
        if saved is None:
            raise FileNotFoundError(f"there is no recogniser at {path}: train it first")
        self.network = Recogniser(len(nouns))
        self.network.load_state_dict(saved["parts"]["network"])
        self.network.eval()
        self.words = [noun.word for noun in nouns]

    @torch.no_grad()
    def describe(self, picture: Image.Image) -> dict[str, str | list[str]]:
        """The nouns from the likeliest on, and the likeliest word of each other head."""
        logits = self.network(as_tensor([picture]))
        order = logits["noun"][0].argsort(descending=True).tolist()
        found: dict[str, str | list[str]] = {"nouns": [self.words[place] for place in order]}
        return found | {name: CHOICES[name][int(logits[name][0].argmax())] for name in HEADS}

    @torch.no_grad()
    def embed(self, pictures: Sequence[Image.Image]) -> NDArray[np.float64]:
        """The recogniser's last features, float (n, 384)."""
        return np.stack([self.network.embed(as_tensor([each]))[0].double().numpy() for each in pictures])


def as_tensor(pictures: Sequence[Image.Image]) -> Tensor:
    """RGB pictures of one size to float (n, 3, h, w) in [-1, 1], the shorter side SIDE pixels."""
    share = SIDE / min(pictures[0].size)
    size = round(pictures[0].width * share), round(pictures[0].height * share)
    scaled = [each if each.size == size else each.resize(size, Image.Resampling.BICUBIC) for each in pictures]
    return as_input(
        torch.from_numpy(np.stack([np.asarray(each.convert("RGB")) for each in scaled])), torch.device("cpu")
    )


def answers(judge: Judge, scene: Scene, picture: Image.Image) -> dict[str, bool]:
    """Which parts of the scene the judge recognises; of two subjects both, one and the place."""
    seen = judge.describe(picture)
    nouns, wanted = list(seen["nouns"]), [subject.noun.word for subject in scene.subjects]
    found: dict[str, bool] = {}
    if len(wanted) == 2:
        present = sum(word in nouns[:2] for word in wanted)
        found |= {"both": present == 2, "one": present >= 1}
    else:
        found["noun"] = nouns[0] == wanted[0]
        found["tint"] = seen["tint"] == scene.subjects[0].tint
    found["place"] = seen["place"] == scene.place
    found["light"] = seen["light"] == scene.shown_light
    found["background"] = seen["background"] == scene.background
    found["style"] = seen["style"] == (scene.style or "3d")
    return found


def frechet_distance(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Fréchet distance between normal distributions fitted to features (n, d) (Heusel et al., 2017)."""
    difference = one.mean(0) - two.mean(0)
    first, second = np.cov(one, rowvar=False), np.cov(two, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(first @ second).real.clip(min=0))
    return float(difference @ difference + np.trace(first) + np.trace(second) - 2 * roots.sum())


def sharpness(pictures: Sequence[Image.Image], renderings: Sequence[Image.Image]) -> float:
    """Mean gradient energy of pictures over that of renderings of the same scenes, at the size of the judge."""
    drawn = np.mean([gradient_energy(as_tensor([each])) for each in pictures])
    wanted = np.mean([gradient_energy(as_tensor([each])) for each in renderings])
    return float(drawn / wanted)
