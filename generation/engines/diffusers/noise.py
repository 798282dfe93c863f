"""The noise that a picture starts from, mixed for variations; and latents that are kept while others are drawn."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch

from generation.engines.base import NotSupported


@contextmanager
def mixed_noise(pipeline: Any, seeds: Sequence[int], share: float) -> Iterator[None]:
    """While it is open, the pipeline starts from its own noise turned towards that of other seeds.

    Args:
        seeds: of the other noise, one per picture.
        share: how far, from 0 (its own noise) to 1 (the other), by spherical interpolation.
    """
    if not hasattr(pipeline, "prepare_latents"):
        raise NotSupported("This checkpoint cannot draw variations.")
    original: Any = pipeline.prepare_latents
    signature = inspect.signature(original)

    @wraps(original)
    def prepare(*args: Any, **kwargs: Any) -> Any:
        others = signature.bind(*args, **kwargs)
        others.arguments["generator"] = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        own, other = original(*args, **kwargs), original(*others.args, **others.kwargs)
        if isinstance(own, tuple):
            return (slerp(own[0], other[0], share), *own[1:])
        return slerp(own, other, share)

    pipeline.prepare_latents = prepare
    try:
        yield
    finally:
        del pipeline.prepare_latents


def slerp(one: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    """Spherical interpolation of each row; for Gaussian noise it keeps the variance. 0 gives `one` bit by bit."""
    if share <= 0:
        return one
    flat, towards = one.flatten(1).float(), other.flatten(1).float()
    cosine = torch.nn.functional.cosine_similarity(flat, towards, dim=1).clamp(-0.9995, 0.9995)
    angle = torch.acos(cosine)[:, None]
    mixed = (torch.sin((1 - share) * angle) * flat + torch.sin(share * angle) * towards) / torch.sin(angle)
    return mixed.view_as(one).to(one.dtype)


@contextmanager
def own_noise(vae: Any) -> Iterator[None]:
    """While it is open, a source is encoded without chance, so that the noise put over it is what its seed begins with.

    A draft whose own noise is put over it lies where the sampler was on its way to that draft: from there the final
    picture goes the same way. Other noise would lead elsewhere.
    """
    original = vae.encode

    @wraps(original)
    def encode(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        if hasattr(found, "latent_dist"):
            found.latent_dist.sample = lambda generator=None: found.latent_dist.mode()  # noqa: ARG005
        return found

    vae.encode = encode
    try:
        yield
    finally:
        del vae.encode


@contextmanager
def kept_latents(
    scheduler: Any, latents: torch.Tensor, drawn: torch.Tensor, seeds: Sequence[int], calls: Callable[[], int]
) -> Iterator[None]:
    """While it is open, every step leaves the latents outside a mask as those of a source, with the step's own noise.

    Args:
        latents: of the sources, (n, channels, height, width).
        drawn: 1 where pictures are drawn anew, (n, 1, height, width).
        seeds: of the noise, one per picture.
        calls: how often the scheduler will be called in all.
    """
    original, made = scheduler.step, 0
    noise = torch.stack([torch.randn(latents.shape[1:], generator=torch.Generator().manual_seed(s)) for s in seeds])
    noise = noise.to(latents)

    @wraps(original)
    def step(*args: Any, **kwargs: Any) -> Any:
        nonlocal made
        result = original(*args, **kwargs)
        made += 1
        following = scheduler.timesteps[len(scheduler.timesteps) - calls() + made :][:1]
        kept = latents if len(following) == 0 else scheduler.add_noise(latents, noise, following)
        found = result[0] if isinstance(result, tuple) else result.prev_sample
        mixed = drawn * found + (1 - drawn) * kept.to(found)
        if isinstance(result, tuple):
            return (mixed, *(_blended(each, drawn, kept) for each in result[1:]))
        result.prev_sample = mixed
        return result

    scheduler.step = step
    try:
        yield
    finally:
        vars(scheduler).pop("step", None)


def _blended(other: Any, drawn: torch.Tensor, kept: torch.Tensor) -> Any:
    """Some pipelines decode what a step says beside its sample: the denoised picture."""
    is_latent = isinstance(other, torch.Tensor) and other.shape == kept.shape
    return drawn * other + (1 - drawn) * kept if is_latent else other
