"""Scenes drawn at random for training and for the scores."""

import random
from collections.abc import Sequence

from starter.captions import COLOURS, TINTS, Noun
from starter.recipe.scenes.vocabulary import PLACES, STYLES, Scene, Subject, is_held_out, lights_of

SIZES = ((128, 128), (96, 144), (144, 96))
"""Width and height of the pictures in training, pixels: square, portrait, landscape."""
SQUARE, PORTRAIT, LANDSCAPE = SIZES

_STYLED = 0.5
_STYLE_WEIGHTS = (20, 30, 20, 15, 15)
_TINTED = 0.2
_LIT_IN_A_PLACE, _LIT_ON_PLAIN = 0.8, 0.35
_COLOURED = 0.75


def random_scene(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    """A scene that is not held out: about a third plain backgrounds, a fifth with two subjects."""
    while True:
        scene = proposal(nouns, rng)
        if not is_held_out(scene):
            return scene


def proposal(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    """A scene, held out or not."""
    count = 2 if rng.random() < 0.2 else 1
    subjects = tuple(Subject(noun, _maybe(TINTS, _TINTED, rng)) for noun in rng.sample(nouns, count))
    style = rng.choices(tuple(STYLES), _STYLE_WEIGHTS)[0] if rng.random() < _STYLED else ""
    if rng.random() < 0.38:
        background = _maybe(tuple(COLOURS), _COLOURED, rng)
        light = _maybe(lights_of(""), _LIT_ON_PLAIN if background else 0.1, rng)
        return Scene(subjects, background=background, light=light, style=style)
    place = rng.choice(tuple(PLACES))
    return Scene(subjects, place=place, light=_maybe(lights_of(place), _LIT_IN_A_PLACE, rng), style=style)


def _maybe(words: Sequence[str], share: float, rng: random.Random) -> str:
    return rng.choice(words) if rng.random() < share else ""
