"""The caption grammar and what it holds out."""

import random

import pytest

from starter.captions import COLOURS, LISTED, TINTS, Noun, Scene, caption, is_held_out, read_nouns
from starter.scenes import random_scene

CAT = Noun("1F431", "a cat", "cats")
OWL = Noun("1F989", "an owl", "owls")
UNICORN = Noun("1F984", "a unicorn", "unicorns")
GRAPES = Noun("1F347", "grapes", "grapes")


def captions_of(scene: Scene) -> set[str]:
    return {caption(scene, random.Random(seed)) for seed in range(60)}


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (Scene((OWL,)), "an owl"),
        (Scene((CAT,), tint="orange"), "an orange cat"),
        (Scene((UNICORN,)), "a unicorn"),
        (Scene((GRAPES,), tint="blue"), "blue grapes"),
        (Scene((CAT,), style="3d"), "a 3d cat"),
        (Scene((CAT,), style="flat", tint="purple"), "a purple cat, flat style"),
        (Scene((CAT,), background="orange"), "a cat on an orange background"),
        (Scene((CAT,), background="red"), "a cat, red background"),
        (Scene((CAT,), place="on the left"), "a small cat on the left"),
        (Scene((OWL,), count=3, style="cartoon"), "three cartoon owls"),
        (Scene((CAT, OWL)), "a cat and an owl"),
        (Scene((CAT, OWL), style="flat"), "a flat cat and a flat owl"),
    ],
)
def test_a_scene_is_said_in_plain_english(scene: Scene, expected: str) -> None:
    assert expected in captions_of(scene)


def test_a_caption_names_the_background_whenever_the_scene_does() -> None:
    for text in captions_of(Scene((CAT,), background="turquoise")):
        assert "turquoise" in text


def test_the_same_generator_says_the_same() -> None:
    scene = Scene((CAT,), style="flat", background="pink")
    assert caption(scene, random.Random(5)) == caption(scene, random.Random(5))


def test_the_first_fifty_nouns_are_fifty_different_words() -> None:
    nouns = read_nouns(LISTED)
    assert len({noun.word for noun in nouns}) == len({noun.code for noun in nouns}) == LISTED


def test_some_combinations_are_held_out_but_never_a_noun_alone() -> None:
    nouns = read_nouns(LISTED)
    pairs = [Scene((noun,), background=colour) for noun in nouns for colour in COLOURS]
    tints = [Scene((noun,), tint=tint) for noun in nouns for tint in TINTS]
    assert 0.04 < sum(map(is_held_out, pairs + tints)) / len(pairs + tints) < 0.14
    assert not any(is_held_out(Scene((noun,))) for noun in nouns)


def test_a_pair_is_held_out_in_either_order() -> None:
    nouns = read_nouns(LISTED)
    for one in nouns[:10]:
        for two in nouns[10:20]:
            assert is_held_out(Scene((one, two))) == is_held_out(Scene((two, one)))


def test_training_never_draws_a_held_out_scene() -> None:
    rng = random.Random(3)
    nouns = read_nouns(LISTED)
    assert not any(is_held_out(random_scene(nouns, rng)) for _ in range(2000))
