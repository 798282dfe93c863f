"""Our files are read by other people's programs, and theirs by us, with every parameter equal."""

import io
import json
from dataclasses import replace
from typing import Any

import piexif
import piexif.helper
import PIL.Image
import pytest
from django.core.files.base import ContentFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager
from sd_prompt_reader.image_data_reader import ImageDataReader

from generation.infotext.a1111 import MARK, read_infotext
from generation.infotext.reading import Recipe, read_recipe
from generation.media.metadata import png
from generation.media.texts import read_texts
from generation.parameters import CheckpointUse, LoraUse, Parameters, StyleUse

slow_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MADE = Parameters(
    prompt='a red fox, "quoted", (snow:1.3)',
    negative_prompt="blur, noise",
    checkpoint=CheckpointUse("xl", "XL 1.0 tuned", "ab" * 32, "sdxl"),
    style=StyleUse("flat", "{prompt}, flat style", "3d"),
    scheduler="dpmpp_2m_k",
    steps=20,
    guidance=6.5,
    width=64,
    height=48,
    seed=1234567890123,
    loras=(LoraUse("ink", 0.8, "5" * 64),),
    strength=0.4,
    clip_skip=2,
)
HOSTILE = replace(
    MADE, prompt="fox\nNegative prompt: cat\nSteps: 99, Sampler: Evil, Seed: 9 <lora:evil:1>", style=None,
    negative_prompt="dull\nSteps: 3, Sampler: X, Seed: 9",
)  # fmt: skip


def written(made: Parameters) -> io.BytesIO:
    return io.BytesIO(png(PIL.Image.new("RGB", (64, 48), "teal"), made, public_id="abcdefghijkl"))


@pytest.mark.parametrize("made", [MADE, HOSTILE], ids=["plain", "hostile"])
def test_sd_parsers_reads_every_parameter(made: Parameters) -> None:
    found = ParserManager().parse(written(made))
    assert found is not None
    (sampler,) = found.samplers
    assert sampler.model is not None
    assert (sampler.name, sampler.model.name, sampler.model.hash) == ("DPM++ 2M Karras", "XL 1.0 tuned", "ab" * 5)
    values = {**sampler.parameters, **found.metadata}
    assert [str(values[name]) for name in ("steps", "seed", "cfg_scale")] == ["20", "1234567890123", "6.5"]
    assert str(found.full_prompt).replace(MARK, "") == f"{made.styled_prompt} <lora:ink:0.8>"
    assert str(found.full_negative_prompt).replace(MARK, "") == made.styled_negative_prompt


@pytest.mark.parametrize("made", [MADE, HOSTILE], ids=["plain", "hostile"])
def test_sd_prompt_reader_reads_every_parameter(made: Parameters) -> None:
    found = ImageDataReader(written(made))
    assert found.positive.replace(MARK, "") == f"{made.styled_prompt} <lora:ink:0.8>"
    assert found.negative.replace(MARK, "") == made.styled_negative_prompt
    read = found.parameter
    assert [str(read[name]) for name in ("sampler", "seed", "cfg", "steps", "size")] == [
        "DPM++ 2M Karras", "1234567890123", "6.5", "20", "64x48",
    ]  # fmt: skip
    assert read["model"] == "XL 1.0 tuned"


def test_lines_that_imitate_the_format_stay_in_the_prompt() -> None:
    found = read_infotext(HOSTILE.as_a1111())
    assert found.prompt == HOSTILE.prompt
    assert found.negative_prompt == HOSTILE.negative_prompt
    assert found.loras == (("ink", 0.8),)
    assert (found.facts["Steps"], found.facts["Seed"]) == ("20", "1234567890123")


_LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=80)


@slow_machine
@given(_LINES | _LINES.map(lambda text: f"x\nNegative prompt: {text}\nSteps: 1, Sampler: Y, Seed: 2"), _LINES, _LINES)
def test_whatever_is_written_is_read_again(prompt: str, negative: str, name: str) -> None:
    made = replace(PLAIN, prompt=prompt, negative_prompt=negative, checkpoint=CheckpointUse("x", name, "ab" * 32))
    found = read_infotext(made.as_a1111())
    assert _lines(found.prompt) == _lines(prompt)
    assert _lines(found.negative_prompt) == _lines(negative)
    assert found.facts["Model"].strip() == name.strip()


PLAIN = replace(MADE, style=None, loras=(), strength=None, clip_skip=1)


def _lines(text: str) -> str:
    return text.replace(MARK, "").strip()


def recipe_in(**texts: str) -> Recipe:
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text)
    stream = io.BytesIO()
    PIL.Image.new("RGB", (16, 16)).save(stream, "PNG", pnginfo=info)
    found = read_recipe(read_texts(ContentFile(stream.getvalue())))
    assert found is not None
    return found


def test_our_own_png_gives_back_the_record() -> None:
    found = read_recipe(read_texts(ContentFile(written(MADE).getvalue())))
    assert found == Recipe(
        program="Salon", prompt=MADE.prompt, negative_prompt="blur, noise", checkpoint="xl", checkpoint_hash="ab" * 32,
        sampler="dpmpp_2m_k", steps=20, guidance=6.5, seed=1234567890123, width=64, height=48, strength=0.4,
        clip_skip=2, style="flat", loras=(("ink", 0.8),),
    )  # fmt: skip


A1111 = (
    "a fox <lora:ink:0.7>, snow\nin winter\nNegative prompt: blur\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, "
    'CFG scale: 6.5, Seed: 42, Size: 512x768, Model hash: abababab12, Model: "tuned, v2", Clip skip: 2, '
    "Hires upscale: 2, Hires upscaler: Latent, Version: v1.10.1"
)


