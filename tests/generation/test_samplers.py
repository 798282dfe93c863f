"""One table of samplers: every name that other programs use finds its preset, and only where it can be drawn."""

import diffusers
import pytest

from generation.catalogue.families import FAMILIES, family_of
from generation.catalogue.samplers import PRESETS, find, label, of_scheduler, recognise, written_as

XL, FLUX = FAMILIES["sdxl"].samplers, FAMILIES["flux-dev"].samplers


@pytest.mark.parametrize("slug", sorted(PRESETS))
def test_every_preset_is_a_scheduler_of_diffusers_that_is_known_again_by_its_configuration(slug: str) -> None:
    preset = PRESETS[slug]
    kind = getattr(diffusers, preset.scheduler)
    assert of_scheduler(preset.scheduler, kind(**preset.options).config) == slug


@pytest.mark.parametrize("slug", sorted(PRESETS))
def test_every_name_of_a_preset_finds_it_again(slug: str) -> None:
    preset = PRESETS[slug]
    offered = [each.slug for each in PRESETS.values() if each.noise == preset.noise]
    assert recognise(preset.name, offered=offered) == slug
    assert recognise(written_as(slug), offered=offered) == slug
    if all(preset.comfyui):
        assert PRESETS[str(recognise(*preset.comfyui, offered=offered))].comfyui == preset.comfyui
    if preset.invokeai:
        assert recognise(preset.invokeai, offered=offered) == slug


@pytest.mark.parametrize(
    ("sampler", "schedule", "found"),
    [
        ("DPM++ 2M", "Karras", "dpmpp_2m_k"),
        ("DPM++ 2M", "Automatic", "dpmpp_2m_k"),
        ("Euler a", "Automatic", "euler_a"),
        ("euler_ancestral", "normal", "euler_a"),
        ("dpmpp_sde", "karras", "dpmpp_sde_k"),
        ("uni_pc", "simple", "unipc"),
        ("PLMS", "", "pndm"),
        ("Evil", "", None),
        ("", "", None),
    ],
)
def test_names_of_other_programs(sampler: str, schedule: str, found: str | None) -> None:
    assert recognise(sampler, schedule, offered=XL) == found


def test_euler_means_another_preset_for_a_model_of_flow_matching() -> None:
    assert recognise("Euler", "Simple", offered=FLUX) == "flow_euler"
    assert recognise("euler", "beta", offered=FLUX) == "flow_euler_beta"
    assert recognise("DPM++ 2M Karras", offered=FLUX) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("DDIMScheduler", "DDIM"),
        ("EulerDiscreteScheduler", "Euler"),
        ("dpmpp_2m_k", "DPM++ 2M Karras"),
        ("VQDiffusionScheduler", "VQDiffusion"),
    ],
)
def test_stored_names_of_every_age_have_a_label(name: str, shown: str) -> None:
    assert label(name) == shown


def test_files_say_the_names_that_other_programs_know() -> None:
    assert written_as("flow_euler") == "Euler"
    assert written_as("edm_dpmpp_2m") == "DPM++ 2M"
    assert find("") is None


def test_a_checkpoint_from_before_families_is_known_by_its_pipeline() -> None:
    assert family_of("", "StableDiffusionXLPipeline").slug == "sdxl"
    assert family_of("", "NobodysPipeline").slug == "generic"


@pytest.mark.parametrize(
    ("family", "steps", "strength", "drawn"),
    [
        ("sd1", 10, 0.05, 0),
        ("sd1", 20, 0.05, 1),
        ("sd1", 8, 0.5, 4),
        ("flux-dev", 10, 0.05, 1),
        ("lcm", 4, 0.05, 0),
        ("lcm", 4, 0.5, 4),
    ],
)
def test_steps_that_are_really_drawn(family: str, steps: int, strength: float, drawn: int) -> None:
    assert FAMILIES[family].drawn_steps(steps, strength) == drawn
    assert FAMILIES[family].drawn_steps(steps, FAMILIES[family].least_strength(steps)) >= 1
