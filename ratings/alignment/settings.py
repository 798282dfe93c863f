"""How an alignment learns and is measured. Imports no torch, so that the command can show its defaults at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Chosen on pairs of the starter checkpoint whose prompts are in no published figure; docs/training.md has why."""

    steps: int = 100
    batch: int = 16  # pairs a step
    rate: float = 3e-4
    beta: float = 500.0  # how far the denoiser may move from the reference: larger stays closer
    rank: int = 8  # of the LoRA
    seed: int = 0
    draws: int = 8  # noises a pair is measured on, at as many timesteps
