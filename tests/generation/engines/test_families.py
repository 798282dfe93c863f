"""Every family from a tiny folder in its published layout: it draws, counts its steps, previews, stops and refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from filelock import FileLock

from generation.catalogue.families import FAMILIES
from generation.engines.base import Job, NotSupported, PreviewSource, Source
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.drawing import draw
from generation.engines.diffusers.inspection import family_in
from generation.engines.diffusers.loading import load
from tests.generation import families

NAMES = sorted(families.BUILDERS)
FolderOf = Callable[[str], Path]
WORDS = [
    "a cat",
    "a dog on a hill",
    "the sea",
    "a red hut by a lake",
    "snow",
    "two birds",
    "a boat",
    "a very old tree",
]


def no_steps(_step: int, _previews: PreviewSource) -> None:
    pass


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> FolderOf:
    """The folder of a checkpoint of `families`, built once per run."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if base.name.startswith("popen-") else base

    def build(name: str) -> Path:
        folder = root / "families" / name
        folder.parent.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not (folder / "model_index.json").exists():
                families.build(name, folder)
        return folder

    return build


def job(folder: Path, **values: Any) -> Job:
    source = Source(str(folder))
    prompts = values.pop("prompts", ["a cat"])
    settings: dict[str, Any] = {
        "source": replace(source, family=family_in(source)), "prompts": prompts,
        "negative_prompts": [""] * len(prompts), "seeds": list(range(len(prompts))), "width": families.SIZE,
        "height": families.SIZE, "steps": 4, "guidances": [4.0] * len(prompts),
    }  # fmt: skip
    return Job(**(settings | values))


def pixels(picture: PIL.Image.Image) -> Any:
    return np.asarray(picture).astype(int)


def furthest(one: PIL.Image.Image, other: PIL.Image.Image) -> int:
    return int(np.abs(pixels(one) - pixels(other)).max())


def picture() -> PIL.Image.Image:
    return PIL.Image.linear_gradient("L").resize((families.SIZE, families.SIZE)).convert("RGB")


class Cancelled(Exception):
    pass


@pytest.mark.parametrize("name", NAMES)
def test_the_family_is_read_from_the_published_files(name: str, folder_of: FolderOf) -> None:
    assert family_in(Source(str(folder_of(name)))) == families.BUILDERS[name][0]


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_counts_every_step_and_shows_a_preview_of_every_picture(name: str, folder_of: FolderOf) -> None:
    reported: list[int] = []
    previews: list[list[PIL.Image.Image]] = []

    def on_step(step: int, source: PreviewSource) -> None:
        reported.append(step)
        previews.append(source())

    made = draw(job(folder_of(name), prompts=["a cat", "a dog"]), on_step=on_step)
    assert [each.size for each in made] == [(families.SIZE, families.SIZE)] * 2
    assert furthest(made[0], made[1]) > 1
    assert reported == [1, 2, 3, 4]
    assert [len(each) for each in previews] == [2] * 4


@pytest.mark.parametrize("name", NAMES)
def test_a_callback_that_raises_stops_within_two_steps(name: str, folder_of: FolderOf) -> None:
    reported: list[int] = []

    def on_step(step: int, _previews: PreviewSource) -> None:
        reported.append(step)
        if step >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        draw(job(folder_of(name), steps=12), on_step=on_step)
    assert reported == [1, 2]
    made = draw(job(folder_of(name)), on_step=no_steps)
    assert len(made) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_among_eight_is_itself_alone(name: str, folder_of: FolderOf) -> None:
    together = job(folder_of(name), prompts=WORDS, negative_prompts=["", "blue", *[""] * 6], seeds=list(range(20, 28)))
    made = draw(together, on_step=no_steps)
    for number in (1, 6):
        own = {"prompts": [WORDS[number]], "negative_prompts": [together.negative_prompts[number]]}
        (alone,) = draw(job(folder_of(name), seeds=[20 + number], **own), on_step=no_steps)
        assert furthest(alone, made[number]) <= 1


@pytest.mark.parametrize("name", [name for name in NAMES if FAMILIES[families.BUILDERS[name][0]].has_source])
def test_it_starts_from_a_picture_and_draws_only_the_last_steps(name: str, folder_of: FolderOf) -> None:
    reported: list[int] = []
    wanted = job(folder_of(name), steps=8, sources=[picture()], strength=0.5)
    (made,) = draw(wanted, on_step=lambda step, _previews: reported.append(step))
    assert reported == list(range(1, FAMILIES[wanted.source.family].drawn_steps(8, 0.5) + 1))
    (other,) = draw(replace(wanted, sources=[picture().rotate(180)]), on_step=no_steps)
    assert furthest(made, other) > 0  # the same source gives the same bytes; random weights make little of another


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("sd15", {"width": 60}, "multiples of 8"),
        ("flux-dev", {"width": 72}, "multiples of 16"),
        ("sana", {"height": 80}, "multiples of 32"),
        ("pixart-sigma", {"sources": [picture()], "strength": 0.5}, "cannot start from a picture"),
        ("sana", {"sources": [picture()], "strength": 0.5}, "cannot start from a picture"),
        ("sd15", {"scheduler": "flow_euler"}, "sampler"),
        ("flux-dev", {"scheduler": "dpmpp_2m"}, "sampler"),
        ("sd15", {"sources": [picture()], "strength": 0.05, "steps": 10}, "none of them"),
        ("lcm", {"sources": [picture()], "strength": 0.05, "steps": 4}, "none of them"),
    ],
)
def test_what_a_family_cannot_do_is_refused_with_a_sentence(
    name: str, values: dict[str, Any], words: str, folder_of: FolderOf
) -> None:
    with pytest.raises(NotSupported, match=words):
        draw(job(folder_of(name), **values), on_step=no_steps)


