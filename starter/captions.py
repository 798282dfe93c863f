"""The closed language of the starter model: scenes, their captions, and what is held out."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

NOUNS_FILE = Path(__file__).parent / "nouns.txt"
LISTED = 50
"""How many nouns, from the top of the file, the scores are about."""

STYLES = ("3d", "flat", "cartoon")
"""One word for each artwork: Fluent 3D, Fluent flat, Noto."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (222, 44, 44),
    "orange": (250, 145, 30),
    "yellow": (252, 220, 50),
    "green": (60, 170, 75),
    "blue": (45, 105, 225),
    "purple": (135, 70, 190),
    "pink": (250, 150, 195),
    "brown": (130, 85, 50),
    "black": (18, 18, 22),
    "gray": (140, 140, 145),
    "white": (252, 252, 252),
    "turquoise": (60, 200, 200),
    "beige": (236, 220, 190),
}
PLAIN_COLOURS: tuple[tuple[int, int, int], ...] = (
    (250, 250, 250),
    (250, 250, 250),
    (228, 238, 250),
    (252, 236, 220),
    (230, 246, 230),
    (244, 232, 250),
)
"""Backgrounds, sRGB 0-255, of a caption that names none."""

TINTS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white")
PLACES = ("on the left", "on the right", "at the top", "at the bottom")
NUMBERS = {2: "two", 3: "three"}
HELD_OUT_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Noun:
    """A concept: its emoji code point and its English forms."""

    code: str
    one: str
    several: str
    known_as: tuple[str, ...] = ()
    """What else emojibase calls it and nothing else here: ("kitten", "cat face")."""

    @property
    def word(self) -> str:
        """The noun without its article: "ice cream"."""
        first, _, rest = self.one.partition(" ")
        return rest if first in ("a", "an") else self.one


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows. `nouns` has one or two members; the rest may be empty."""

    nouns: tuple[Noun, ...]
    style: str = ""
    background: str = ""
    tint: str = ""
    place: str = ""
    count: int = 1


def read_nouns(limit: int | None = None) -> list[Noun]:
    """The first `limit` nouns of `nouns.txt`, or all of them."""
    lines = NOUNS_FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    return [Noun(code, one, several) for code, one, several in rows][:limit]


def is_held_out(scene: Scene) -> bool:
    """Whether training must not see this (noun, background), (noun, tint), pair or (noun, style).

    Decided by a hash of the words, so it is the same on every machine.
    """
    words = [noun.word for noun in scene.nouns]
    combinations = [f"{words[0]}/{part}" for part in (scene.background, scene.tint) if part]
    if len(words) == 2:
        combinations.append("&".join(sorted(words)))
    return any(_share(text) < HELD_OUT_SHARE for text in combinations)


def _share(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def with_article(words: str) -> str:
    """Put "a" or "an" before words: "an orange cat"; a unicorn is met only after an adjective."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def caption(scene: Scene, rng: random.Random) -> str:
    """One English caption of the scene; the generator chooses between equal phrasings."""
    style_first = bool(scene.style) and rng.random() < 0.5
    text = _subject(scene, scene.style if style_first else "")
    if scene.place:
        text += f" {scene.place}"
    if len(scene.nouns) == 1 and scene.count == 1 and not style_first:
        draw = rng.random()
        if draw < 0.12:
            text = _loosened(text, rng)
        elif draw < 0.24 and text == scene.nouns[0].one and scene.nouns[0].known_as:
            text = _renamed(scene.nouns[0], rng)
    if scene.background:
        text += _behind(scene.background, rng)
    if scene.style and not style_first:
        text += f", {scene.style} style"
    return text


def _subject(scene: Scene, style: str) -> str:
    first = scene.nouns[0]
    if scene.count > 1:
        return " ".join(filter(None, (NUMBERS[scene.count], style, scene.tint, first.several)))
    adjectives = [style, "small" if scene.place else "", scene.tint]
    text = _phrase(first, [word for word in adjectives if word])
    if len(scene.nouns) == 2:
        text += f" and {_phrase(scene.nouns[1], [style] if style else [])}"
    return text


def _phrase(noun: Noun, adjectives: list[str]) -> str:
    if not adjectives:
        return noun.one
    words = " ".join([*adjectives, noun.word])
    return with_article(words) if noun.word != noun.one else words


def _loosened(text: str, rng: random.Random) -> str:
    """What people write around a subject, so that the model does not trip over it."""
    bare = text.removeprefix("an ").removeprefix("a ")
    forms = (bare, f"a picture of {text}", f"an emoji of {text}", f"a cute {bare}", f"the {bare}")
    return rng.choice(forms)


def _renamed(noun: Noun, rng: random.Random) -> str:
    """The noun and another of its names, which says too little alone: "strong", "a lion, strong"."""
    return f"{noun.one}, {rng.choice(noun.known_as)}"


def _behind(background: str, rng: random.Random) -> str:
    draw = rng.random()
    if draw < 0.7:
        return f" on {with_article(background)} background"
    return f", {background} background" if draw < 0.85 else f" on {background}"
