"""The engines by name; each is imported when it is first used, so that only workers with a GPU import torch."""

from functools import cache
from importlib import import_module

from generation.engines.base import Engine

_ENGINES = {
    "diffusers": "generation.engines.diffusers.engine.Diffusers",
    "openai_images": "generation.engines.openai_images.OpenAIImages",
}


@cache
def engine_named(name: str) -> Engine:
    """The engine of a checkpoint; raises KeyError for a name that is none."""
    module, _dot, kind = _ENGINES[name].rpartition(".")
    engine: Engine = getattr(import_module(module), kind)()
    return engine
