"""Time budgets, learning rates, and checkpoints that survive a kill at any moment."""

import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

SAVE_EVERY = 120.0
"""Seconds between checkpoints."""
SAY_EVERY = 20.0


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write aside, then rename: a reader never sees half a file."""
    aside = path.with_suffix(".part")
    torch.save(state, aside)
    aside.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """What `save_checkpoint` wrote, or None."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def learning_rate_share(share: float) -> float:
    """Part of the peak rate at that share of the time: a short rise, a plateau, a cosine fall."""
    if share < 0.02:
        return 0.05 + share / 0.02 * 0.95
    if share < 0.4:
        return 1.0
    fall = (share - 0.4) / 0.6
    return 0.02 + 0.98 * 0.5 * (1 + float(torch.cos(torch.tensor(fall * torch.pi))))


class Threads:
    """One thread or all of them, whichever is faster beside what else the machine is doing.

    Threads of a step wait for each other, so one that shares its core holds up the rest.
    """

    PERIOD = 20

    def __init__(self) -> None:
        self.choices = (1, os.cpu_count() or 1)
        self.seconds = [0.0, 0.0]
        self.turn = 0

    def after_step(self, seconds: float) -> None:
        """Note how long a step took, and set the threads of the next."""
        place = self.turn % self.PERIOD
        if place < 2:
            self.seconds[place] = seconds
        self.turn += 1
        place = self.turn % self.PERIOD
        best = self.choices[self.seconds[1] < self.seconds[0]]
        torch.set_num_threads(self.choices[place] if place < 2 else best)


class Stage:
    """One stretch of training, measured in seconds of work and not in steps."""

    def __init__(self, name: str, path: Path, seconds: float, peak_rate: float) -> None:
        self.name, self.path, self.seconds, self.peak_rate = name, path, seconds, peak_rate
        self.spent = 0.0
        self.step = 0
        self.loss = 0.0
        self.threads = Threads()
        self.saved_at = self.said_at = time.monotonic()

    @property
    def share(self) -> float:
        """How much of the time is used, 0 to 1 and over."""
        return self.spent / self.seconds if self.seconds > 0 else 1.0

    def resume(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """Take up the checkpoint of the same stage; returns what else it holds."""
        saved = load_checkpoint(self.path)
        if not saved or saved.get("stage") != self.name:
            return {}
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        self.spent, self.step = saved["spent"], saved["step"]
        extra: dict[str, Any] = saved["extra"]
        return extra

    def tick(
        self,
        seconds: float,
        loss: float,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        extra: dict[str, Any] | None = None,
    ) -> None:
        """Count a step; say and save when it is time."""
        self.step += 1
        self.spent += seconds
        self.threads.after_step(seconds)
        self.loss = loss if self.step == 1 else 0.98 * self.loss + 0.02 * loss
        now = time.monotonic()
        if now - self.said_at > SAY_EVERY:
            self.said_at = now
            print(
                f"{self.name}: {self.share:6.1%} of {self.seconds / 60:.1f} min,"
                f" step {self.step}, loss {self.loss:.4f}, threads {torch.get_num_threads()}",
                flush=True,
            )
        if now - self.saved_at > SAVE_EVERY:
            self.saved_at = now
            self.save(model, optimizer, extra)

    def save(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        extra: dict[str, Any] | None = None,
    ) -> None:
        """Write the checkpoint of this moment."""
        state = {"stage": self.name, "model": model.state_dict(), "finished": False}
        state |= {"optimizer": optimizer.state_dict(), "spent": self.spent, "step": self.step}
        save_checkpoint(self.path, state | {"extra": extra or {}})
