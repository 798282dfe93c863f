"""Where checkpoints lie, and what their files say before anything is loaded."""

import json
from pathlib import Path
from typing import Any

import diffusers
from django.conf import settings
from huggingface_hub import snapshot_download
from safetensors import SafetensorError, safe_open

from generation.engines.base import CheckpointError, Source
from lib.text.regex import compile_linear

_HUB_ID = compile_linear(r"[0-9A-Za-z_.-]+/[0-9A-Za-z_.-]+")
_COMMIT = compile_linear("[0-9a-f]{40}")
_LIBRARIES = {"diffusers", "transformers"}
_DROPPED = ("SafetyChecker", "Watermarker")
"""Parts that blacken or mark pictures: `moderation` looks at every picture instead, and the files carry our mark."""


def resolve(location: str) -> str:
    """The path of a local folder or file, or the hub id as it is."""
    path = settings.CHECKPOINTS_DIR / location
    return str(path) if location and path.exists() else location


def fetch(source: Source) -> Path:
    """The folder or the single file of a checkpoint; one on a hub is downloaded at its pinned revision.

    Raises:
        CheckpointError: it is none of these, or cannot be downloaded.
    """
    path = Path(resolve(source.location))
    if source.location and (path.is_dir() or path.is_file()):
        if path.is_file() and path.suffix != ".safetensors":
            raise CheckpointError(f"{path} is no .safetensors file. Others can run code when they are loaded.")
        return path
    if not _HUB_ID.fullmatch(source.location):
        raise CheckpointError(f"There is no folder or file {path}, and {source.location!r} is no hub id (owner/name).")
    if not _COMMIT.fullmatch(source.revision):
        raise CheckpointError("A checkpoint on a hub needs --revision with the 40 digits of a commit.")
    try:
        found = diffusers.DiffusionPipeline.download(source.location, revision=source.revision, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{source.location} could not be downloaded: {error}") from error
    return Path(found)


def fetch_part(location: str, revision: str) -> Path:
    """The folder of a part such as a ControlNet; one on a hub is downloaded at its pinned revision.

    Raises:
        CheckpointError: it is neither, or cannot be downloaded.
    """
    path = Path(resolve(location))
    if location and path.is_dir():
        return path
    if not _HUB_ID.fullmatch(location) or not _COMMIT.fullmatch(revision):
        raise CheckpointError(f"{path} is no folder. A hub id (owner/name) needs --revision with a commit's 40 digits.")
    try:
        wanted = ["config.json", "*.safetensors"]
        return Path(snapshot_download(location, revision=revision, allow_patterns=wanted))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{location} could not be downloaded: {error}") from error


def read_index(where: str, **options: Any) -> dict[str, Any]:
    """The index of a folder or hub id; raises CheckpointError for one that asks for code of its own."""
    index: dict[str, Any] = diffusers.DiffusionPipeline.load_config(where, **options)
    for name, value in index.items():
        is_part = isinstance(value, (list, tuple)) and len(value) == 2 and value[0]
        if is_part and not is_dropped(name, value) and value[0] not in _LIBRARIES:
            raise CheckpointError(f"The checkpoint brings code of its own for {name} ({value[0]}); that is not run.")
    return index


def is_dropped(name: str, value: Any) -> bool:
    """Whether a part that an index names is left out."""
    return name == "safety_checker" or (
        isinstance(value, (list, tuple)) and len(value) == 2 and str(value[1]).endswith(_DROPPED)
    )


def variant_of(folder: Path) -> str:
    """`fp16` where the weights of the denoiser come in that variant alone; else nothing."""
    for part in ("unet", "transformer"):
        names = [file.name for file in (folder / part).glob("*.safetensors")]
        if names and all(".fp16" in name for name in names):
            return "fp16"
    return ""


def weight_files(path: Path, variant: str) -> list[Path]:
    """The files that are loaded of a folder (or the single file), in the order of their paths."""
    if path.is_file():
        return [path]
    files = sorted(path.rglob("*.safetensors"))
    dropped = {name for name, value in _index_of(path).items() if is_dropped(name, value)}
    files = [file for file in files if file.relative_to(path).parts[0] not in dropped]
    in_variant = {file.parent for file in files if variant and f".{variant}" in file.name}
    return [
        file
        for file in files
        if (f".{variant}" in file.name if file.parent in in_variant else ".fp16" not in file.name)
    ]


def _index_of(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "model_index.json").read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def count_weights(files: list[Path]) -> int:
    """Numbers in safetensors files, by their headers; raises CheckpointError for a damaged one."""
    total = 0
    for file in files:
        try:
            with safe_open(file, framework="np") as opened:
                for name in opened.keys():  # noqa: SIM118 (it is no mapping)
                    size = 1
                    for side in opened.get_slice(name).get_shape():
                        size *= side
                    total += size
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file} is no whole safetensors file: {error}") from error
    return total
