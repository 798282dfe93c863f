"""Samplers by the names that people know: one table for the form, the files of pictures, and settings read from them.

A generation stores the slug of a preset. Older rows store the class name of a scheduler of diffusers, which `find`
understands as well.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Noise(StrEnum):
    """What a model learnt to take away; a sampler is made for one of them."""

    DIFFUSION = "diffusion"
    FLOW = "flow"
    EDM = "edm"
    LCM = "lcm"


@dataclass(frozen=True)
class Preset:
    """A scheduler class of diffusers with options, and what other programs call the two together."""

    slug: str
    name: str
    """What members read: AUTOMATIC1111's name, where it has one."""
    scheduler: str
    noise: Noise
    options: Mapping[str, Any] = field(default_factory=dict)
    comfyui: tuple[str, str] = ("", "")
    """Names of its sampler and of its schedule."""
    invokeai: str = ""
    takes_sigmas: bool = True
    """Whether FLUX, which brings its own noise levels, can use it."""
    takes_source: bool = True
    """Whether it can begin in the middle, from a picture."""
    least_steps: int = 1
    most_steps: int = 1000


def _karras(**options: Any) -> dict[str, Any]:
    return {**options, "use_karras_sigmas": True}


_MULTISTEP, _SINGLESTEP = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"
_SDE = {"algorithm_type": "sde-dpmsolver++"}
_ODE = {"algorithm_type": "dpmsolver++"}
_D, _F = Noise.DIFFUSION, Noise.FLOW

PRESETS: Mapping[str, Preset] = MappingProxyType({each.slug: each for each in (
    Preset("euler_a", "Euler a", "EulerAncestralDiscreteScheduler", _D, {}, ("euler_ancestral", "normal"), "euler_a"),
    Preset("euler", "Euler", "EulerDiscreteScheduler", _D, {}, ("euler", "normal"), "euler"),
    Preset("euler_k", "Euler Karras", "EulerDiscreteScheduler", _D, _karras(), ("euler", "karras"), "euler_k"),
    Preset("heun", "Heun", "HeunDiscreteScheduler", _D, {}, ("heun", "normal"), "heun"),
    Preset("heun_k", "Heun Karras", "HeunDiscreteScheduler", _D, _karras(), ("heun", "karras"), "heun_k"),
    Preset("lms", "LMS", "LMSDiscreteScheduler", _D, {}, ("lms", "normal"), "lms"),
    Preset("lms_k", "LMS Karras", "LMSDiscreteScheduler", _D, _karras(), ("lms", "karras"), "lms_k"),
    Preset("dpm2", "DPM2", "KDPM2DiscreteScheduler", _D, {}, ("dpm_2", "normal"), "kdpm_2"),
    Preset("dpm2_k", "DPM2 Karras", "KDPM2DiscreteScheduler", _D, _karras(), ("dpm_2", "karras"), "kdpm_2_k"),
    Preset("dpm2_a", "DPM2 a", "KDPM2AncestralDiscreteScheduler", _D, {}, ("dpm_2_ancestral", "normal"), "kdpm_2_a",
           least_steps=3),
    Preset("dpm2_a_k", "DPM2 a Karras", "KDPM2AncestralDiscreteScheduler", _D, _karras(),
           ("dpm_2_ancestral", "karras"), "kdpm_2_a_k", least_steps=3),
    Preset("dpmpp_2m", "DPM++ 2M", _MULTISTEP, _D, _ODE, ("dpmpp_2m", "normal"), "dpmpp_2m"),
    Preset("dpmpp_2m_k", "DPM++ 2M Karras", _MULTISTEP, _D, _karras(**_ODE), ("dpmpp_2m", "karras"), "dpmpp_2m_k"),
    Preset("dpmpp_2m_exp", "DPM++ 2M Exponential", _MULTISTEP, _D, {**_ODE, "use_exponential_sigmas": True},
           ("dpmpp_2m", "exponential")),
    Preset("dpmpp_2m_sde", "DPM++ 2M SDE", _MULTISTEP, _D, _SDE, ("dpmpp_2m_sde", "normal"), "dpmpp_2m_sde"),
    Preset("dpmpp_2m_sde_k", "DPM++ 2M SDE Karras", _MULTISTEP, _D, _karras(**_SDE),
           ("dpmpp_2m_sde", "karras"), "dpmpp_2m_sde_k"),
    Preset("dpmpp_sde", "DPM++ SDE", _SINGLESTEP, _D, _SDE, ("dpmpp_sde", "normal"), "dpmpp_sde"),
    Preset("dpmpp_sde_k", "DPM++ SDE Karras", _SINGLESTEP, _D, _karras(**_SDE), ("dpmpp_sde", "karras"), "dpmpp_sde_k"),
    Preset("dpmpp_2s", "DPM++ 2S", _SINGLESTEP, _D, _ODE, ("dpmpp_2s_ancestral", "normal"), "dpmpp_2s"),
    Preset("dpmpp_2s_k", "DPM++ 2S Karras", _SINGLESTEP, _D, _karras(**_ODE),
           ("dpmpp_2s_ancestral", "karras"), "dpmpp_2s_k"),
    Preset("dpmpp_3m", "DPM++ 3M", _MULTISTEP, _D, {**_ODE, "solver_order": 3}, ("dpmpp_3m_sde", "normal"), "dpmpp_3m"),
    Preset("unipc", "UniPC", "UniPCMultistepScheduler", _D, {}, ("uni_pc", "normal"), "unipc"),
    Preset("unipc_k", "UniPC Karras", "UniPCMultistepScheduler", _D, _karras(), ("uni_pc", "karras"), "unipc_k"),
    Preset("ddim", "DDIM", "DDIMScheduler", _D, {}, ("ddim", "ddim_uniform"), "ddim"),
    Preset("ddpm", "DDPM", "DDPMScheduler", _D, {}, ("ddpm", "normal"), "ddpm"),
    Preset("pndm", "PLMS", "PNDMScheduler", _D, {"skip_prk_steps": True}, ("", ""), "pndm"),
    Preset("deis", "DEIS", "DEISMultistepScheduler", _D, {"algorithm_type": "deis"}, ("deis", "normal"), "deis"),
    Preset("lcm", "LCM", "LCMScheduler", Noise.LCM, {}, ("lcm", "sgm_uniform"), "lcm", most_steps=50),
    Preset("edm_dpmpp_2m", "DPM++ 2M EDM", "EDMDPMSolverMultistepScheduler", Noise.EDM, _ODE, ("dpmpp_2m", "karras")),
    Preset("edm_dpmpp_2m_sde", "DPM++ 2M SDE EDM", "EDMDPMSolverMultistepScheduler", Noise.EDM, _SDE,
           ("dpmpp_2m_sde", "karras")),
    Preset("edm_euler", "Euler EDM", "EDMEulerScheduler", Noise.EDM, {}, ("euler", "karras")),
    Preset("flow_euler", "Euler flow", "FlowMatchEulerDiscreteScheduler", _F, {}, ("euler", "simple"), "euler"),
    Preset("flow_euler_beta", "Euler flow Beta", "FlowMatchEulerDiscreteScheduler", _F, {"use_beta_sigmas": True},
           ("euler", "beta")),
    Preset("flow_heun", "Heun flow", "FlowMatchHeunDiscreteScheduler", _F, {}, ("heun", "simple"), "heun",
           takes_sigmas=False),
    Preset("flow_dpmpp_2m", "DPM++ 2M flow", _MULTISTEP, _F,
           {**_ODE, "prediction_type": "flow_prediction", "use_flow_sigmas": True}, ("dpmpp_2m", "simple"),
           takes_sigmas=False, takes_source=False),
    Preset("flow_unipc", "UniPC flow", "UniPCMultistepScheduler", _F,
           {"prediction_type": "flow_prediction", "use_flow_sigmas": True}, ("uni_pc", "simple"), takes_sigmas=False,
           takes_source=False),
)})  # fmt: skip
"""Every preset by its slug."""

