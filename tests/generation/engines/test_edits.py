"""Edits drawn by every family that can, from tiny folders; what a family cannot do is a sentence."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import save_file

from generation.catalogue.families import FAMILIES
from generation.catalogue.kinds import Borders, ControlUse, Edit, Kind, References
from generation.engines.base import CheckpointError, Job, NotSupported
from generation.engines.diffusers.cache import pipeline_cache
from generation.engines.diffusers.drawing import draw
from generation.engines.diffusers.noise import slerp
from generation.engines.regions import soft_mask
from tests.generation import families, networks
from tests.generation.engines.test_families import NAMES, WORDS, FolderOf, folder_of, furthest, job, no_steps, pixels

__all__ = ["folder_of"]  # a fixture
STARTING = [name for name in NAMES if FAMILIES[families.BUILDERS[name][0]].has_source]
SIZE = families.SIZE


def source(width: int = 96, height: int = 80, seed: int = 0) -> PIL.Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return PIL.Image.fromarray(coarse).resize((width, height), PIL.Image.Resampling.BICUBIC)


def mask(left: int = 30, top: int = 30) -> PIL.Image.Image:
    found = PIL.Image.new("L", (96, 80))
    found.paste(255, (left, top, left + 20, top + 16))
    return found


def inpaint(folder: Path, **values: Any) -> Job:
    edit = Edit(mask_margin=2, mask_feather=4)
    usual = {"steps": 8, "sources": [source()], "masks": [mask()], "strength": 0.75, "kind": Kind.INPAINT, "edit": edit}
    return job(folder, **(usual | values))


@pytest.mark.parametrize("name", STARTING)
def test_a_part_is_redrawn_and_the_rest_stays_byte_for_byte(name: str, folder_of: FolderOf) -> None:
    reported: list[int] = []
    wanted = inpaint(folder_of(name))
    (made,) = draw(wanted, on_step=lambda step, _previews: reported.append(step))
    alpha = np.asarray(soft_mask(mask(), 2, 4))
    before, after = pixels(source()), pixels(made)
    assert np.array_equal(before[alpha == 0], after[alpha == 0])
    assert np.abs(before - after)[alpha == 255].max() > 8
    assert reported == list(range(1, FAMILIES[wanted.source.family].drawn_steps(8, 0.75) + 1))


@pytest.mark.parametrize("name", ["sd15", "sdxl", "playground-v2.5", "lcm", "sd3", "flux-dev"])
def test_a_redrawn_picture_in_a_batch_is_itself_alone(name: str, folder_of: FolderOf) -> None:
    pairs = [(source(seed=1), mask()), (source(seed=2), mask(8, 50))]
    together = draw(
        inpaint(
            folder_of(name), prompts=["a cat", "a dog"], sources=[p for p, _m in pairs], masks=[m for _p, m in pairs]
        ),
        on_step=no_steps,
    )
    own = inpaint(folder_of(name), prompts=["a dog"], seeds=[1], sources=[pairs[1][0]], masks=[pairs[1][1]])
    (alone,) = draw(own, on_step=no_steps)
    assert furthest(alone, together[1]) <= 1


def test_what_is_drawn_inside_a_mask_knows_what_lies_around_it(folder_of: FolderOf) -> None:
    """Latents outside the mask are those of the source, for pipelines that have no masks of their own."""
    wanted = inpaint(folder_of("lcm"), masks=[mask()])
    (made,) = draw(wanted, on_step=no_steps)
    (other,) = draw(replace(wanted, sources=[source(seed=9)]), on_step=no_steps)
    inside = np.asarray(mask()) == 255
    assert np.abs(pixels(made) - pixels(other))[inside].max() > 0


@pytest.mark.parametrize("name", ["sd15", "sd3"])
def test_a_picture_grows_by_its_borders_and_keeps_its_middle(name: str, folder_of: FolderOf) -> None:
    edit = Edit(mask_feather=4, borders=Borders(left=24, right=24))
    (made,) = draw(
        job(folder_of(name), kind=Kind.OUTPAINT, sources=[source(64, 64)], strength=1.0, edit=edit), on_step=no_steps
    )
    assert made.size == (112, 64)
    assert np.array_equal(pixels(made)[:, 30:82], pixels(source(64, 64))[:, 6:58])
    assert pixels(made)[:, :20].std() > 0


@pytest.mark.parametrize("name", ["sd15", "flux-schnell"])
def test_a_picture_is_enlarged_in_tiles_and_every_step_is_counted_once(name: str, folder_of: FolderOf) -> None:
    reported: list[int] = []
    wanted = job(folder_of(name), steps=4, kind=Kind.UPSCALE, prompts=["a cat", "a dog"], strength=0.5,
                 sources=[source(56, 48), source(48, 56, seed=3)], edit=Edit(factor=2.0))  # fmt: skip
    made = draw(wanted, on_step=lambda step, _previews: reported.append(step))
    assert [each.size for each in made] == [(112, 96), (96, 112)]
    drawn = FAMILIES[wanted.source.family].drawn_steps(4, 0.5)
    assert reported == list(range(1, drawn + 1))
    plain = wanted.sources[0].resize((112, 96)) if wanted.sources else None
    assert plain is not None
    assert furthest(made[0], plain) > 1


@pytest.mark.parametrize("name", NAMES)
def test_a_variation_of_nothing_is_the_picture_and_of_all_is_the_other(name: str, folder_of: FolderOf) -> None:
    def varied(share: float, seed: int = 3) -> PIL.Image.Image:
        wanted = job(folder_of(name), seeds=[seed], kind=Kind.VARIATION, variation_seeds=[8], steps=2,
                     edit=Edit(variation_strength=share), prompts=["a cat"])  # fmt: skip
        return draw(wanted, on_step=no_steps)[0]

    (own,) = draw(job(folder_of(name), seeds=[3], steps=2), on_step=no_steps)
    assert furthest(varied(0.0), own) == 0
    assert furthest(varied(0.4), own) > 0
    assert furthest(varied(1.0), varied(1.0, seed=4)) <= (255 if "turbo" in name or name == "lcm" else 1)


def test_spherical_interpolation_keeps_the_variance_of_noise() -> None:
    one, other = torch.randn(2, 4, 64, 64, generator=torch.Generator().manual_seed(1)).chunk(2)
    assert float(slerp(one, other, 0.5).std()) == pytest.approx(1.0, abs=0.03)
    assert torch.equal(slerp(one, other, 0.0), one)


@pytest.mark.parametrize("name", [name for name in NAMES if FAMILIES[families.BUILDERS[name][0]].guidance != "none"])
def test_a_picture_among_eight_with_other_guidances_is_itself_alone(name: str, folder_of: FolderOf) -> None:
    scales = [4.0, 1.5, 7.0, 2.0, 3.0, 12.0, 1.1, 5.0]
    made = draw(job(folder_of(name), prompts=WORDS, guidances=scales), on_step=no_steps)
    for number in (1, 5):
        own = {"prompts": [WORDS[number]], "seeds": [number]}
        (alone,) = draw(job(folder_of(name), guidances=[scales[number]], **own), on_step=no_steps)
        assert furthest(alone, made[number]) <= 1
    (other,) = draw(job(folder_of(name), prompts=[WORDS[1]], seeds=[1], guidances=[9.0]), on_step=no_steps)
    assert furthest(other, made[1]) > 0


@pytest.fixture(scope="module")
def made_networks(folder_of: FolderOf, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    def build(name: str) -> networks.Built:
        return networks.build(folder_of(name), tmp_path_factory.mktemp(f"networks-{name}"))

    return build


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_a_controlnet_follows_its_picture(name: str, folder_of: FolderOf, made_networks: Any) -> None:
    built = made_networks(name)
    plain = job(folder_of(name), steps=3)

    def followed(*pictures: PIL.Image.Image, strength: float = 1.0) -> list[PIL.Image.Image]:
        prompts = ["a cat", "a dog"][-len(pictures) :]
        wanted = job(folder_of(name), steps=3, kind=Kind.CONTROL, control=(str(built.control), ""), prompts=prompts,
                     seeds=[0] * len(prompts), control_pictures=pictures,
                     edit=Edit(control=ControlUse("edges", strength)))  # fmt: skip
        return draw(wanted, on_step=no_steps)

    both, alone = followed(source(), source(seed=5)), followed(source(seed=5))
    assert furthest(both[1], alone[0]) <= 1
    assert furthest(alone[0], followed(PIL.Image.new("RGB", (64, 64), "white"))[0]) > 0
    (before,) = draw(replace(plain, prompts=["a dog"], seeds=[0]), on_step=no_steps)
    assert furthest(followed(source(), strength=0.0)[0], before) <= 1


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_an_ip_adapter_looks_at_references_and_leaves_no_trace(
    name: str, folder_of: FolderOf, made_networks: Any
) -> None:
    built = made_networks(name)
    plain = job(folder_of(name), steps=3)
    (before,) = draw(plain, on_step=no_steps)

    def inspired(*boards: list[PIL.Image.Image]) -> list[PIL.Image.Image]:
        mood = References("ip_adapter", len(boards[0]), 0.9, (), "mood")
        prompts = ["a cat", "a dog"][-len(boards) :]
        wanted = job(folder_of(name), steps=3, prompts=prompts, seeds=[0] * len(boards), references=boards,
                     image_prompt=(str(built.adapter), str(built.encoder)), edit=Edit(references=mood))  # fmt: skip
        return draw(wanted, on_step=no_steps)

    both = inspired([source(), source(seed=1)], [source(seed=5), source(seed=6)])
    (alone,) = inspired([source(seed=5), source(seed=6)])
    assert furthest(both[1], alone) <= 1
    assert furthest(alone, inspired([source(seed=7), source(seed=6)])[0]) > 0
    (after,) = draw(plain, on_step=no_steps)
    assert furthest(before, after) == 0


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("pixart-sigma", {"kind": Kind.INPAINT, "sources": [source()], "masks": [mask()], "strength": 0.5}, "picture"),
        ("sana", {"kind": Kind.UPSCALE, "sources": [source()], "strength": 0.5}, "cannot start from a picture"),
        ("sd3", {"kind": Kind.CONTROL, "control": ("nowhere", "")}, "cannot draw this kind"),
        ("flux-dev", {"image_prompt": ("nowhere.safetensors", ""), "references": [[source()]]}, "reference pictures"),
    ],
)
def test_what_a_family_cannot_edit_is_a_sentence(
    name: str, values: dict[str, Any], words: str, folder_of: FolderOf
) -> None:
    with pytest.raises(NotSupported, match=words):
        draw(job(folder_of(name), **values), on_step=no_steps)


def test_networks_that_cannot_be_loaded_are_a_sentence_and_leave_the_checkpoint_usable(
    folder_of: FolderOf, tmp_path: Path
) -> None:
    save_file({"image_proj.norm.weight": torch.zeros(2)}, tmp_path / "broken.safetensors")
    wanted = job(folder_of("sd15"), steps=2)
    for values in (
        {"kind": Kind.CONTROL, "control": (str(tmp_path), "")},
        {"image_prompt": (str(tmp_path / "broken.safetensors"), ""), "references": [[source()]]},
    ):
        with pytest.raises(CheckpointError, match="cannot be loaded"):
            draw(replace(wanted, **values), on_step=no_steps)
    assert draw(wanted, on_step=no_steps)
    assert pipeline_cache().get(wanted.source).image_prompt == ""
