"""Scenes, what is said about them, and how they are drawn."""

import random

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from starter.captions import COLOURS, STYLES, TINTS, Noun, read_nouns
from starter.recipe.cases import GROUPS, compared_prompts, scenes_of, sheets
from starter.recipe.scenes.captions import caption, plain_caption
from starter.recipe.scenes.composition import compose
from starter.recipe.scenes.labels import to_row, to_scene
from starter.recipe.scenes.lights import LIGHT_OF
from starter.recipe.scenes.sampling import SIZES, SQUARE, proposal, random_scene
from starter.recipe.scenes.shards import ROWS, compose_scenes, size_of
from starter.recipe.scenes.styles import blueprint
from starter.recipe.scenes.vocabulary import LIGHTS, PLACES, Scene, Subject, combinations, is_held_out, lights_of
from starter.recipe.scenes.vocabulary import STYLES as ALL_STYLES
from starter.scenes import Sprites

NOUNS = read_nouns()
CAT, DOG = NOUNS[0], NOUNS[1]


@pytest.fixture(scope="module")
def sprites() -> Sprites:
    """A yellow disc for every noun, in every style."""
    sprite = Image.new("RGBA", (112, 112))
    ImageDraw.Draw(sprite).ellipse((4, 4, 108, 108), fill=(250, 200, 40, 255))
    return {(noun.code, style): sprite for noun in NOUNS for style in STYLES}


def one(noun: Noun = CAT, tint: str = "", **settings: str) -> Scene:
    return Scene((Subject(noun, tint),), **settings)


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (one(), "a cat"),
        (one(background="orange"), "a cat on an orange background"),
        (one(tint="orange"), "an orange cat"),
        (one(place="forest", light="night", style="flat"), "a cat in a forest at night, flat style"),
        (Scene((Subject(CAT, "blue"), Subject(DOG)), place="sea"), "a blue cat and a dog by the sea"),
    ],
)
def test_a_plain_caption_says_everything_once(scene: Scene, expected: str) -> None:
    assert plain_caption(scene) == expected


def test_every_wording_names_the_subjects_in_order() -> None:
    rng = random.Random(1)
    for _ in range(300):
        scene = random_scene(NOUNS, rng)
        words = [subject.noun.word for subject in scene.subjects]
        text = caption(scene, rng)
        places = [text.index(word) for word in words]
        assert places == sorted(places), text


def test_every_wording_names_the_colours() -> None:
    rng = random.Random(2)
    for _ in range(200):
        assert "purple" in caption(one(tint="purple", background="red", light="neon"), rng)


def test_one_in_five_combinations_or_fewer_is_held_out_and_no_noun_alone() -> None:
    rng = random.Random(3)
    share = sum(is_held_out(proposal(NOUNS, rng)) for _ in range(3000)) / 3000
    assert 0.08 < share < 0.25
    assert not any(is_held_out(one(noun)) for noun in NOUNS)


def test_training_never_draws_a_held_out_scene() -> None:
    rng = random.Random(4)
    assert not any(is_held_out(random_scene(NOUNS, rng)) for _ in range(2000))


def test_a_pair_is_held_out_in_either_order() -> None:
    pair = Scene((Subject(CAT), Subject(DOG)))
    assert combinations(pair) == combinations(Scene(pair.subjects[::-1]))


def test_only_lights_that_make_sense_are_drawn_in_a_place() -> None:
    rng = random.Random(5)
    for _ in range(2000):
        scene = proposal(NOUNS, rng)
        assert not scene.light or scene.light in lights_of(scene.place)
        assert not (scene.place and scene.background)


def test_labels_hold_the_whole_scene() -> None:
    rng = random.Random(6)
    for _ in range(500):
        scene = proposal(NOUNS, rng)
        assert to_scene(to_row(scene, NOUNS), NOUNS) == scene


