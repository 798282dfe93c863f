"""What is changed on a loaded pipeline for one job: its sampler and its LoRAs."""

from typing import Any

import diffusers

from generation.catalogue.samplers import PRESETS, Noise, Preset
from generation.engines.base import CheckpointError
from generation.engines.diffusers.files import resolve
from generation.engines.diffusers.loading import Loaded


def set_sampler(loaded: Loaded, pipeline: Any, name: str) -> None:
    """Gives a pipeline the scheduler of a preset, or of a class name as older generations store it.

    Options start from those of the checkpoint's own scheduler each time, so that no sampler leaves traces in the next.

    Raises:
        CheckpointError: nothing is called so.
    """
    own = loaded.own_scheduler
    preset = PRESETS.get(name)
    class_name = preset.scheduler if preset is not None else name or type(own).__name__
    kind: Any = getattr(diffusers, class_name, None)
    if not _is_scheduler(kind):
        raise CheckpointError(f"{name} is no sampler that Salon knows and no scheduler of diffusers.")
    pipeline.scheduler = kind.from_config(own.config if preset is None else {**own.config, **_options(preset, own)})


def _is_scheduler(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)


_NEUTRAL = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False}


def _options(preset: Preset, own: Any) -> dict[str, Any]:
    """Solvers of two kinds name the shift of flow matching differently."""
    options = {**_NEUTRAL, **preset.options}
    shift = own.config.get("shift", own.config.get("flow_shift"))
    return options if preset.noise != Noise.FLOW or shift is None else {**options, "shift": shift, "flow_shift": shift}


def set_loras(loaded: Loaded, loras: dict[str, float]) -> None:
    """Replaces the LoRAs of a checkpoint by those at the given locations, with their weights.

    Raises:
        CheckpointError: the checkpoint takes no LoRAs, or one of them is not made for it.
    """
    pipeline = loaded.text2img
    if not hasattr(pipeline, "unload_lora_weights"):
        if loras:
            raise CheckpointError("This checkpoint takes no LoRAs.")
        return
    wanted = tuple(loras.items())
    if wanted == loaded.loras:
        return
    pipeline.unload_lora_weights()
    loaded.loras = ()
    try:
        _load_loras(pipeline, loras)
    except CheckpointError:
        pipeline.unload_lora_weights()
        raise
    loaded.loras = wanted


def _load_loras(pipeline: Any, loras: dict[str, float]) -> None:
    names = [f"lora{n}" for n in range(len(loras))]
    for name, location in zip(names, loras, strict=True):
        try:
            pipeline.load_lora_weights(resolve(location), adapter_name=name, use_safetensors=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise CheckpointError(f"The LoRA {location} cannot be loaded: {_one_line(error)}") from error
        if name not in {each for kept in pipeline.get_list_adapters().values() for each in kept}:
            raise CheckpointError(f"The LoRA {location} has no weights for this architecture.")
    if names:
        pipeline.set_adapters(names, list(loras.values()))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