def test_a_png_of_the_web_ui() -> None:
    assert recipe_in(parameters=A1111) == Recipe(
        program="AUTOMATIC1111", prompt="a fox, snow\nin winter", negative_prompt="blur", checkpoint="tuned, v2",
        checkpoint_hash="abababab12", sampler="DPM++ 2M", schedule="Karras", steps=28, guidance=6.5, seed=42,
        width=512, height=768, clip_skip=2, loras=(("ink", 0.7),), others=("Hires upscale", "Hires upscaler"),
    )  # fmt: skip


def test_a_png_of_forge_says_its_distilled_guidance() -> None:
    text = (
        "a fox\nSteps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 7, "
        "Size: 896x1152, Model: flux1-dev, Version: f2.0.1v1.10.1"
    )
    found = recipe_in(parameters=text)
    assert (found.program, found.guidance, found.sampler, found.schedule) == ("Forge", 3.5, "Euler", "Simple")


def test_a_webp_or_jpeg_of_the_web_ui_keeps_its_text_in_exif() -> None:
    comment = {piexif.ExifIFD.UserComment: piexif.helper.UserComment.dump(A1111 + " ü", encoding="unicode")}
    exif = piexif.dump({"Exif": comment})
    for form in ("WEBP", "JPEG"):
        stream = io.BytesIO()
        PIL.Image.new("RGB", (16, 16)).save(stream, form, exif=exif)
        found = read_recipe(read_texts(ContentFile(stream.getvalue())))
        assert found is not None
        assert (found.steps, found.seed, found.prompt) == (28, 42, "a fox, snow\nin winter")


def graph(**changes: Any) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "3": {"class_type": "KSampler", "inputs": {
            "seed": 42, "steps": 28, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0,
            "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sub\\tuned.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox, snow", "clip": ["10", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blur", "clip": ["10", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "ink.safetensors", "strength_model": 0.7,
               "strength_clip": 0.7, "model": ["4", 0], "clip": ["4", 1]}},
    }  # fmt: skip
    return nodes | changes


COMFYUI = Recipe(
    program="ComfyUI", prompt="a fox, snow", negative_prompt="blur", checkpoint="tuned", sampler="dpmpp_2m",
    schedule="karras", steps=28, guidance=6.5, seed=42, width=512, height=768, loras=(("ink", 0.7),),
)  # fmt: skip


def test_a_png_of_comfyui() -> None:
    assert recipe_in(prompt=json.dumps(graph()), workflow="{}") == COMFYUI


def test_nodes_of_comfyui_that_are_not_known_are_named() -> None:
    face = {"class_type": "FaceDetailer", "inputs": {"image": ["8", 0]}}
    assert recipe_in(prompt=json.dumps(graph(face=face))) == replace(COMFYUI, others=("FaceDetailer",))


def test_a_webp_of_comfyui_keeps_its_graph_in_exif() -> None:
    image, stream = PIL.Image.new("RGB", (16, 16)), io.BytesIO()
    exif = image.getexif()
    exif[0x0110] = "prompt:" + json.dumps(graph())
    exif[0x010F] = "workflow:{}"
    image.save(stream, "WEBP", exif=exif)
    assert read_recipe(read_texts(ContentFile(stream.getvalue()))) == COMFYUI


def test_a_graph_that_goes_in_circles_ends() -> None:
    loop = {"class_type": "Reroute", "inputs": {"conditioning": ["6", 0]}}
    found = recipe_in(prompt=json.dumps(graph(**{"6": loop})))
    assert (found.prompt, found.seed) == ("", 42)


def test_a_png_of_invokeai() -> None:
    values = {
        "app_version": "5.6.0", "generation_mode": "txt2img", "positive_prompt": "a fox", "negative_prompt": "blur",
        "steps": 28, "cfg_scale": 6.5, "seed": 42, "width": 512, "height": 768, "scheduler": "dpmpp_2m_k",
        "model": {"name": "tuned", "hash": "blake3:123", "base": "sdxl"}, "cfg_rescale_multiplier": 0.7,
        "loras": [{"model": {"name": "ink"}, "weight": 0.7}], "controlnets": [],
    }  # fmt: skip
    assert recipe_in(invokeai_metadata=json.dumps(values)) == Recipe(
        program="InvokeAI", prompt="a fox", negative_prompt="blur", checkpoint="tuned", checkpoint_hash="blake3:123",
        sampler="dpmpp_2m_k", steps=28, guidance=6.5, seed=42, width=512, height=768, clip_skip=1,
        loras=(("ink", 0.7),), others=("cfg_rescale_multiplier",),
    )  # fmt: skip


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"x" * 5000, b"RIFF\x00\x00\x00\x00WEBPVP8 "], ids=range(5)
)
def test_what_is_no_picture_says_nothing(data: bytes) -> None:
    assert read_texts(ContentFile(data)) == {}


@slow_machine
@given(st.dictionaries(st.sampled_from(["salon", "parameters", "invokeai_metadata", "prompt"]), st.text(max_size=300)))
def test_hostile_texts_never_raise(texts: dict[str, str]) -> None:
    read_recipe(texts)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["prompt", "seed", "loras", "model", "inputs", "class_type", "1", "positive", "weight", "slug", "steps"]
    ), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@slow_machine
@given(st.sampled_from(["salon", "invokeai_metadata", "prompt"]), _JSON)
def test_hostile_values_never_raise(key: str, value: Any) -> None:
    read_recipe({key: json.dumps(value)})
