"""Networks beside the denoiser: a ControlNet, whose picture says where things are, and an IP-Adapter for references."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import PIL.Image
import torch
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from generation.engines.base import CheckpointError, Job, NotSupported
from generation.engines.diffusers.files import resolve
from generation.engines.diffusers.loading import Loaded, device

_CONTROLLED = {
    "StableDiffusionPipeline": "StableDiffusionControlNetPipeline",
    "StableDiffusionXLPipeline": "StableDiffusionXLControlNetPipeline",
}


def controlled(loaded: Loaded, location: str, revision: str = "") -> Any:
    """The pipeline of a checkpoint with a ControlNet; one is kept at a time.

    Raises:
        NotSupported: the checkpoint takes none.
        CheckpointError: the ControlNet cannot be loaded.
    """
    kind = getattr(diffusers, _CONTROLLED.get(type(loaded.text2img).__name__, ""), None)
    if kind is None:
        raise NotSupported(f"{loaded.family.name} cannot follow a picture.")
    if loaded.control is None or loaded.control[0] != location:
        options: dict[str, Any] = {"revision": revision} if revision else {"local_files_only": True}
        dtype = loaded.text2img.unet.dtype
        try:
            net = diffusers.ControlNetModel.from_pretrained(
                resolve(location), use_safetensors=True, torch_dtype=dtype, **options
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise CheckpointError(f"The ControlNet {location} cannot be loaded: {_one_line(error)}") from error
        made = kind.from_pipe(loaded.text2img, controlnet=net.to(device()))
        made.set_progress_bar_config(disable=True)
        loaded.control = (location, made)
    return loaded.control[1]


def control_arguments(job: Job, numbers: Sequence[int]) -> dict[str, Any]:
    """What the pipeline of a ControlNet is called with, for these pictures of a job."""
    if job.control_pictures is None or job.edit.control is None:
        return {}
    size = (job.width, job.height)
    pictures = [job.control_pictures[n].convert("RGB").resize(size, PIL.Image.Resampling.LANCZOS) for n in numbers]
    return {"image": pictures, "controlnet_conditioning_scale": float(job.edit.control.strength)}


def set_image_prompt(loaded: Loaded, location: str, strength: float) -> None:
    """Puts an IP-Adapter into the denoiser, or takes it out where `location` is empty.

    Raises:
        NotSupported: the checkpoint takes none.
        CheckpointError: it is not made for the checkpoint.
    """
    pipeline = loaded.text2img
    if loaded.image_prompt != location:
        if loaded.image_prompt:
            pipeline.unload_ip_adapter()
            loaded.image_prompt = ""
        if location:
            _load_image_prompt(loaded, pipeline, location)
    if location:
        pipeline.set_ip_adapter_scale(strength)


def _load_image_prompt(loaded: Loaded, pipeline: Any, location: str) -> None:
    if not loaded.family.has_networks or not hasattr(pipeline, "load_ip_adapter"):
        raise NotSupported(f"{loaded.family.name} cannot look at reference pictures.")
    file = Path(resolve(location))
    try:
        pipeline.load_ip_adapter(
            str(file.parent), subfolder="", weight_name=file.name, image_encoder_folder=None, local_files_only=True
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"The IP-Adapter {location} cannot be loaded: {_one_line(error)}") from error
    pipeline.unet.to(pipeline.unet.device, pipeline.unet.dtype)
    loaded.image_prompt = location


@contextmanager
def references_of_each(loaded: Loaded, job: Job, numbers: Sequence[int], *, has_two_passes: bool) -> Iterator[None]:
    """While it is open, the denoiser sees every picture's own references.

    The pipelines of diffusers take one set of references for all pictures of a call, so the embeddings, (n, references,
    width), are given to the denoiser itself; where there are two passes, zeros come first.
    """
    if job.references is None:
        yield
        return
    unet = loaded.text2img.unet
    shown = _embeddings(loaded, job, numbers).to(unet.device, unet.dtype)
    embeddings = [torch.cat([torch.zeros_like(shown), shown]) if has_two_passes else shown]

    def add(_module: Any, args: Any, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        added = inputs.get("added_cond_kwargs") or {}
        return args, inputs | {"added_cond_kwargs": added | {"image_embeds": embeddings}}

    hook = unet.register_forward_pre_hook(add, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


@torch.inference_mode()
def _embeddings(loaded: Loaded, job: Job, numbers: Sequence[int]) -> torch.Tensor:
    projection = loaded.text2img.unet.encoder_hid_proj.image_projection_layers[0]
    is_plain = isinstance(projection, diffusers.models.embeddings.ImageProjection)
    boards = [(job.references or [])[n] for n in numbers]
    return torch.stack([_embedded(job.image_prompt[1], board, is_plain=is_plain) for board in boards]).clone()


def _embedded(encoder: str, pictures: Sequence[PIL.Image.Image], *, is_plain: bool) -> torch.Tensor:
    """As the adapter was trained: the projection of each picture, or the layer before the last."""
    processor, model = _encoder(resolve(encoder))
    pixels = processor(images=[each.convert("RGB") for each in pictures], return_tensors="pt").pixel_values
    found = model(pixels.to(model.device, model.dtype), output_hidden_states=not is_plain)
    embedded: torch.Tensor = found.image_embeds if is_plain else found.hidden_states[-2]
    return embedded


@cache
def _encoder(folder: str) -> tuple[Any, Any]:
    """The encoder of an IP-Adapter; there are few of them, and one serves many checkpoints."""
    try:
        model: Any = CLIPVisionModelWithProjection.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"The image encoder {folder} cannot be loaded: {_one_line(error)}") from error
    side = int(model.config.image_size)
    processor = CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    return processor, model.eval().to(device())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
