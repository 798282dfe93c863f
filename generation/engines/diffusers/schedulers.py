"""What is changed on a loaded pipeline for one job: its scheduler and its LoRAs."""

from collections.abc import Mapping
from typing import Any

import diffusers

from generation.engines.base import CheckpointError
from generation.engines.diffusers.loading import resolve


def set_scheduler(pipeline: Any, name: str) -> None:
    """Gives a pipeline another scheduler with its present options; raises CheckpointError for an unknown one."""
    if not name or type(pipeline.scheduler).__name__ == name:
        return
    kind = getattr(diffusers, name, None)
    if kind is None or not issubclass(kind, diffusers.SchedulerMixin):
        raise CheckpointError(f"{name} is no scheduler of diffusers.")
    pipeline.scheduler = kind.from_config(pipeline.scheduler.config)


def set_loras(pipeline: Any, loras: Mapping[str, float]) -> None:
    """Replaces the LoRAs of a pipeline by those at the given locations, with their weights.

    Raises:
        CheckpointError: the pipeline takes no LoRAs.
    """
    if not hasattr(pipeline, "unload_lora_weights"):
        if loras:
            raise CheckpointError("This checkpoint takes no LoRAs.")
        return
    pipeline.unload_lora_weights()
    names = [f"lora{n}" for n in range(len(loras))]
    for name, location in zip(names, loras, strict=True):
        pipeline.load_lora_weights(resolve(location), adapter_name=name, use_safetensors=True)
    if names:
        pipeline.set_adapters(names, list(loras.values()))
