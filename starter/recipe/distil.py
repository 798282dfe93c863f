"""Distil the denoiser into a few-step one: `python -m starter.recipe.distil --out var/starter`.

Progressive distillation (Salimans and Ho, 2022) with guidance built in (Meng et al., 2023): the student learns to
reach in one step where the guided teacher arrives in several. It is kept as an adapter of the denoiser.
"""

import argparse
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from starter.progress import load_checkpoint
from starter.recipe.networks.adapters import AdapterState, add_adapter
from starter.recipe.networks.denoiser import TextEncoder, load_denoiser, new_scheduler
from starter.recipe.networks.latents import Latents
from starter.recipe.networks.loop import Loop, best_device, half_precision, set_rate, yield_to_others
from starter.recipe.networks.training import Examples
from starter.recipe.scenes.artwork import load_nouns

STEPS = 4
"""Steps that the student draws a picture in."""
PARTS = 3
"""Steps of the teacher in one of the student's."""
GUIDANCE = 3.0
RANK = 48
PEAK_RATE = 5e-4
BATCH = 32


def main() -> None:
    """Train, or continue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/starter"))
    parser.add_argument("--steps", type=int, default=4000, help="of training, in all")
    parser.add_argument("--shards", type=int, default=8)
    options = parser.parse_args()
    yield_to_others()
    distil(options.out, options.steps, options.shards, best_device())


def distil(out: Path, steps: int, shards: int, device: torch.device) -> None:
    """Train the adapter against the frozen teacher."""
    nouns = load_nouns(out)
    teacher, student = (load_denoiser(out / "denoiser.pt").to(device) for _ in range(2))
    teacher.requires_grad_(requires_grad=False)
    parameters = add_adapter(student, RANK)
    text = TextEncoder(out / "text", device)
    examples = Examples([_saved(out, index) for index in range(shards)], nouns, text)
    empty = text([""])[0]
    optimizer = torch.optim.AdamW(parameters, PEAK_RATE, weight_decay=0.0)
    loop = Loop("distil", out / "fast.pt", steps, {"adapter": AdapterState(student), "optimizer": optimizer})
    signal = new_scheduler().alphas_cumprod.to(device)
    for _ in loop:
        set_rate(optimizer, loop.rate(PEAK_RATE))
        clean, cover, features = examples.draw(BATCH, device)
        start, times, wanted = teach(teacher, clean, features, empty.expand_as(features), signal)
        with half_precision(device):
            found = student(start, times, features, return_dict=False)[0]
        loss = ((found.float() - wanted).square() * (1 + cover)).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loop.note(loss=loss)


@torch.no_grad()
def teach(
    teacher: UNet2DConditionModel, clean: Tensor, features: Tensor, empty: Tensor, signal: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Noised latents at the student's times, those times, and the v that carries each as far as the teacher goes.

    clean (n, c, h, w), features and empty (n, 32, 384), signal (1000,) the cumulative product of alphas.
    """
    stride = len(signal) // STEPS
    place = torch.randint(STEPS, (len(clean),), device=clean.device)
    starts = len(signal) - 1 - place * stride
    fine = torch.linspace(0, stride, PARTS + 1, device=clean.device).round().long()
    noise = torch.randn_like(clean)
    start = _root(signal, starts) * clean + _rest(signal, starts) * noise
    x = start
    for part in range(PARTS):
        now, then = starts - fine[part], starts - fine[part + 1]
        with half_precision(clean.device):
            pair = teacher(torch.cat([x, x]), torch.cat([now, now]), torch.cat([features, empty]), return_dict=False)[0]
        given, free = pair.float().chunk(2)
        x = ddim_step(x, free + GUIDANCE * (given - free), signal, now, then)
    return start, starts, _v_between(start, x, signal, starts, starts - stride)


def ddim_step(x: Tensor, v: Tensor, signal: Tensor, now: Tensor, then: Tensor) -> Tensor:
    """One deterministic step of DDIM (Song et al., 2021) from times `now` to `then`; below 0 means no noise."""
    clean = _root(signal, now) * x - _rest(signal, now) * v
    noise = _root(signal, now) * v + _rest(signal, now) * x
    return _root(signal, then) * clean + _rest(signal, then) * noise


def _v_between(start: Tensor, end: Tensor, signal: Tensor, now: Tensor, then: Tensor) -> Tensor:
    """The v with which one step of DDIM goes from `start` to `end`.

    A step turns (x, v) by an angle: end = cos(d) x + sin(d) v with sqrt(signal) = cos of each time's angle.
    """
    difference = torch.acos(_root(signal, then).clamp(-1, 1)) - torch.acos(_root(signal, now).clamp(-1, 1))
    return (end - torch.cos(difference) * start) / torch.sin(difference)


def _root(signal: Tensor, times: Tensor) -> Tensor:
    return _share(signal, times).sqrt()[:, None, None, None]


def _rest(signal: Tensor, times: Tensor) -> Tensor:
    return (1 - _share(signal, times)).sqrt()[:, None, None, None]


def _share(signal: Tensor, times: Tensor) -> Tensor:
    return torch.where(times < 0, torch.ones_like(signal[0]), signal[times.clamp(min=0)])


def _saved(out: Path, index: int) -> Latents:
    saved = load_checkpoint(out / f"latents-{index:03}.pt")
    if saved is None:
        raise FileNotFoundError(f"no latents of shard {index} in {out}: train the denoiser first")
    return Latents(saved["values"], saved["cover"], saved["rows"])


if __name__ == "__main__":
    main()
