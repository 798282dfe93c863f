"""The closed vocabulary: subjects, places, lights, colours and styles, and the combinations that are held out."""

import hashlib
from dataclasses import dataclass

from starter.captions import Noun

PLACES: dict[str, tuple[str, ...]] = {
    "meadow": ("in a meadow", "on a meadow", "in the grass"),
    "forest": ("in a forest", "in the forest", "in the woods"),
    "snow": ("in the snow", "on snow", "in a snowy landscape"),
    "sea": ("by the sea", "at the sea", "on the beach"),
    "desert": ("in the desert", "in a desert", "among sand dunes"),
    "city": ("in the city", "in a city", "on a city street"),
    "room": ("in a room", "in a living room", "indoors"),
    "space": ("in space", "in outer space", "among the stars"),
    "mountains": ("in the mountains", "in front of mountains", "in a mountain landscape"),
    "underwater": ("under water", "underwater", "at the bottom of the sea"),
}
"""Each place and the phrases that say it; the first is the one that the scores use."""

LIGHTS: dict[str, tuple[str, ...]] = {
    "dawn": ("at dawn", "at sunrise", "in the early morning"),
    "noon": ("at noon", "in bright daylight", "on a sunny day"),
    "sunset": ("at sunset", "at dusk", "in the evening sun"),
    "night": ("at night", "by night", "under the moon"),
    "overcast": ("on an overcast day", "under a grey sky", "in cloudy weather"),
    "fog": ("in the fog", "on a foggy day", "in thick fog"),
    "rain": ("in the rain", "on a rainy day", "in heavy rain"),
    "spotlight": ("in a spotlight", "lit by a spotlight", "under a spotlight"),
    "backlit": ("backlit", "against the light", "with backlighting"),
    "neon": ("in neon light", "with neon lighting", "lit by neon"),
    "soft": ("in soft light", "with soft lighting", "in soft pastel light"),
}
"""Each light and the phrases that say it."""

STUDIO_LIGHTS = ("spotlight", "backlit", "neon", "soft")
"""Lights that make sense without a sky; the only ones on a plain background and in space."""
DEEP_LIGHTS = ("noon", "sunset", "night", *STUDIO_LIGHTS)
"""Lights that make sense under water."""

STYLES: dict[str, tuple[str, ...]] = {
    "3d": ("3d style", "3d render"),
    "flat": ("flat style", "flat illustration"),
    "cartoon": ("cartoon style", "cartoon"),
    "pixel art": ("pixel art", "pixel art style"),
    "watercolour": ("watercolour", "watercolor style", "watercolour painting"),
}
"""Each style and the phrases that say it; without one a picture is drawn as "3d"."""

HELD_OUT_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Subject:
    """A noun, in its own colours or in shades of one of `TINTS`."""

    noun: Noun
    tint: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows: one or two subjects, in a place or on a plain background.

    `background` is one of `COLOURS` and only set without a place. An empty light is noon in a place and
    even light on a plain background.
    """

    subjects: tuple[Subject, ...]
    place: str = ""
    background: str = ""
    light: str = ""
    style: str = ""

    @property
    def shown_light(self) -> str:
        """The light that is drawn: "" on a plain background without one."""
        return self.light or ("noon" if self.place else "")


def lights_of(place: str) -> tuple[str, ...]:
    """The lights that a place, or a plain background (""), can be in."""
    if place in ("", "space"):
        return STUDIO_LIGHTS
    return DEEP_LIGHTS if place == "underwater" else tuple(LIGHTS)


def is_held_out(scene: Scene) -> bool:
    """Whether training must not see this scene: its noun with this place, colour or tint, its pair, or its place with
    this light.

    Decided by a hash of the words, so it is the same on every machine.
    """
    return any(_share(text) < HELD_OUT_SHARE for text in combinations(scene))


def combinations(scene: Scene) -> list[str]:
    """The combinations of words that are held out or not, each as a string."""
    found = []
    for subject in scene.subjects:
        word = subject.noun.word
        found += [f"{word}/{part}" for part in (scene.place, scene.background, subject.tint) if part]
    if len(scene.subjects) == 2:
        found.append("&".join(sorted(subject.noun.word for subject in scene.subjects)))
    if scene.place and scene.light:
        found.append(f"{scene.place}@{scene.light}")
    return found


def _share(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(f"scene:{text}".encode()).digest()[:8]) / 2**64
