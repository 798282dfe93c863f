"""Settings recalled from a file: what can be used here fills the form, and the rest is listed."""

import io
from typing import Any

import PIL.Image
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL.PngImagePlugin import PngInfo

from accounts.models import User
from generation.media import storage
from generation.models import Checkpoint, Generation, Lora, Style
from tests.conftest import ApiAs, As
from tests.generation.fixtures import MakeImage, checkpoint_row

pytestmark = pytest.mark.django_db
SAMPLERS = ["ddim", "euler_a", "dpmpp_2m_k"]


@pytest.fixture
def tuned(db: None) -> Checkpoint:
    """The second checkpoint of the site, with a LoRA and a style."""
    checkpoint_row("first", "first")
    row = checkpoint_row(
        "tuned", "tuned", name="Tuned", schedulers=SAMPLERS, sizes=[[512, 512], [512, 768]], family="sd1"
    )
    Lora.objects.create(slug="ink", name="Ink", checkpoint=row, source="ink", sha256="1" * 64, licence="MIT")
    Style.objects.create(slug="flat", name="Flat", template="{prompt}, flat").checkpoints.add(row)
    return row


def file_with(name: str = "x.png", **texts: str) -> SimpleUploadedFile:
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text)
    stream = io.BytesIO()
    PIL.Image.new("RGB", (16, 16)).save(stream, "PNG", pnginfo=info)
    return SimpleUploadedFile(name, stream.getvalue(), "image/png")


def recalled(api: Any, file: SimpleUploadedFile) -> dict[str, Any]:
    answer = api.post("/api/recall/", {"file": file}, format="multipart")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.usefixtures("tuned")
def test_everything_that_fits_is_taken(alice: User, api_as: ApiAs) -> None:
    text = (
        "a fox <lora:ink:0.7>\nNegative prompt: blur\n"
        "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, "
        "Seed: 42, Size: 512x768, Model: tuned, Clip skip: 2, Version: v1.10.1"
    )
    assert recalled(api_as(alice), file_with(parameters=text)) == {
        "program": "AUTOMATIC1111",
        "settings": {
            "checkpoint": "tuned", "prompt": "a fox", "negative_prompt": "blur", "steps": 28, "guidance": "6.5",
            "seed": 42, "size": "512x768", "clip_skip": 2, "scheduler": "dpmpp_2m_k", "loras": "ink:0.7",
        },
        "missing": [],
    }  # fmt: skip


@pytest.mark.usefixtures("tuned")
def test_what_does_not_fit_is_listed_in_sentences(alice: User, api_as: ApiAs) -> None:
    text = (
        "a fox <lora:unknown:1>\nSteps: 99, Sampler: Restart, CFG scale: 45, Seed: 42, Size: 100x100, Model: other, "
        "Denoising strength: 0.4, Hires upscale: 2, Version: v1.10.1"
    )
    found = recalled(api_as(alice), file_with(parameters=text))
    assert found["settings"] == {"checkpoint": "first", "prompt": "a fox", "negative_prompt": "", "seed": 42}
    missing = "\n".join(found["missing"])
    for words in ("“other”", "99", "45", "100x100", "Restart", "“unknown”", "another picture", "Hires upscale"):
        assert words in missing


def test_a_picture_of_ours_recalls_itself(tuned: Checkpoint, alice: User, api_as: ApiAs, make_image: MakeImage) -> None:
    style = Style.objects.get(slug="flat")
    image = make_image(alice, prompt="a fox", checkpoint=tuned, style=style, width=512, height=512, seed=7)
    data = storage.original_png(image)
    found = recalled(api_as(alice), SimpleUploadedFile("ours.png", data, "image/png"))
    assert (found["program"], found["missing"]) == ("Salon", [])
    made = Generation.objects.get()
    assert found["settings"] == {
        "checkpoint": "tuned", "prompt": "a fox", "negative_prompt": "", "style": "flat", "steps": made.steps,
        "guidance": f"{made.guidance:g}", "seed": 7, "size": "512x512", "scheduler": "ddim",
    }  # fmt: skip


def test_our_webp_is_known_by_its_id_and_keeps_a_hidden_prompt(
    tuned: Checkpoint, alice: User, bob: User, api_as: ApiAs, make_image: MakeImage
) -> None:
    image = make_image(alice, prompt="a fox", checkpoint=tuned, width=512, height=512, is_prompt_hidden=True)
    data = storage.read(f"{image.prefix}/{image.rendition_hash}-512.webp")
    file = SimpleUploadedFile("ours.webp", data, "image/webp")
    assert recalled(api_as(alice), file)["settings"]["prompt"] == "a fox"
    file.seek(0)
    answer = api_as(bob).post("/api/recall/", {"file": file}, format="multipart")  # it is not published
    assert (answer.status_code, answer.json()["code"]) == (400, "no_settings")
    image.is_public = True
    image.save(update_fields=["is_public"])
    file.seek(0)
    found = recalled(api_as(bob), file)
    assert "prompt" not in found["settings"]
    assert "hides the prompt" in found["missing"][0]


@pytest.mark.usefixtures("tuned")
def test_the_page_fills_its_form_and_says_what_was_not_taken(alice: User, as_user: As) -> None:
    text = "a fox & friends\nSteps: 28, Sampler: Restart, CFG scale: 6.5, Seed: 42, Model: tuned"
    page = as_user(alice).post("/create/recall/", {"file": file_with(parameters=text)})
    assert page.status_code == 200
    form = page.context["form"]
    assert (form["prompt"].value(), form["seed"].value(), form["checkpoint"].value()) == (
        "a fox & friends",
        42,
        "tuned",
    )
    assert "Sampler: Restart cannot be chosen here." in page.content.decode()
    for file, words in ((file_with(), "does not say how it was made"), (None, "Choose a picture first")):
        page = as_user(alice).post("/create/recall/", {"file": file} if file else {})
        assert page.status_code == 422
        assert words in page.content.decode()


def test_visitors_cannot_recall(as_user: As, api_as: ApiAs) -> None:
    assert as_user(None).post("/create/recall/", {"file": file_with()}).status_code == 302
    assert api_as(None).post("/api/recall/", {"file": file_with()}, format="multipart").status_code in (401, 403)
