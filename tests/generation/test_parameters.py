"""The one record of what decides a picture: every text and key is made from it."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from generation.catalogue.kinds import Borders, ControlUse, Edit, Kind, References, tile_starts, tiles
from generation.models import Generation, Image, Style
from generation.parameters import COLUMNS, STYLED_PROMPT_SQL, CheckpointUse, LoraUse, Parameters, StyleUse, dataset_sql
from tests.generation.fixtures import MakeImage

# A busy machine is slow, and says nothing about the properties.
slow_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
INK = LoraUse("ink", 0.8, "1" * 64)
PLAIN = Parameters(
    prompt="a cat",
    negative_prompt="",
    checkpoint=CheckpointUse("xl", "XL 1.0, tuned: v2", "a" * 64),
    style=None,
    scheduler="DDIMScheduler",
    steps=20,
    guidance=3.0,
    width=64,
    height=48,
    seed=7,
)


def test_values_with_commas_or_colons_stand_in_quotes_and_loras_are_named() -> None:
    lines = replace(PLAIN, negative_prompt="blur", loras=(INK,), strength=0.4).as_a1111().split("\n")
    steps = "Steps: 20, Sampler: DDIM, CFG scale: 3, Seed: 7, Size: 64x48, Model hash: aaaaaaaaaa"
    model = 'Model: "XL 1.0, tuned: v2", Denoising strength: 0.4, Lora hashes: "ink: 111111111111"'
    assert lines == ["a cat <lora:ink:0.8>", "Negative prompt: blur", f"{steps}, {model}, Version: Salon"]


def test_a_style_is_part_of_what_others_read_and_apart_in_our_own_json() -> None:
    styled = replace(PLAIN, style=StyleUse("flat", "{prompt}, flat style", "3d"))
    assert styled.as_a1111().startswith("a cat, flat style\nNegative prompt: 3d\n")
    values = json.loads(styled.as_json(public_id="abc"))
    assert (values["prompt"], values["style"], values["styled_prompt"]) == ("a cat", "flat", "a cat, flat style")


def test_the_json_keeps_every_key_that_was_ever_written() -> None:
    published = {"prompt", "negative_prompt", "checkpoint", "checkpoint_sha256", "scheduler", "steps", "guidance",
                 "seed", "width", "height", "public_id", "style", "strength", "versions"}  # fmt: skip
    values = json.loads(replace(PLAIN, loras=(INK,)).as_json(public_id="abc"))
    assert published <= set(values)
    assert (values["checkpoint"], values["public_id"]) == ("XL 1.0, tuned: v2", "abc")
    assert values["loras"] == [{"slug": "ink", "sha256": "1" * 64, "weight": 0.8}]


def test_neither_text_names_the_source_picture() -> None:
    made = replace(PLAIN, kind=Kind.IMG2IMG, strength=0.5, source_image="secret-image", source_upload="secret-upload")
    assert "secret" not in made.as_json() + made.as_a1111()


@pytest.mark.parametrize(
    "change",
    [
        {"checkpoint": CheckpointUse("xl", "XL", "b" * 64)},
        {"checkpoint": CheckpointUse("other", "XL", "a" * 64)},
        {"scheduler": "EulerDiscreteScheduler"},
        {"steps": 21},
        {"guidance": 1.0},
        {"width": 48},
        {"height": 64},
        {"strength": 0.5},
        {"kind": Kind.INPAINT},
        {"edit": Edit(control=ControlUse("edges", 0.8))},
        {"edit": Edit(references=References("ip_adapter", 2))},
        {"loras": (INK,)},
        {"loras": (replace(INK, weight=0.7),)},
        {"loras": (replace(INK, sha256=""),)},
    ],
)
def test_the_batch_key_differs_by_every_setting_of_a_call(change: dict[str, Any]) -> None:
    changed = replace(PLAIN, **change)
    assert changed.batch_key() != PLAIN.batch_key()
    assert changed.batch_key() != replace(changed, steps=changed.steps + 1).batch_key()


@slow_machine
@given(st.text(), st.text(), st.integers(0, 2**63 - 1))
def test_the_batch_key_is_the_same_for_every_prompt_and_seed(prompt: str, negative: str, seed: int) -> None:
    assert replace(PLAIN, prompt=prompt, negative_prompt=negative, seed=seed).batch_key() == PLAIN.batch_key()


@slow_machine
@given(st.text(max_size=8), st.text(max_size=8))
def test_settings_that_differ_as_text_never_share_a_batch_key(one: str, other: str) -> None:
    keys = {replace(PLAIN, scheduler=name).batch_key() for name in (one, other)}
    assert len(keys) == len({one, other})


def test_the_batch_key_does_not_care_whether_a_whole_guidance_came_as_an_integer() -> None:
    assert replace(PLAIN, guidance=3).batch_key() == PLAIN.batch_key()


@pytest.mark.parametrize(("guidance", "passes"), [(0.0, 1), (1.0, 1), (1.1, 2), (7.5, 2)])
def test_cost_counts_pixels_steps_and_guidance_passes(guidance: float, passes: int) -> None:
    assert replace(PLAIN, guidance=guidance).cost_units() == 64 * 48 * 20 * passes


def test_a_model_that_takes_its_guidance_as_an_input_costs_one_pass() -> None:
    flux = replace(PLAIN, checkpoint=CheckpointUse("flux", "FLUX", "a" * 64, "flux-dev"), guidance=3.5)
    assert flux.cost_units() == 64 * 48 * 20


def test_a_start_picture_costs_the_steps_that_are_drawn() -> None:
    assert replace(PLAIN, strength=0.25).cost_units() == 64 * 48 * 5 * 2


def _styled_image(author: User, make_image: MakeImage) -> Image:
    style = Style.objects.create(slug="flat", name="Flat", template="{prompt}, flat style", negative_prompt="3d")
    image = make_image(author, prompt="a fox", style=style, remix_kind="same")
    Generation.objects.filter(pk=image.generation_id).update(
        loras=[INK.as_column()], strength=0.5, kind="outpaint", edit=Edit(4, 8, Borders(top=64)).as_column()
    )
    return Image.objects.select_related("generation__checkpoint", "generation__style").get(pk=image.pk)


def test_a_record_of_rows_makes_the_same_columns_again(alice: User, make_image: MakeImage) -> None:
    image = _styled_image(alice, make_image)
    columns = Parameters.of(image).as_columns()
    assert columns == {name: getattr(image.generation, name) for name in columns}
    rows = {"checkpoint_id", "style_id", "source_image_id", "upload_id"}
    assert set(columns) == set(COLUMNS) - rows


def test_dataset_rows_say_what_the_record_says(alice: User, make_image: MakeImage) -> None:
    image = _styled_image(alice, make_image)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {dataset_sql()} FROM generation_image image "  # noqa: S608 (a literal of ours)
            "JOIN generation_generation made ON made.id = image.generation_id "
            "JOIN generation_checkpoint checkpoint ON checkpoint.id = made.checkpoint_id "
            "LEFT JOIN generation_style style ON style.id = made.style_id WHERE image.id = %s",
            [image.pk],
        )
        (stored,) = cursor.fetchone()
    values = json.loads(stored)
    request = Parameters.of(image).as_request()
    names = {
        "checkpoint",
        "negative_prompt",
        "style",
        "scheduler",
        "steps",
        "guidance",
        "loras",
        "strength",
        "clip_skip",
    }
    assert {name: values[name] for name in names} == {name: request[name] for name in names}  # type: ignore[literal-required]
    assert set(values) == names | {"remix", "versions", "kind", "edit", "variation_seed"}
    assert (values["kind"], Edit.of(values["edit"])) == ("outpaint", Parameters.of(image).edit)


@slow_machine
@given(st.integers(1, 5000), st.integers(8, 1024))
def test_tiles_cover_a_length_and_overlap_by_an_eighth(length: int, tile: int) -> None:
    starts = tile_starts(length, tile)
    assert starts[0] == 0
    assert starts[-1] == max(0, length - tile)
    assert all(later - earlier <= tile - tile // 8 + 1 for earlier, later in pairwise(starts))


def test_a_picture_that_is_enlarged_costs_the_tiles_that_are_drawn() -> None:
    enlarged = replace(PLAIN, kind=Kind.UPSCALE, strength=0.5, edit=Edit(factor=2.0), output=(128, 96))
    assert len(list(tiles(128, 96, (64, 48)))) == 9
    assert enlarged.cost_units() == 9 * 64 * 48 * 10 * 2


@given(
    st.builds(
        Edit, mask_margin=st.integers(0, 99), mask_feather=st.integers(0, 99),
        borders=st.builds(Borders, *(st.integers(0, 512),) * 4), factor=st.floats(1, 4),
        variation_strength=st.floats(0, 1), control=st.none() | st.builds(ControlUse, st.text(), st.floats(0, 2)),
        references=st.builds(References, st.text(), st.integers(0, 6), words=st.lists(st.text()).map(tuple)),
    )
)  # fmt: skip
def test_an_edit_is_read_back_as_it_was_stored(edit: Edit) -> None:
    assert Edit.of(json.loads(json.dumps(edit.as_column()))) == edit


def test_words_of_a_mood_board_are_read_by_the_model_and_by_datasets_alike(alice: User, make_image: MakeImage) -> None:
    image = _styled_image(alice, make_image)
    edit = Edit(references=References("words", 2, words=("harbour", "night, rain")))
    Generation.objects.filter(pk=image.generation_id).update(edit=edit.as_column())
    image = Image.objects.select_related("generation__checkpoint", "generation__style").get(pk=image.pk)
    assert Parameters.of(image).styled_prompt == "a fox, harbour, night, rain, flat style"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {STYLED_PROMPT_SQL} FROM generation_generation made "  # noqa: S608 (a literal of ours)
            "LEFT JOIN generation_style style ON style.id = made.style_id WHERE made.id = %s",
            [image.generation_id],
        )
        assert cursor.fetchone() == ("a fox, harbour, night, rain, flat style",)
