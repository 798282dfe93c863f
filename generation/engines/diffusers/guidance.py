"""Guidance scales that differ among the pictures of one call."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from generation.catalogue.families import Family, Guidance


@contextmanager
def guidance_of_each(pipeline: Any, family: Family, scales: Sequence[float]) -> Iterator[None]:
    """While it is open, picture k of a call is drawn with `scales[k]` although the pipeline is given ``max(scales)``.

    With two passes, the second prediction of the denoiser is moved so that what the pipeline computes,
    u + g (t - u), is what the picture's own scale would give. Where the scale is an input, that input is replaced.
    """
    if len(set(scales)) < 2:
        yield
        return
    denoiser: Any = getattr(pipeline, "transformer", None) or pipeline.unet
    own = torch.tensor(scales)
    if family.guidance == Guidance.EMBEDDED:
        hook = denoiser.register_forward_pre_hook(
            lambda _m, args, kw: (args, _embedded(pipeline, kw, own)), with_kwargs=True
        )
    else:
        hook = denoiser.register_forward_hook(lambda _m, _args, output: _moved(output, own / max(scales)))
    try:
        yield
    finally:
        hook.remove()


def _embedded(pipeline: Any, inputs: dict[str, Any], scales: torch.Tensor) -> dict[str, Any]:
    """FLUX takes the scales themselves, latent consistency models an embedding of them."""
    if inputs.get("guidance") is not None:
        return inputs | {"guidance": scales.to(inputs["guidance"])}
    given: torch.Tensor = inputs["timestep_cond"]
    return inputs | {"timestep_cond": pipeline.get_guidance_scale_embedding(scales - 1, given.shape[-1]).to(given)}


def _moved(output: Any, shares: torch.Tensor) -> Any:
    """`output` holds the predictions without the prompts, then those with them."""
    predicted = output[0] if isinstance(output, tuple) else output.sample
    without, with_prompt = predicted.chunk(2)
    share = shares.to(predicted).view(-1, *(1,) * (predicted.ndim - 1))
    moved = torch.cat([without, without + share * (with_prompt - without)])
    return (moved, *output[1:]) if isinstance(output, tuple) else type(output)(sample=moved)
