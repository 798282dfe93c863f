"""How an alignment learns and is measured. Imports no torch, so that the command can show its defaults at once."""

from dataclasses import asdict, dataclass
from typing import Any

METHODS = ("dpo", "kto")
PRECISIONS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
SCHEDULES = ("constant", "linear", "cosine")
_WITHOUT_INFLUENCE = ("evaluate_every", "save_every", "draws")  # on the weights


@dataclass(frozen=True, slots=True)
class Settings:
    """Chosen on pairs of the starter checkpoint whose prompts are in no published figure; docs/training.md has why."""

    steps: int = 100
    batch: int = 16  # examples a step, of all processes together
    rate: float = 3e-4
    beta: float = 500.0  # how far the denoiser may move from the reference: larger stays closer
    rank: int = 8  # of the LoRA
    seed: int = 0
    draws: int = 8  # noises a pair is measured on, at as many timesteps
    method: str = "dpo"
    precision: str = ""  # of weights and latents; empty leaves it to the checkpoint and the device
    accumulation: int = 1  # parts in which the batch of a step is computed, one after the other
    gradient_checkpointing: bool = False
    schedule: str = "constant"  # of the learning rate, after the warm-up
    warmup: int = 0  # steps
    resolution: int = 0  # side in pixels of a square of the area that pictures are scaled to; 0 is the checkpoint's own
    evaluate_every: int = 0  # steps; 0 measures at the begin and the end alone
    save_every: int = 100  # steps between the checkpoints that a run can be resumed from

    def influence(self) -> dict[str, Any]:
        """The settings on which the weights depend."""
        return {name: value for name, value in asdict(self).items() if name not in _WITHOUT_INFLUENCE}

    def fault(self) -> str:
        """One sentence about a number that makes no sense, or nothing."""
        positive = ("steps", "batch", "rate", "beta", "rank", "draws", "accumulation", "save_every")
        counts = ("seed", "warmup", "resolution", "evaluate_every")
        for name in (*positive, *counts):
            least = "0 or more" if name in counts else "more than 0"
            if getattr(self, name) < 0 or (name in positive and not getattr(self, name)):
                return f"--{name.replace('_', '-')} must be {least}."
        return ""