_DISTINCT = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False,
               "use_flow_sigmas": False, "algorithm_type": "dpmsolver++", "solver_order": 2}  # fmt: skip
"""Options by which presets of one class differ, with the values that they have where nothing is said."""


def find(name: str) -> Preset | None:
    """The preset of a stored name: a slug, or the class name of a scheduler as older rows have it."""
    if name in PRESETS:
        return PRESETS[name]
    return next((each for each in PRESETS.values() if each.scheduler == name), None) if name else None


def label(name: str) -> str:
    """What members read; a scheduler that no preset stands for keeps its own name."""
    preset = find(name)
    return preset.name if preset is not None else name.removesuffix("Scheduler")


def written_as(name: str) -> str:
    """The name in the text that AUTOMATIC1111 and Forge read; there, flow matching is the model's affair."""
    return label(name).replace(" flow", "").replace(" EDM", "")


def of_scheduler(scheduler: str, config: Mapping[str, Any]) -> str:
    """The slug of the preset that a configured scheduler is, or its class name where none is it."""
    for preset in PRESETS.values():
        if preset.scheduler == scheduler and all(
            config.get(name, usual) == preset.options.get(name, usual) for name, usual in _DISTINCT.items()
        ):
            return preset.slug
    return scheduler


def recognise(sampler: str, schedule: str = "", *, offered: Iterable[str]) -> str | None:
    """Which of the offered samplers another program's names stand for; None where it is none of them.

    Args:
        sampler: ``Euler a``, ``DPM++ 2M Karras``, ``dpmpp_2m`` or ``dpmpp_2m_k``.
        schedule: ``Karras`` or ``karras``, where the program names it apart; ``Automatic`` says nothing.
    """
    known = {slug: preset for slug in offered if (preset := find(slug)) is not None}
    if not sampler.strip():
        return None
    names, pair = _spellings(sampler, schedule), (_plain(sampler), _plain(schedule))
    ways: tuple[Callable[[Preset], bool], ...] = (
        lambda preset: bool(names & {preset.slug, _plain(preset.name), _plain(written_as(preset.slug))}),
        lambda preset: pair == (_plain(preset.comfyui[0]), _plain(preset.comfyui[1])),
        lambda preset: bool(preset.invokeai) and preset.invokeai in names,
        lambda preset: pair[0] == _plain(preset.comfyui[0]) and _is_usual(schedule, preset),
    )
    matches = (slug for is_same in ways for slug, preset in known.items() if is_same(preset))
    return next(matches, None)


_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789+"
_USUAL = {"", "automatic", "normal", "simple", "uniform", "sgmuniform", "discrete"}


def _spellings(sampler: str, schedule: str) -> set[str]:
    """As one name; a schedule that is any program's usual one is left out as well."""
    if _plain(schedule) == "automatic" and sampler.startswith("DPM"):
        schedule = "Karras"  # what the web UI chooses for them
    names = {f"{sampler} {schedule}".strip()} | ({sampler} if _plain(schedule) in _USUAL else set())
    return names | {_plain(name) for name in names}


def _is_usual(schedule: str, preset: Preset) -> bool:
    return _plain(schedule) in _USUAL and not preset.options.get("use_karras_sigmas")


def _plain(name: str) -> str:
    return "".join(each for each in name.lower() if each in _LETTERS)
