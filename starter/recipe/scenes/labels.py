"""What a scene shows as numbers, for the recogniser and for files of training pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from starter.captions import COLOURS, TINTS, Noun
from starter.recipe.scenes.vocabulary import LIGHTS, PLACES, STYLES, Scene, Subject

CHOICES: dict[str, tuple[str, ...]] = {
    "place": ("", *PLACES),
    "light": ("", *LIGHTS),
    "background": ("", *COLOURS),
    "style": tuple(STYLES),
    "tint": ("", *TINTS),
}
"""The words that each row of labels chooses from; "" means none."""
COLUMNS = ("first", "second", "place", "light", "background", "style", "tint", "second_tint", "is_lit", "is_styled")
"""The columns of a row: nouns by their place in the list (-1 where there is none), the words of `CHOICES` by theirs,
and whether light and style were named."""


def to_row(scene: Scene, nouns: Sequence[Noun]) -> list[int]:
    """The labels of a scene; `light` and `style` are those that are drawn."""
    places = {noun.code: place for place, noun in enumerate(nouns)}
    one, *more = scene.subjects
    return [
        places[one.noun.code],
        places[more[0].noun.code] if more else -1,
        CHOICES["place"].index(scene.place),
        CHOICES["light"].index(scene.shown_light),
        CHOICES["background"].index(scene.background),
        CHOICES["style"].index(scene.style or "3d"),
        CHOICES["tint"].index(one.tint),
        CHOICES["tint"].index(more[0].tint) if more else 0,
        int(bool(scene.light)),
        int(bool(scene.style)),
    ]


def to_scene(row: Sequence[int] | NDArray[np.int16], nouns: Sequence[Noun]) -> Scene:
    """The scene that `to_row` made the labels of."""
    value = dict(zip(COLUMNS, (int(part) for part in row), strict=True))
    subjects = [Subject(nouns[value["first"]], CHOICES["tint"][value["tint"]])]
    if value["second"] >= 0:
        subjects.append(Subject(nouns[value["second"]], CHOICES["tint"][value["second_tint"]]))
    return Scene(
        tuple(subjects),
        place=CHOICES["place"][value["place"]],
        background=CHOICES["background"][value["background"]],
        light=CHOICES["light"][value["light"]] if value["is_lit"] else "",
        style=CHOICES["style"][value["style"]] if value["is_styled"] else "",
    )