@pytest.mark.parametrize("name", [name for name in NAMES if FAMILIES[families.BUILDERS[name][0]].has_weights])
def test_weights_change_the_picture_and_a_weight_of_one_does_not(name: str, folder_of: FolderOf) -> None:
    def drawn(prompt: str) -> PIL.Image.Image:
        return draw(job(folder_of(name), prompts=[prompt], steps=3), on_step=no_steps)[0]

    plain = drawn("a red fox, snow")
    assert furthest(plain, drawn("a (red:1.0) fox, snow")) == 0
    assert furthest(plain, drawn("a (red fox:2.5), snow")) > 0
    assert furthest(plain, drawn("a [[[[[[red fox]]]]]], snow")) > 0


@pytest.mark.parametrize("name", ["sd15", "sdxl", "lcm", "sd3", "flux-dev", "pixart-sigma"])
def test_words_beyond_the_first_window_change_the_picture(name: str, folder_of: FolderOf) -> None:
    long = "a wide landscape with hills, rivers, woods, two castles on two rocks, and one cloud " * 2
    made = [
        draw(job(folder_of(name), prompts=[long + end], steps=3), on_step=no_steps)[0]
        for end in ("a cat, a dog, a bird", "zzz qqq xxx jjj kkk")
    ]
    assert furthest(*made) > 0


def test_a_long_prompt_does_not_change_the_picture_beside_it(folder_of: FolderOf) -> None:
    reported: list[int] = []
    long = "hills, rivers, woods, " * 10
    together = job(folder_of("sd15"), prompts=[long, "a cat", long + "sea"], steps=4)
    made = draw(together, on_step=lambda step, _previews: reported.append(step), pad_to=4)
    assert reported == [1, 2, 3, 4]
    for number, prompt in enumerate(together.prompts):
        (alone,) = draw(job(folder_of("sd15"), prompts=[prompt], seeds=[number]), on_step=no_steps)
        assert furthest(alone, made[number]) <= 1


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_clip_skip_changes_the_picture(name: str, folder_of: FolderOf) -> None:
    plain, skipped = (draw(job(folder_of(name), clip_skip=n), on_step=no_steps)[0] for n in (1, 2))
    assert furthest(plain, skipped) > 1


@pytest.mark.parametrize("name", ["sd15", "playground-v2.5", "sd3", "flux-schnell"])
def test_samplers_leave_no_trace_in_the_next_picture(name: str, folder_of: FolderOf) -> None:
    wanted = job(folder_of(name))
    (first,) = draw(wanted, on_step=no_steps)
    for sampler in FAMILIES[wanted.source.family].samplers[-3:]:
        draw(replace(wanted, scheduler=sampler), on_step=no_steps)
    (again,) = draw(wanted, on_step=no_steps)
    assert furthest(first, again) == 0


@pytest.mark.parametrize("sampler", ["heun", "heun_k", "dpm2", "dpm2_a", "pndm", "dpmpp_sde", "euler_a"])
def test_steps_are_counted_alike_however_often_a_sampler_calls_the_model(sampler: str, folder_of: FolderOf) -> None:
    reported: list[int] = []
    draw(job(folder_of("sd15"), steps=8, scheduler=sampler), on_step=lambda step, _previews: reported.append(step))
    assert reported == list(range(1, 9))


@pytest.mark.parametrize("sampler", ["euler_a", "dpmpp_2m_sde_k", "dpmpp_sde", "dpm2_a", "lcm", "ddpm"])
def test_noise_of_a_sampler_belongs_to_one_picture(sampler: str, folder_of: FolderOf) -> None:
    values = {"steps": 4, "scheduler": sampler}
    together = draw(job(folder_of("sd15"), prompts=["a cat", "a dog"], seeds=[8, 9], **values), on_step=no_steps)
    (alone,) = draw(job(folder_of("sd15"), prompts=["a dog"], seeds=[9], **values), on_step=no_steps)
    assert furthest(together[1], alone) <= 1


def test_generations_with_a_class_name_for_a_sampler_still_draw(folder_of: FolderOf) -> None:
    old, new = (
        draw(job(folder_of("sd15"), scheduler=name), on_step=no_steps)[0]
        for name in ("EulerDiscreteScheduler", "euler")
    )
    assert furthest(old, new) == 0


def test_guidance_that_a_model_takes_as_an_input_runs_it_once_a_step(folder_of: FolderOf) -> None:
    wanted = job(folder_of("flux-dev"))
    transformer = pipeline_cache().get(wanted.source).text2img.transformer
    calls: list[int] = []
    hook = transformer.register_forward_hook(lambda *_: calls.append(1))
    draw(wanted, on_step=no_steps)
    hook.remove()
    assert len(calls) == wanted.steps * FAMILIES["flux-dev"].passes(wanted.guidances[0]) == 4


def test_a_safety_checker_in_the_index_is_dropped_and_the_rest_is_loaded(folder_of: FolderOf) -> None:
    folder = folder_of("sd15")
    index = json.loads((folder / "model_index.json").read_text())
    assert index["safety_checker"] == ["stable_diffusion", "StableDiffusionSafetyChecker"]
    assert load(Source(str(folder))).text2img.safety_checker is None


def test_a_folder_of_the_fp16_variant_alone_is_loaded(tmp_path: Path) -> None:
    folder = families.build("sdxl", tmp_path / "xl", variant="fp16")
    assert not list(folder.rglob("diffusion_pytorch_model.safetensors"))
    assert draw(job(folder), on_step=no_steps)
