"""Diffusers pipelines, loaded onto the device: safetensors only, with no remote code and no checker of their own."""

import gc
import inspect
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from django.conf import settings
from safetensors.torch import load_file

from generation.catalogue.families import FAMILIES, Family, family_of
from generation.engines.base import CheckpointError, Source
from generation.engines.diffusers.adapters import adapter_of
from generation.engines.diffusers.adapters.base import Adapter
from generation.engines.diffusers.files import (
    count_weights,
    is_dropped,
    read_index,
    resolve,
    variant_of,
    weight_files,
)
from generation.engines.diffusers.previews import PreviewMatrix, preview_matrix

diffusers.utils.logging.set_verbosity_error()
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()
_BYTES = {torch.float32: 4, torch.float16: 2, torch.bfloat16: 2}


@dataclass
class Loaded:
    """A checkpoint in memory, and what its family says about it."""

    text2img: Any
    adapter: Adapter
    size: int  # bytes
    preview: PreviewMatrix | None = None
    own_scheduler: Any = None
    loras: tuple[tuple[str, float], ...] = ()
    image_prompt: str = ""  # the IP-Adapter in the denoiser
    control: tuple[str, Any] | None = None  # a ControlNet's location, and the pipeline with it
    _others: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def family(self) -> Family:
        return self.adapter.family

    def img2img(self) -> Any:
        """The pipeline that starts from a picture; it shares every weight with text2img."""
        return self._other("img2img", diffusers.AutoPipelineForImage2Image)

    def inpaint(self) -> Any:
        """The pipeline that draws inside a mask; None where the family has none, and latents are kept instead."""
        if not self.adapter.has_inpaint_pipeline:
            return None
        try:
            return self._other("inpaint", diffusers.AutoPipelineForInpainting)
        except ValueError:
            self._others["inpaint"] = None
            return None

    def _other(self, name: str, kind: Any) -> Any:
        if name not in self._others:
            self._others[name] = kind.from_pipe(self.text2img)
            self._others[name].set_progress_bar_config(disable=True)
        return self._others[name]


@cache
def device() -> str:
    """The device that GPU_DEVICE names: ``cuda``, ``mps`` or ``cpu``."""
    if settings.GPU_DEVICE != "auto":
        return str(settings.GPU_DEVICE)
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@cache
def device_name() -> str:
    """The model of the device, by which measured batch sizes are kept."""
    return str(torch.cuda.get_device_name()) if device() == "cuda" else device()


def versions() -> dict[str, str]:
    """The libraries and the device that a picture is drawn with."""
    return {"torch": torch.__version__, "diffusers": diffusers.__version__, "device": device()}


def dtype_of(source: Source) -> torch.dtype:
    """As the operator says, else as the family is best; a CPU computes in full precision."""
    if source.options.dtype:
        return _named_dtype(source.options.dtype)
    if device() == "cpu":
        return torch.float32
    wanted = _named_dtype(family_of(source.family).dtype)
    if wanted == torch.bfloat16 and device() == "cuda" and not torch.cuda.is_bf16_supported():
        return torch.float16
    return wanted


def _named_dtype(name: str) -> torch.dtype:
    found: Any = getattr(torch, name, None)
    if not isinstance(found, torch.dtype) or found not in _BYTES:
        raise CheckpointError(f"{name} is no precision. Choose float32, float16 or bfloat16.")
    return found


def estimated_size(source: Source) -> int:
    """Bytes that a checkpoint will need, by its files; 0 for one that is not on this machine yet."""
    path = Path(resolve(source.location))
    if not path.exists():
        return 0
    variant = source.options.variant or variant_of(path)
    return count_weights(weight_files(path, variant)) * _BYTES[dtype_of(source)]


def load(source: Source) -> Loaded:
    """Loads a checkpoint onto the device.

    Raises:
        CheckpointError: it is missing, is not made of safetensors, asks for code of its own, or is too large.
    """
    try:
        pipeline = _single_file(source) if resolve(source.location).endswith(".safetensors") else _folder(source)
        _load_embeddings(pipeline, source)
        loaded = _placed(pipeline, source)
    except (OSError, ValueError, json.JSONDecodeError, NotImplementedError, KeyError, AttributeError) as error:
        raise CheckpointError(f"The checkpoint {source.location} cannot be loaded: {_one_line(error)}") from error
    except torch.cuda.OutOfMemoryError as error:
        gc.collect()
        torch.cuda.empty_cache()
        message = f"The checkpoint {source.location} does not fit into the memory of the device"
        raise CheckpointError(f"{message}. Register it with --offload or a smaller --dtype.") from error
    return loaded


