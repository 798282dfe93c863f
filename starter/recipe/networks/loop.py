"""Training loops that survive a kill at any moment, and the precision that a machine computes fastest in."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from starter.progress import Threads, load_checkpoint, save_checkpoint

SAVE_EVERY, SAY_EVERY = 180.0, 30.0
"""Seconds between checkpoints and between lines of progress."""
WARM_UP = 200
"""Most steps over which the learning rate rises; a tenth of a short training."""
FALL = 0.2
"""Share of the steps, at the end, over which it usually falls."""


Network = TypeVar("Network", bound=nn.Module)


class Stateful(Protocol):
    """What a checkpoint keeps: networks, optimizers, averages."""

    def state_dict(self) -> dict[str, Any]:
        """The state as tensors and plain values."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Take the state back."""


class Average:
    """The exponential moving average of a network's weights."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay = network, decay
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the network; faster in the first steps."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, share)
            else:
                self.values[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """The averaged weights."""
        return self.values

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take averaged weights back."""
        for name, value in state_dict.items():
            self.values[name].copy_(value)


class Loop:
    """Steps of one training, continued where the last checkpoint was: `for step in loop: ...`."""

    def __init__(self, name: str, path: Path, steps: int, parts: Mapping[str, Stateful]) -> None:
        self.name, self.path, self.steps, self.parts = name, path, steps, parts
        self.step, self.spent = 0, 0.0
        self.means: dict[str, float] = {}
        self._saved_at = self._said_at = time.monotonic()
        saved = load_checkpoint(path)
        if saved:
            self.step, self.spent = saved["step"], saved["spent"]
            for part, state in saved["parts"].items():
                parts[part].load_state_dict(state)

    def __iter__(self) -> Iterator[int]:
        """The numbers of the steps that are left; saves and reports between them."""
        threads = Threads()
        while self.step < self.steps:
            begun, used = time.monotonic(), time.process_time()
            yield self.step
            self.step += 1
            self.spent += time.process_time() - used
            threads.after_step(time.monotonic() - begun)
            self._report(begun)
        self.save()

    def rate(self, peak: float, fall: float = FALL) -> float:
        """The learning rate now: a short rise, a plateau, and a linear fall over the last `fall` of the steps."""
        rise = min(1.0, (self.step + 1) / max(1, min(WARM_UP, self.steps // 10)))
        left = (self.steps - self.step) / max(1, round(self.steps * fall))
        return peak * rise * max(0.02, min(1.0, left))

    def note(self, **losses: Tensor) -> None:
        """Take losses into the running means of the report."""
        for name, loss in losses.items():
            value = float(loss.detach())
            self.means[name] = value + 0.98 * (self.means.get(name, value) - value)

    def save(self) -> None:
        """Write the checkpoint of this moment."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        save_checkpoint(self.path, {"step": self.step, "spent": self.spent, "parts": state})

    def _report(self, now: float) -> None:
        if now - self._said_at > SAY_EVERY:
            self._said_at = now
            losses = ", ".join(f"{name} {value:.4f}" for name, value in self.means.items())
            print(f"{self.name}: step {self.step} of {self.steps}, {self.spent / 60:.1f} CPU min, {losses}", flush=True)
        if now - self._saved_at > SAVE_EVERY:
            self._saved_at = now
            self.save()


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def as_channels_last(network: Network, device: torch.device) -> Network:
    """Move a network to the device, in the memory layout in which convolutions are fastest."""
    layout: dict[str, Any] = {"memory_format": torch.channels_last}
    network.to(device).to(**layout)
    return network


def yield_to_others() -> None:
    """Take only the time that other programs leave.

    Linux may weigh whole sessions against each other; there the niceness of the session counts and not the process's.
    """
    os.nice(19)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")


def best_device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def half_precision(device: torch.device) -> Iterator[None]:
    """Compute in bfloat16 where the processor multiplies in it.

    On a CPU attention is written out: the backward pass of the fused kernel takes several times as long there.
    """
    is_cpu = device.type == "cpu"
    attention = sdpa_kernel(SDPBackend.MATH) if is_cpu else nullcontext()
    with attention, torch.autocast(device.type, torch.bfloat16, enabled=not is_cpu or _multiplies_bfloat16()):
        yield


@cache
def _multiplies_bfloat16() -> bool:
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
