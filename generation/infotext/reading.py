"""What the file of a picture says about how it was made, whichever program wrote it.

Each program's own way is turned into one `Recipe`; what a recipe has no place for is listed by its name.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generation.infotext.a1111 import LONGEST, Infotext, read_infotext
from generation.infotext.comfyui import read_graph
from lib.text.regex import compile_linear

_SIZE = compile_linear("([0-9]{1,5})x([0-9]{1,5})")
_UNDERSTOOD = {"Steps", "Sampler", "Schedule type", "CFG scale", "Distilled CFG Scale", "Seed", "Size", "Model",
               "Model hash", "Variation seed", "Variation seed strength", "Denoising strength", "Clip skip",
               "Lora hashes", "Version"}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What a picture was made with, as the file says it; None or empty where it does not."""

    program: str
    prompt: str = ""
    negative_prompt: str = ""
    checkpoint: str = ""  # its name or slug
    checkpoint_hash: str = ""  # the beginning of a sha256
    sampler: str = ""
    schedule: str = ""
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    strength: float | None = None
    clip_skip: int | None = None
    style: str = ""
    loras: tuple[tuple[str, float], ...] = ()
    variation_seed: int | None = None
    variation_strength: float | None = None
    others: tuple[str, ...] = ()
    """Settings that Salon has no place for, by the names that the program gives them."""


def read_recipe(texts: Mapping[str, str]) -> Recipe | None:
    """The recipe in the texts of a file, by their keys; None where no program's is among them."""
    for key, reader in _READERS:
        text = texts.get(key, "")
        if text.strip() and (found := reader(text[: 4 * LONGEST])) is not None:
            return found
    return None


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _json_part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = values.get(name)
    return part if isinstance(part, dict) else {}


def _salon(text: str) -> Recipe | None:
    values = _json(text)
    if "prompt" not in values:
        return None
    loras = values.get("loras")
    return Recipe(
        program="Salon",
        prompt=_text(values.get("prompt")),
        negative_prompt=_text(values.get("negative_prompt")),
        checkpoint=_text(values.get("checkpoint_slug") or values.get("checkpoint")),
        checkpoint_hash=_text(values.get("checkpoint_sha256")),
        sampler=_text(values.get("scheduler")),
        style=_text(values.get("style")),
        loras=tuple(_loras(loras, "slug")) if isinstance(loras, list) else (),
        **_numbers(values | _json_part(values, "edit"), seed="seed", steps="steps", guidance="guidance", width="width",
                   height="height", strength="strength", clip_skip="clip_skip", variation_seed="variation_seed",
                   variation_strength="variation_strength"),
    )  # fmt: skip


def _a1111(text: str) -> Recipe | None:
    found = read_infotext(text)
    return _of_infotext(found) if found.facts or found.negative_prompt else None


def _of_infotext(found: Infotext) -> Recipe:
    facts = found.facts
    size = _SIZE.fullmatch(facts.get("Size", ""))
    version = facts.get("Version", "")
    program = "Salon" if version == "Salon" else "Forge" if version.startswith("f") else "AUTOMATIC1111"
    guidance = facts.get("Distilled CFG Scale") or facts.get("CFG scale")
    return Recipe(
        program=program,
        prompt=found.prompt,
        negative_prompt=found.negative_prompt,
        checkpoint=facts.get("Model", ""),
        checkpoint_hash=facts.get("Model hash", ""),
        sampler=facts.get("Sampler", ""),
        schedule=facts.get("Schedule type", ""),
        width=int(size[1]) if size else None,
        height=int(size[2]) if size else None,
        loras=found.loras,
        others=tuple(name for name in facts if name not in _UNDERSTOOD),
        **_numbers({**facts, "guidance": guidance}, seed="Seed", steps="Steps", guidance="guidance",
                   strength="Denoising strength", clip_skip="Clip skip", variation_seed="Variation seed",
                   variation_strength="Variation seed strength"),
    )  # fmt: skip


def _invokeai(text: str) -> Recipe | None:
    values = _json(text)
    if not {"positive_prompt", "steps", "seed"} & set(values):
        return None
    model = values.get("model")
    model = model if isinstance(model, dict) else {}
    name = _text(model.get("name") or model.get("model_name") or values.get("model"))
    understood = {"positive_prompt", "negative_prompt", "steps", "cfg_scale", "guidance", "seed", "width", "height",
                  "scheduler", "model", "strength", "clip_skip", "loras", "app_version", "generation_mode",
                  "rand_device"}  # fmt: skip
    return Recipe(
        program="InvokeAI",
        prompt=_text(values.get("positive_prompt")),
        negative_prompt=_text(values.get("negative_prompt")),
        checkpoint=name,
        checkpoint_hash=_text(model.get("hash")).removeprefix("sha256:"),
        sampler=_text(values.get("scheduler")),
        loras=tuple(_invoke_loras(values.get("loras"))),
        others=tuple(name for name, value in values.items() if name not in understood and value not in (None, [], "")),
        **_numbers({**values, "cfg_scale": values.get("guidance") or values.get("cfg_scale")}, seed="seed",
                   steps="steps", guidance="cfg_scale", width="width", height="height", strength="strength"),
        clip_skip=(_whole(values.get("clip_skip")) or 0) + 1,
    )  # fmt: skip


def _invoke_loras(rows: Any) -> Iterator[tuple[str, float]]:
    for row in rows if isinstance(rows, list) else []:
        model = row.get("model", row.get("lora")) if isinstance(row, dict) else None
        if isinstance(model, dict) and (weight := _decimal(row.get("weight"))) is not None:
            yield _text(model.get("name") or model.get("model_name")), weight


def _comfyui(text: str) -> Recipe | None:
    found = read_graph(_json(text))
    if found is None:
        return None
    return Recipe(
        program="ComfyUI",
        prompt=found.prompt,
        negative_prompt=found.negative_prompt,
        checkpoint=found.checkpoint,
        sampler=found.sampler,
        schedule=found.schedule,
        loras=tuple((name, weight) for name, weight in found.loras),
        others=found.others,
        **_numbers(found.numbers, seed="seed", steps="steps", guidance="cfg", width="width", height="height",
                   strength="denoise"),
    )  # fmt: skip


_READERS = (("salon", _salon), ("parameters", _a1111), ("invokeai_metadata", _invokeai), ("prompt", _comfyui))
_DECIMALS = {"guidance", "strength", "variation_strength"}


def _numbers(values: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """Fields of a recipe from the named values."""
    return {
        field: _decimal(values.get(name)) if field in _DECIMALS else _whole(values.get(name))
        for field, name in names.items()
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    text = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None


def _decimal(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e6 else None


def _loras(rows: list[Any], name: str) -> Iterator[tuple[str, float]]:
    for row in rows:
        if isinstance(row, dict) and (weight := _decimal(row.get("weight"))) is not None:
            yield _text(row.get(name)), weight