def _folder(source: Source) -> Any:
    where = resolve(source.location)
    place: dict[str, Any] = {"revision": source.revision} if source.revision else {}
    is_local = Path(where).is_dir()
    if is_local:
        place["local_files_only"] = True
    index = read_index(where, **place)
    options: dict[str, Any] = {"use_safetensors": True, "dtype": dtype_of(source), **place}
    options |= {name: None for name, value in index.items() if is_dropped(name, value)}
    if "requires_safety_checker" in index:
        options["requires_safety_checker"] = False
    variant = source.options.variant or (variant_of(Path(where)) if is_local else "")
    if variant:
        options["variant"] = variant
    return diffusers.DiffusionPipeline.from_pretrained(where, **options)


def _single_file(source: Source) -> Any:
    """A checkpoint in one file, as most of the web has them; its configuration comes from a folder, or from a hub."""
    kind = _class_of_single_file(source)
    options: dict[str, Any] = {"dtype": dtype_of(source)}
    accepted = inspect.signature(kind.__init__).parameters
    if "safety_checker" in accepted:
        options |= {"safety_checker": None}
    if source.options.config:
        options |= {"config": resolve(source.options.config), "local_files_only": True}
    return kind.from_single_file(resolve(source.location), **options)


def _class_of_single_file(source: Source) -> Any:
    if source.options.config:
        name = str(read_index(resolve(source.options.config), local_files_only=True).get("_class_name", ""))
    else:
        name = next(iter(FAMILIES[source.family].pipelines), "") if source.family in FAMILIES else ""
    kind = getattr(diffusers, name, None)
    if kind is None or not hasattr(kind, "from_single_file"):
        raise CheckpointError("A single file needs --family, or --config with a folder of the same architecture.")
    return kind


def _load_embeddings(pipeline: Any, source: Source) -> None:
    """Textual inversions: one embedding for one encoder, or `clip_l` and `clip_g` for the two of SDXL."""
    for word, location in source.embeddings:
        state = load_file(resolve(location))
        if "clip_g" in state:
            pipeline.load_textual_inversion(state["clip_l"], token=word)
            second = {"text_encoder": pipeline.text_encoder_2, "tokenizer": pipeline.tokenizer_2}
            pipeline.load_textual_inversion(state["clip_g"], token=word, **second)
        else:
            pipeline.load_textual_inversion(state, token=word)


def _placed(pipeline: Any, source: Source) -> Loaded:
    """On the device, with what the operator chose about memory and speed."""
    options, kind = source.options, type(pipeline).__name__
    adapter = adapter_of(family_of(source.family, kind), pipeline)
    adapter.vae_dtype = _vae_dtype(pipeline, source)
    if adapter.vae_dtype is not None:
        pipeline.vae.to(adapter.vae_dtype)
    if options.offload == "sequential" and device() != "cpu":
        pipeline.enable_sequential_cpu_offload()
    elif options.offload and device() != "cpu":
        pipeline.enable_model_cpu_offload()
    else:
        pipeline.to(device())
    denoiser: Any = getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)
    if options.vae_tiling and hasattr(pipeline.vae, "enable_tiling"):
        pipeline.vae.enable_tiling()
    if options.attention:
        denoiser.set_attention_backend(options.attention)
    if options.compile and device() != "cpu":
        denoiser.compile_repeated_blocks(fullgraph=True)
    pipeline.set_progress_bar_config(disable=True)
    loaded = Loaded(pipeline, adapter, _bytes(pipeline), own_scheduler=getattr(pipeline, "scheduler", None))
    loaded.preview = preview_matrix(adapter)
    return loaded


def _vae_dtype(pipeline: Any, source: Source) -> torch.dtype | None:
    """The VAE of SDXL overflows in half precision."""
    vae = getattr(pipeline, "vae", None)
    if vae is None:
        return None
    if source.options.vae_dtype:
        return _named_dtype(source.options.vae_dtype)
    is_fragile = bool(getattr(vae.config, "force_upcast", False)) and dtype_of(source) == torch.float16
    return torch.float32 if is_fragile else dtype_of(source)


def _bytes(pipeline: Any) -> int:
    modules = (part for part in pipeline.components.values() if isinstance(part, torch.nn.Module))
    return sum(weight.numel() * weight.element_size() for module in modules for weight in module.parameters())


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:400]
