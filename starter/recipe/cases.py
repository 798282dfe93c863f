"""The scenes that the scores are about, drawn by fixed seeds.

`python -m starter.recipe.cases` prints prompts for a blind comparison of two checkpoints.
"""

import random
from collections.abc import Callable, Sequence

from starter.captions import COLOURS, TINTS, Noun, read_nouns
from starter.recipe.scenes.captions import plain_caption
from starter.recipe.scenes.vocabulary import LIGHTS, PLACES, STYLES, Scene, Subject, is_held_out, lights_of

Maker = Callable[[Sequence[Noun], random.Random], Scene]


def _in_a_place(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    place = rng.choice(tuple(PLACES))
    return Scene((Subject(rng.choice(nouns)),), place=place, light=rng.choice(lights_of(place)))


def _on_a_colour(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    return Scene((Subject(rng.choice(nouns)),), background=rng.choice(tuple(COLOURS)))


def _tinted(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    return Scene((Subject(rng.choice(nouns), rng.choice(TINTS)),), place=rng.choice(("", "meadow", "snow", "room")))


def _pair(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    one, two = rng.sample(nouns, 2)
    return Scene((Subject(one), Subject(two)), place=rng.choice(tuple(PLACES)))


def _styled(nouns: Sequence[Noun], rng: random.Random) -> Scene:
    return Scene((Subject(rng.choice(nouns)),), place=rng.choice(tuple(PLACES)), style=rng.choice(tuple(STYLES)))


GROUPS: dict[str, tuple[Maker, tuple[str, ...]]] = {
    "place and light": (_in_a_place, ("noun", "place", "light")),
    "background colour": (_on_a_colour, ("noun", "background")),
    "tint": (_tinted, ("noun", "tint")),
    "pair": (_pair, ("both", "one", "place")),
    "style": (_styled, ("noun", "style")),
}
"""Each group of scenes: how one is made, and which of the judge's answers count."""


def scenes_of(group: str, nouns: Sequence[Noun], count: int, *, held_out: bool) -> list[Scene]:
    """That many scenes of a group, all held out or none; the same ones every time."""
    make, _ = GROUPS[group]
    rng = random.Random(f"{group} {held_out}")
    found: list[Scene] = []
    while len(found) < count:
        scene = make(nouns, rng)
        if is_held_out(scene) == held_out:
            found.append(scene)
    return found


def sheets(nouns: Sequence[Noun]) -> dict[str, list[Scene]]:
    """One prompt under every light, in every place and in every style, for the contact sheets."""
    fox = (Subject(next(noun for noun in nouns if noun.word == "fox")),)
    return {
        "lights": [Scene(fox, place="forest", light=light) for light in LIGHTS],
        "places": [Scene(fox, place=place) for place in PLACES],
        "styles": [Scene(fox, place="meadow", style=style) for style in STYLES],
    }


def compared_prompts(nouns: Sequence[Noun], count: int = 60) -> list[str]:
    """Prompts for a blind comparison: a third each of subjects in a light, on a colour and in pairs; all different."""
    rng = random.Random("blind")
    groups = (_in_a_place, _on_a_colour, _pair)
    found = dict[str, None]()
    while len(found) < count:
        found[plain_caption(groups[len(found) % len(groups)](nouns, rng))] = None
    return list(found)


if __name__ == "__main__":
    print("\n".join(compared_prompts(read_nouns())))