@pytest.mark.parametrize("size", SIZES)
def test_every_place_is_drawn_in_each_of_its_lights(sprites: Sprites, size: tuple[int, int]) -> None:
    for place in PLACES:
        for light in lights_of(place):
            picture, cover = compose(one(place=place, light=light), sprites, size, random.Random(7))
            assert picture.shape == (size[1], size[0], 3)
            assert cover.shape == (size[1], size[0])
            assert 0.08 < cover.mean() / 255 < 0.5, (place, light)


def test_a_seed_composes_the_same_picture(sprites: Sprites) -> None:
    for style in ALL_STYLES:
        scene = one(place="city", light="rain", style=style)
        first, second = (compose(scene, sprites, SQUARE, random.Random(8))[0] for _ in range(2))
        assert np.array_equal(first, second)


def test_lights_look_different_from_each_other(sprites: Sprites) -> None:
    means = {
        light: compose(one(place="meadow", light=light), sprites, SQUARE, random.Random(9))[0].mean((0, 1))
        for light in LIGHTS
    }
    for light, mean in means.items():
        nearest = min(np.abs(mean - other).max() for name, other in means.items() if name != light)
        assert nearest > 6, light
    assert set(LIGHT_OF) == {"", *LIGHTS}


def test_a_background_keeps_its_colour(sprites: Sprites) -> None:
    for colour in COLOURS:
        picture, _ = compose(one(background=colour), sprites, SQUARE, random.Random(10))
        assert np.abs(picture[:4].mean((0, 1)) - np.array(COLOURS[colour])).max() < 30


def test_two_subjects_stand_side_by_side(sprites: Sprites) -> None:
    scene = Scene((Subject(CAT, "red"), Subject(DOG, "blue")))
    picture, _ = compose(scene, sprites, SQUARE, random.Random(11))
    left, right = picture[60:68, 24:40].mean((0, 1)), picture[60:68, 88:104].mean((0, 1))
    assert left[0] > left[2] + 60
    assert right[2] > right[0] + 60


def test_pixel_art_is_made_of_blocks(sprites: Sprites) -> None:
    picture, _ = compose(one(place="snow", style="pixel art"), sprites, SQUARE, random.Random(12))
    blocks = picture.reshape(32, 4, 32, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_a_blueprint_is_blue(sprites: Sprites) -> None:
    picture, _ = compose(one(place="desert", light="sunset"), sprites, SQUARE, random.Random(13))
    mean = np.asarray(blueprint(Image.fromarray(picture), random.Random(0))).mean((0, 1))
    assert mean[2] > mean[0] + 60


def test_shards_come_in_every_size_and_say_what_they_show(sprites: Sprites) -> None:
    assert {size_of(index) for index in range(8)} == set(SIZES)
    assert ROWS % 64 == 0
    scenes = [one(place="sea"), one(DOG, "green", background="pink")]
    shard = compose_scenes(scenes, NOUNS, sprites, (96, 144), random.Random(14))
    assert (shard.pictures.shape, shard.cover.shape) == ((2, 144, 96, 3), (2, 18, 12))
    assert shard.pictures.dtype == torch.uint8
    assert [to_scene(row.tolist(), NOUNS) for row in shard.rows] == scenes


def test_scores_are_about_the_same_scenes_every_time() -> None:
    for group in GROUPS:
        for held_out in (False, True):
            scenes = scenes_of(group, NOUNS, 10, held_out=held_out)
            assert scenes == scenes_of(group, NOUNS, 10, held_out=held_out)
            assert all(is_held_out(scene) == held_out for scene in scenes)
    assert {len(rows) for rows in sheets(NOUNS).values()} == {len(LIGHTS), len(PLACES), len(ALL_STYLES)}
    assert set(TINTS) <= set(COLOURS)


def test_a_blind_comparison_has_sixty_different_prompts() -> None:
    prompts = compared_prompts(NOUNS)
    assert len(set(prompts)) == 60
    assert prompts == compared_prompts(NOUNS)
    assert sum(" and " in prompt for prompt in prompts) >= 18
