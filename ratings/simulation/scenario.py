"""The members of a simulated community and what they generate. Pure: seed and sizes in, scenario out."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

NAMES = (
    "ada", "bruno", "carla", "dmitri", "elif", "farid", "greta", "hugo", "ines", "jonas", "kaya", "liam", "mira",
    "noor", "oskar", "paula", "quentin", "rosa", "samir", "tilda", "umut", "vera", "wanda", "yusuf", "zoe",
)  # fmt: skip
NOUNS = (
    "cat", "dog", "rabbit", "bear", "panda", "fox", "lion", "pig", "frog", "monkey", "penguin", "owl", "unicorn",
    "octopus", "fish", "whale", "turtle", "butterfly", "bee", "apple", "banana", "strawberry", "cherry", "lemon",
    "pineapple", "watermelon", "carrot", "pizza", "hamburger", "doughnut", "sun", "moon", "star", "cloud", "rainbow",
    "tree", "cactus", "mushroom", "sunflower", "snowman", "fire", "car", "rocket", "house", "balloon", "guitar",
    "heart", "ghost",
)  # fmt: skip
BACKGROUNDS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white")
TINTS = ("red", "yellow", "green", "blue", "purple", "pink")
STYLES = ("3d", "flat", "cartoon")
STYLED_EVERY = 2  # every second one that names a style chooses the site's
PER_GENERATION = 2
REMIX_SHARE = 0.2
REFUSES_EVERY = 6  # every sixth member consents to nothing
TODAY_SHARE = 0.2
LENT_EVERY = 6
SPLITS_FIRST = ("validation", "train", "test", "train", "validation", "train", "validation")
BIOS = ("I collect small bright things.", "Here for the animals.", "Colours first.", "Learning one prompt at a time.")


@dataclass(frozen=True, slots=True)
class Persona:
    number: int
    username: str
    bio: str
    agrees: bool
    joined: timedelta  # before the end of the simulated time


@dataclass(frozen=True, slots=True)
class PlannedGeneration:
    """One generation to request. A remix names the earlier plan it starts from, and how."""

    number: int
    persona: int
    prompt: str
    seed: int
    ago: timedelta  # before the end of the simulated time
    publishes: int  # how many of its pictures
    is_todays: bool
    remix_of: int | None = None
    remix_kind: str = ""
    style: str = ""  # a style of the site instead of its words in the prompt


@dataclass(frozen=True, slots=True)
class Scenario:
    seed: int
    personas: tuple[Persona, ...]
    plans: tuple[PlannedGeneration, ...]

    def originals(self) -> list[PlannedGeneration]:
        return [plan for plan in self.plans if plan.remix_of is None]

    def remixes(self) -> list[PlannedGeneration]:
        return [plan for plan in self.plans if plan.remix_of is not None]


def write_scenario(*, members: int, days: int, seed: int, images: int, split_of: Callable[[str], str]) -> Scenario:
    """The scenario of a seed; `split_of` names the split of a prompt. Deterministic.

    The first prompts are chosen so that each split has some: by chance a small community might have none for
    validation, and no release could be built from it.
    """
    rng = random.Random(f"salon-community-{seed}")
    span = timedelta(days=days)
    personas = tuple(_persona(number, span, rng) for number in range(members))
    total = max(images // PER_GENERATION, len(SPLITS_FIRST))
    originals = total - int(total * REMIX_SHARE)
    plans: list[PlannedGeneration] = []
    for number in range(originals):
        split = SPLITS_FIRST[number] if number < len(SPLITS_FIRST) else ""
        plans.append(_plan(number, personas, span, _new_prompt(rng, plans, split, split_of), rng, is_first=bool(split)))
    for number in range(originals, total):
        origin = rng.choice(plans[:originals])
        kind = rng.choice(("same", "inspired"))
        prompt = origin.prompt if kind == "same" else _new_prompt(rng, plans, "", split_of)
        plan = _plan(number, personas, span, prompt, rng)
        late = timedelta(hours=2) * rng.random()  # after what it starts from
        plans.append(replace(plan, remix_of=origin.number, remix_kind=kind, is_todays=True, ago=late))
    return Scenario(seed, personas, tuple(map(_styled, plans)))


def lend_plans(scenario: Scenario, *, to: int) -> Scenario:
    """Gives every sixth generation after the first ones to another member; nothing more is drawn."""
    plans = (
        replace(plan, persona=to) if plan.number >= len(SPLITS_FIRST) and plan.number % LENT_EVERY == 0 else plan
        for plan in scenario.plans
    )
    return replace(scenario, plans=tuple(plans))


def _styled(plan: PlannedGeneration) -> PlannedGeneration:
    """The plan with a style of the site, where its prompt names one. Remixes and those of a split stay as they are."""
    words, _comma, style = plan.prompt.removesuffix(" style").partition(", ")
    is_spared = plan.remix_of is not None or plan.number < len(SPLITS_FIRST)
    return plan if not style or is_spared or plan.number % STYLED_EVERY else replace(plan, prompt=words, style=style)


def _plan(
    number: int,
    personas: Sequence[Persona],
    span: timedelta,
    prompt: str,
    rng: random.Random,
    *,
    is_first: bool = False,
) -> PlannedGeneration:
    """The first plans belong to members who consented, so that a release can use them."""
    askers = [persona for persona in personas if persona.agrees or not is_first]
    is_todays = rng.random() < TODAY_SHARE
    return PlannedGeneration(
        number=number,
        persona=askers[number % len(askers)].number if is_first else rng.choice(askers).number,
        prompt=prompt,
        seed=rng.randrange(2**31),
        ago=timedelta(hours=2) * (1 + rng.random()) if is_todays else span * (0.15 + 0.85 * rng.random()),
        publishes=2 if is_first or rng.random() < 0.75 else 1,
        is_todays=is_todays,
    )


def _persona(number: int, span: timedelta, rng: random.Random) -> Persona:
    name = NAMES[number % len(NAMES)]
    return Persona(
        number=number,
        username=name if number < len(NAMES) else f"{name}-{number // len(NAMES)}",
        bio=rng.choice(BIOS),
        agrees=number % REFUSES_EVERY != REFUSES_EVERY - 1,
        joined=span * (1 + 0.2 * rng.random()),
    )


def _new_prompt(
    rng: random.Random, plans: Sequence[PlannedGeneration], split: str, split_of: Callable[[str], str]
) -> str:
    taken = {plan.prompt for plan in plans}
    for _ in range(500):
        prompt = _prompt(rng)
        if prompt not in taken and (not split or split_of(prompt) == split):
            break
    return prompt


def _prompt(rng: random.Random) -> str:
    """A prompt of words that the starter checkpoint was trained on."""
    noun = rng.choice(NOUNS)
    tint = f"{rng.choice(TINTS)} " if rng.random() < 0.25 else ""
    words = f"{tint}{noun}"
    article = "an" if words[0] in "aeiou" and not words.startswith("uni") else "a"
    behind = f" on a {rng.choice(BACKGROUNDS)} background".replace("a orange", "an orange")
    style = f", {rng.choice(STYLES)} style" if rng.random() < 0.5 else ""
    return f"{article} {words}{behind if rng.random() < 0.8 else ''}{style}"
