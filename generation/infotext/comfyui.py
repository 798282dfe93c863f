"""The graph that ComfyUI writes into a picture: nodes by id, inputs that are values or ``[node, output]``.

From the sampler that ends the graph, the settings are followed upwards. Nodes of other people's making are passed
through where they hand on what they get, and named where they do something that cannot be known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

MOST_NODES = 2000
_DEEPEST = 200  # nodes that are followed in a row
_SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
_KNOWN = {"CLIPTextEncode", "CheckpointLoaderSimple", "UNETLoader", "VAELoader", "VAEDecode", "SaveImage",
          "PreviewImage", "EmptyLatentImage", "EmptySD3LatentImage", "LoraLoader", "LoraLoaderModelOnly",
          "CLIPSetLastLayer", "DualCLIPLoader", "CLIPLoader", "FluxGuidance", "BasicGuider", "RandomNoise",
          "KSamplerSelect", "BasicScheduler", "ConditioningZeroOut", *_SAMPLERS}  # fmt: skip
Node = dict[str, Any]


@dataclass
class Graph:
    """What the graph says; `numbers` by the names of ComfyUI's inputs, `others` the kinds of nodes not understood."""

    prompt: str = ""
    negative_prompt: str = ""
    checkpoint: str = ""
    sampler: str = ""
    schedule: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    loras: list[tuple[str, float]] = field(default_factory=list)
    others: tuple[str, ...] = ()


def read_graph(nodes: dict[str, Any]) -> Graph | None:
    """The settings of a graph in the form of ComfyUI's API; None where no sampler is in it."""
    graph = {
        str(name): node
        for name, node in nodes.items()
        if isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
    }
    last = next((node for node in reversed(graph.values()) if node["class_type"] in _SAMPLERS), None)
    if last is None or len(graph) > MOST_NODES:
        return None
    found = Graph(others=tuple(sorted({each["class_type"] for each in graph.values()} - _KNOWN)))
    above = list(_above(graph, last))
    _read_sampler(found, [last, *above])
    inputs = last["inputs"]
    guider = _node(graph, inputs.get("guider"))
    positive = inputs.get("positive") or (guider["inputs"].get("conditioning") if guider else None)
    found.prompt = _words(graph, positive)
    found.negative_prompt = _words(graph, inputs.get("negative"))
    for node in above:
        _read_loader(found, node)
    return found


def _node(graph: dict[str, Node], value: Any) -> Node | None:
    is_link = isinstance(value, list) and len(value) == 2
    return graph.get(str(value[0])) if is_link else None


def _above(graph: dict[str, Node], start: Node) -> Iterator[Node]:
    """Every node that a node gets something from, the nearest first."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        node = waiting.pop(0)
        for value in node["inputs"].values():
            above = _node(graph, value)
            if above is not None and id(above) not in seen:
                seen.add(id(above))
                waiting.append(above)
                yield above


def _read_sampler(found: Graph, nodes: list[Node]) -> None:
    for node in nodes:
        inputs = node["inputs"]
        for name in ("steps", "cfg", "denoise", "width", "height", "guidance"):
            if isinstance(inputs.get(name), int | float):
                found.numbers.setdefault("cfg" if name == "guidance" else name, inputs[name])
        for name in ("seed", "noise_seed"):
            if isinstance(inputs.get(name), int):
                found.numbers.setdefault("seed", inputs[name])
        found.sampler = found.sampler or _text(inputs.get("sampler_name"))
        found.schedule = found.schedule or _text(inputs.get("scheduler"))
    if found.numbers.get("denoise") in (1, 1.0):
        del found.numbers["denoise"]
    if any(node["class_type"] == "FluxGuidance" for node in nodes):  # there, cfg is a second, true guidance
        found.numbers["cfg"] = next(n["inputs"].get("guidance") for n in nodes if n["class_type"] == "FluxGuidance")


def _read_loader(found: Graph, node: Node) -> None:
    inputs = node["inputs"]
    found.checkpoint = found.checkpoint or _stem(inputs.get("ckpt_name") or inputs.get("unet_name"))
    if node["class_type"].startswith("LoraLoader") and isinstance(inputs.get("strength_model"), int | float):
        found.loras.append((_stem(inputs.get("lora_name")), float(inputs["strength_model"])))


def _words(graph: dict[str, Node], value: Any) -> str:
    """The text behind a conditioning; texts that are joined on the way are joined here too."""
    for _turn in range(_DEEPEST):
        if isinstance(value, str):
            return value
        node = _node(graph, value)
        if node is None or node["class_type"] == "ConditioningZeroOut":
            return ""
        inputs = node["inputs"]
        names = ("text", "text_g", "t5xxl", "string", "value", "conditioning", "conditioning_1", "positive")
        value = next((inputs[name] for name in names if name in inputs), None)
    return ""


def _stem(value: Any) -> str:
    return PurePosixPath(_text(value).replace("\\", "/")).stem


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
