"""English captions of scenes, in many wordings."""

import random

from starter.captions import Noun, with_article
from starter.recipe.scenes.vocabulary import LIGHTS, PLACES, STYLES, Scene, Subject

_JOINED = ("{} and {}", "{} and {}", "{} next to {}", "{} beside {}", "{} with {}")
_LOOSE = ("a picture of {}", "a cute {bare}", "the {bare}", "{bare}", "a photo of {}", "an illustration of {}")


def plain_caption(scene: Scene) -> str:
    """The shortest full caption: "a blue cat in a forest at night, flat style"."""
    return _sentence(_subjects(scene, "{} and {}"), _setting(scene, None), _style(scene, None))


def caption(scene: Scene, rng: random.Random) -> str:
    """One caption of the scene; the generator chooses between wordings of the same meaning."""
    if rng.random() < 0.12:
        return _tags(scene, rng)
    subjects = _subjects(scene, rng.choice(_JOINED))
    if len(scene.subjects) == 1:
        subjects = _loosened(subjects, scene.subjects[0].noun, rng)
    setting = _setting(scene, rng)
    style = _style(scene, rng)
    draw = rng.random()
    if setting and draw < 0.12:
        return ", ".join(filter(None, [" ".join(setting), subjects, style]))
    if len(setting) == 2 and draw < 0.3:
        return _sentence(subjects, setting[::-1], style)
    if draw > 0.8:
        return ", ".join(filter(None, [subjects, *setting, style]))
    return _sentence(subjects, setting, style)


def _sentence(subjects: str, setting: list[str], style: str) -> str:
    text = " ".join([subjects, *setting])
    return f"{text}, {style}" if style else text


def _subjects(scene: Scene, joined: str) -> str:
    phrases = [_phrase(subject) for subject in scene.subjects]
    return phrases[0] if len(phrases) == 1 else joined.format(*phrases)


def _phrase(subject: Subject) -> str:
    noun = subject.noun
    if not subject.tint:
        return noun.one
    words = f"{subject.tint} {noun.word}"
    return with_article(words) if noun.word != noun.one else words


def _loosened(text: str, noun: Noun, rng: random.Random) -> str:
    """What people write around a subject, or another name of it, so that the model does not trip over it."""
    draw = rng.random()
    if draw < 0.15:
        bare = text.removeprefix("an ").removeprefix("a ")
        return rng.choice(_LOOSE).format(text, bare=bare)
    if draw < 0.25 and noun.known_as:
        return f"{text}, {rng.choice(noun.known_as)},"
    return text


def _setting(scene: Scene, rng: random.Random | None) -> list[str]:
    """The phrases of place and light; without a generator the first of each."""
    found = []
    if scene.place:
        found.append(_choose(PLACES[scene.place], rng))
    elif scene.background:
        found.append(_behind(scene.background, rng))
    if scene.light:
        found.append(_choose(LIGHTS[scene.light], rng))
    return found


def _behind(colour: str, rng: random.Random | None) -> str:
    forms = (f"on {with_article(colour)} background", f"on {colour}", f"in front of {with_article(colour)} wall")
    return forms[0] if rng is None else rng.choices(forms, (7, 2, 1))[0]


def _style(scene: Scene, rng: random.Random | None) -> str:
    return _choose(STYLES[scene.style], rng) if scene.style else ""


def _tags(scene: Scene, rng: random.Random) -> str:
    """Comma-separated words: "cat, forest, night, flat style"."""
    words = [f"{subject.tint} {subject.noun.word}".strip() for subject in scene.subjects]
    if scene.background:
        words.append(f"{scene.background} background")
    return ", ".join(filter(None, [*words, scene.place, scene.light, _style(scene, rng)]))


def _choose(forms: tuple[str, ...], rng: random.Random | None) -> str:
    return forms[0] if rng is None else rng.choice(forms)
