"""Asking for images: what is refused and why, what is counted, and that a repeated request changes nothing."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import PIL.Image
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import delete_account, export_personal_data
from generation import services
from generation.media import storage
from generation.models import Generation, Image, ImageState, Lora, Upload
from generation.requests import checks, waiting
from generation.requests.budgets import allowance_of
from lib.errors import NotFound, Refused
from moderation.models import Restriction, Rule, Screening
from moderation.restrictions.services import restrict_member
from tests.conftest import ApiAs, As
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.generation.requests import png_bytes, submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("toy")]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("prompt", "   ", "Describe what the picture should show"),
        ("prompt", "x" * 10_000, "10,000 characters"),
        ("negative_prompt", "x" * 2001, "2,001 characters"),
        ("checkpoint", "no-such", "checkpoint is not available"),
        ("count", 0, "between 1 and 8"),
        ("count", 99, "between 1 and 8"),
        ("count", "four", "between 1 and 8"),
        ("seed", -1, "whole number from 0"),
        ("seed", 2**63, "whole number from 0"),
        ("seed", "0x10", "whole number from 0"),
        ("seed", "٣", "whole number from 0"),
        ("steps", 31, "between 1 and 30 steps"),
        ("guidance", "nan", "from 0 to 20"),
        ("scheduler", "HeunDiscreteScheduler", "supports these samplers"),
        ("style", "no-such", "does not have this style"),
        ("width", 4096, "supports these sizes"),
        ("loras", [{"slug": "no-such"}], "LoRAs of this checkpoint"),
        ("remix_kind", "copy", "kind of a remix"),
        ("idempotency_key", "x" * 65, "1 to 64"),
    ],
)
def test_bad_input_is_refused_beside_its_field_and_nothing_is_written(
    alice: User, field: str, value: object, words: str
) -> None:
    with pytest.raises(Refused) as caught:
        submit(alice, **{field: value})
    assert words in caught.value.fields[field][0]
    assert caught.value.status == 400
    assert not Generation.objects.exists()
    assert not Image.objects.exists()


def test_everything_that_is_wrong_is_said_at_once(alice: User) -> None:
    with pytest.raises(Refused) as caught:
        submit(alice, prompt="", count=99, seed="x")
    assert set(caught.value.fields) == {"prompt", "count", "seed"}


@pytest.mark.parametrize("seed", [0, "0", 2**63 - 1, str(2**63 - 1)])
def test_seeds_from_0_to_the_largest_are_taken_and_counted_on_from(alice: User, seed: int | str) -> None:
    seeds = list(submit(alice, seed=seed, count=2).images.order_by("position").values_list("seed", flat=True))
    assert seeds == [int(seed), (int(seed) + 1) % 2**63]


def test_a_forbidden_prompt_is_refused_before_any_work_and_kept_as_evidence(alice: User) -> None:
    Rule.objects.create(
        slug="test-block", pattern="forbidden thing", effect=Rule.Effect.BLOCK, reason="No forbidden things.",
        created_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(Refused) as caught:
        submit(alice, prompt="a forbidden thing")
    assert caught.value.code == "refused"
    assert not Image.objects.exists()
    assert Screening.objects.get(author=alice).verdict == Screening.Verdict.REJECT


def test_a_doubtful_prompt_is_asked_about_and_runs_once_confirmed(alice: User) -> None:
    Rule.objects.create(
        slug="test-ask", pattern="doubtful thing", effect=Rule.Effect.ASK, reason="This may be misread.",
        created_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(Refused) as caught:
        submit(alice, prompt="a doubtful thing")
    assert (caught.value.code, caught.value.status) == ("doubtful", 409)
    assert submit(alice, prompt="a doubtful thing", confirm_doubtful=True).was_doubtful


def test_a_checker_that_breaks_lets_nothing_through(alice: User, settings: Settings) -> None:
    settings.MODERATION_TEXT_CHECKERS = ["moderation.no_such_checker"]
    with pytest.raises(Refused) as caught:
        submit(alice)
    assert (caught.value.code, caught.value.status) == ("unchecked", 503)


def test_the_same_request_with_the_same_key_is_one_generation_and_another_one_is_refused(
    alice: User, bob: User
) -> None:
    first = submit(alice, seed=7, source_file=ContentFile(png_bytes((32, 32)), "a.png"))
    assert submit(alice, seed="7", style="", source_file=ContentFile(png_bytes((32, 32)), "b.png")) == first
    for other in ({"prompt": "a dog"}, {"count": 2}, {"seed": 8}, {"source_file": None}):
        same: dict[str, Any] = {"seed": 7, "source_file": ContentFile(png_bytes((32, 32)), "a.png")}
        with pytest.raises(Refused) as caught:
            submit(alice, **{**same, **other})
        assert (caught.value.code, caught.value.status) == ("key_reused", 409)
    assert submit(bob) != first
    assert Image.objects.filter(author=alice).count() == 4


def test_a_key_from_before_requests_were_compared_brings_its_generation_back(alice: User) -> None:
    first = submit(alice)
    Generation.objects.update(request_hash="")
    assert submit(alice, prompt="a dog") == first


@pytest.mark.django_db(transaction=True)
def test_two_submissions_with_one_key_at_the_same_time_are_one_generation(alice: User) -> None:
    barrier = threading.Barrier(4)

    def run(_number: int) -> int:
        try:
            barrier.wait(timeout=20)
            return submit(alice, count=2).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as executor:
        made = set(executor.map(run, range(4)))
    assert len(made) == 1
    assert (Generation.objects.count(), Image.objects.count()) == (1, 2)


def test_more_waiting_images_than_allowed_are_refused(alice: User, settings: Settings) -> None:
    settings.MAX_PENDING_IMAGES = 5
    submit(alice)
    with pytest.raises(Refused) as caught:
        submit(alice, idempotency_key="second", count=2)
    assert (caught.value.code, caught.value.status) == ("too_many_pending", 429)
    submit(alice, idempotency_key="third", count=1)


def test_the_cost_of_24_hours_is_read_from_the_rows_and_comes_back(alice: User, settings: Settings) -> None:
    now, one = timezone.now(), 32 * 32 * 3 * 2
    settings.DAILY_COST_UNITS = 4 * one
    first = submit(alice, at=now - timedelta(hours=23))
    Image.objects.update(state=ImageState.READY)
    with pytest.raises(Refused) as caught:
        submit(alice, idempotency_key="second", count=1, at=now)
    assert caught.value.code == "daily_limit"
    failed = first.images.get(position=0)
    Image.objects.filter(pk=failed.pk).update(state=ImageState.FAILED)
    submit(alice, idempotency_key="refunded", count=1, at=now)
    with pytest.raises(Refused) as caught:
        services.retry_image(image=failed, author=alice, at=now)
    assert caught.value.code == "daily_limit"
    assert allowance_of(alice, now).left == 0
    submit(alice, idempotency_key="next day", count=3, at=now + timedelta(hours=1, seconds=1))


def test_the_allowance_of_a_day_fits_what_the_readme_draws(alice: User) -> None:
    """Four pictures of SDXL as the README registers it, and twenty of FLUX, whose guidance is one pass."""
    checkpoint_row("sdxl", "sdxl", sizes=[[1024, 1024]], default_steps=30, pipeline_class="StableDiffusionXLPipeline")
    checkpoint_row("flux", "flux", sizes=[[1024, 1024]], default_steps=28, default_guidance=3.5,
                   pipeline_class="FluxPipeline")  # fmt: skip
    sdxl = submit(alice, checkpoint="sdxl", steps=30, idempotency_key="x").images.get(position=0)
    flux = submit(alice, checkpoint="flux", steps=28, count=8, idempotency_key="f").images.get(position=0)
    assert (sdxl.cost_units, flux.cost_units) == (1024 * 1024 * 30 * 2, 1024 * 1024 * 28)
    submit(alice, checkpoint="flux", steps=28, count=8, idempotency_key="g")
    assert allowance_of(alice, timezone.now()).left_percent > 0


def test_img2img_costs_the_steps_that_are_drawn(alice: User) -> None:
    source = ContentFile(png_bytes((32, 32)), "a.png")
    image = submit(alice, steps=10, strength=0.4, source_file=source).images.get(position=0)
    assert image.cost_units == 32 * 32 * 4 * 2


def test_pages_and_api_share_one_rate_for_every_request_of_a_member(
    alice: User, bob: User, as_user: As, api_as: ApiAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "REQUESTS_A_MINUTE", 2)
    generation = submit(alice)
    address = f"/mine/{generation.public_id}/cancel/"
    as_user(alice).post(address)
    refused = api_as(alice).post(f"/api/generations/{generation.public_id}/cancel/")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
    assert "too often" in as_user(alice).post(address, follow=True).content.decode()
    assert submit(alice) == generation  # the same key asks for nothing new
    assert submit(bob).author == bob


def test_a_restricted_member_may_not_generate(alice: User) -> None:
    restrict_member(
        user=alice, kind=Restriction.Kind.NO_GENERATING, until=timezone.now() + timedelta(days=1), decision=None
    )
    with pytest.raises(Refused) as caught:
        submit(alice)
    assert caught.value.status == 403


def test_a_picture_that_one_may_not_see_cannot_be_remixed(alice: User, mallory: User, make_image: MakeImage) -> None:
    image = make_image(alice)
    with pytest.raises(NotFound):
        submit(mallory, parent=image, remix_kind="same")
    assert submit(alice, parent=image, remix_kind="same").parent == image


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "kind SVG"),
        (png_bytes((64, 64))[:120], "damaged"),
        (png_bytes((20_000, 20_000)), "pixels"),
        (png_bytes((8, 8)), "smaller than 16"),
        (b"x" * 10_000_001, "larger than 10 MB"),
    ],
    ids=["empty", "svg", "cut off", "bomb", "tiny", "too large"],
)
def test_an_upload_that_is_no_fit_picture_is_refused_and_nothing_is_kept(
    alice: User, content: bytes, words: str
) -> None:
    with pytest.raises(Refused) as caught:
        submit(alice, source_file=ContentFile(content, "source.png"))
    message = caught.value.fields["source_file"][0]
    assert words in message
    assert not Generation.objects.exists()
    assert not Upload.objects.exists()
    assert not default_storage.exists("uploads")


def test_an_upload_is_kept_re_encoded_and_without_its_metadata(alice: User) -> None:
    stream, exif = io.BytesIO(), PIL.Image.Exif()
    exif[0x010E] = "where I live"
    PIL.Image.linear_gradient("L").convert("RGB").save(stream, "JPEG", exif=exif)
    generation = submit(alice, source_file=ContentFile(stream.getvalue(), "source.jpg"))
    assert generation.strength == 0.6
    assert generation.upload is not None
    kept = storage.read(generation.upload.file)
    assert kept.startswith(b"\x89PNG")
    assert b"where I live" not in kept


def test_cancelling_takes_waiting_images_at_once_and_asks_running_ones(alice: User, mallory: User) -> None:
    generation = submit(alice)
    running = generation.images.get(position=0)
    Image.objects.filter(pk=running.pk).update(state=ImageState.LEASED)
    with pytest.raises(NotFound):
        waiting.cancel_generation(generation=generation, author=mallory)
    assert waiting.cancel_generation(generation=generation, author=alice) == 4
    running.refresh_from_db()
    assert (running.state, running.is_cancel_requested) == (ImageState.LEASED, True)
    with pytest.raises(Refused):
        waiting.cancel_generation(generation=generation, author=alice)


@pytest.mark.django_db(transaction=True)
def test_deleting_leaves_a_blank_row_and_no_file(alice: User, mallory: User, make_image: MakeImage) -> None:
    image = make_image(alice)
    with pytest.raises(NotFound):
        services.delete_image(image=image, author=mallory)
    services.delete_image(image=image, author=alice)
    image.refresh_from_db()
    assert image.deleted_at
    assert image.prefix == image.alt_text == image.placeholder == ""
    assert storage.folders(f"images/{image.pk}") == []
    services.delete_image(image=image, author=alice)


def test_a_published_or_unfinished_picture_cannot_be_deleted(alice: User, make_image: MakeImage) -> None:
    published = make_image(alice)
    Image.objects.filter(pk=published.pk).update(is_public=True)
    waiting = submit(alice).images.get(position=0)
    for image in (published, waiting):
        with pytest.raises(Refused) as caught:
            services.delete_image(image=image, author=alice)
        assert caught.value.status == 409


@pytest.mark.django_db(transaction=True)
def test_deleting_an_account_blanks_prompts_images_and_uploads(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice, prompt="my own garden")
    generation = submit(alice, source_file=ContentFile(png_bytes((32, 32)), "source.png"))
    exported = export_personal_data(user=alice)["generation"]
    assert {row["prompt"] for row in exported["generations"]} == {"my own garden", "a cat"}
    assert generation.upload is not None
    name = generation.upload.file
    delete_account(user=alice)
    assert set(Generation.objects.values_list("prompt", flat=True)) == {""}
    assert set(Image.objects.values_list("state", flat=True)) == {ImageState.READY, ImageState.CANCELLED}
    assert not Image.objects.filter(deleted_at=None).exists()
    assert not Upload.objects.exists()
    assert not default_storage.exists(name)
    assert storage.folders(f"images/{image.pk}") == []


def test_the_form_keeps_what_was_typed_and_says_what_is_wrong(alice: User, as_user: As) -> None:
    values = {
        "prompt": "a very particular cat",
        "checkpoint": "toy",
        "count": "99",
        "idempotency_key": "k",
        "seed": "x",
    }
    response = as_user(alice).post("/create/", values)
    page = response.content.decode()
    assert response.status_code == 422
    assert "a very particular cat" in page
    assert "Choose between 1 and 8 images." in page
    assert "Enter a whole number" in page
    assert not Generation.objects.exists()


def test_the_same_form_sent_twice_leads_to_the_same_generation(alice: User, as_user: As) -> None:
    values = {"prompt": "a cat", "checkpoint": "toy", "count": "2", "size": "32x32", "idempotency_key": "form-1"}
    first, second = (as_user(alice).post("/create/", values) for _ in range(2))
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    assert Image.objects.count() == 2


def test_a_remix_form_begins_with_the_settings_of_its_parent(
    alice: User, mallory: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice, prompt="an unusual teapot", seed=4242)
    page = as_user(alice).get(f"/create/?remix={image.public_id}&kind=same").content.decode()
    assert "an unusual teapot" in page
    assert 'value="4242"' in page
    assert as_user(mallory).get(f"/create/?remix={image.public_id}").status_code == 404


def test_a_remix_with_the_same_settings_takes_loras_source_and_strength_over(
    alice: User, bob: User, make_image: MakeImage, as_user: As
) -> None:
    source, image = make_image(alice), make_image(bob, prompt="a teapot")
    Image.objects.filter(pk=source.pk).update(is_public=True)
    Lora.objects.create(slug="ink", name="Ink", checkpoint=image.generation.checkpoint, sha256="1" * 64)
    loras = [{"slug": name, "sha256": "1" * 64, "weight": 0.8} for name in ("gone", "ink")]
    Generation.objects.filter(images=image.pk).update(source_image=source, strength=0.35, loras=loras)
    client, address = as_user(bob), f"/create/?remix={image.public_id}&kind=same"
    page = client.get(address).content.decode()
    for part in (
        'value="ink:0.8"',
        'value="0.35"',
        'name="keep_source"',
        "The LoRA gone has changed or is no longer available",
    ):
        assert part in page, part
    inspired = client.get(address.replace("same", "inspired")).content.decode()
    assert "keep_source" not in inspired
    sent = {"prompt": "a teapot", "checkpoint": "toy", "count": "1", "size": "32x32", "remix": image.public_id}
    sent |= {"kind": "same", "loras": "ink:0.8", "keep_source": "on", "strength": "0.35"}
    assert client.post("/create/", {**sent, "idempotency_key": "a"}).status_code == 302
    made = Generation.objects.get(idempotency_key="a")
    assert (made.source_image, made.strength) == (source, 0.35)
    assert made.loras == loras[1:]
    wrong = client.post("/create/", {**sent, "loras": "gone:1", "idempotency_key": "b"})
    assert (wrong.status_code, "Choose LoRAs of this checkpoint" in wrong.content.decode()) == (422, True)
    Image.objects.filter(pk=source.pk).update(is_public=False)
    refused = client.post("/create/", {**sent, "idempotency_key": "b"})
    assert (refused.status_code, "no longer available" in refused.content.decode()) == (422, True)
    page = client.get(address).content.decode()
    assert "a picture that you cannot use" in page
    assert source.public_id not in page


def test_the_api_takes_a_request_once_per_key_and_names_wrong_fields(alice: User, mallory: User, api_as: ApiAs) -> None:
    client = api_as(alice)
    asked = {"prompt": "a cat", "checkpoint": "toy", "count": 2, "seed": 5}
    first = client.post("/api/generations/", asked, headers={"Idempotency-Key": "one"})
    again = client.post("/api/generations/", asked, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert [image["seed"] for image in first.json()["images"]] == [5, 6]
    wrong = client.post("/api/generations/", {**asked, "count": 99})
    assert (wrong.status_code, wrong.json()["fields"]["count"]) == (400, ["Choose between 1 and 8 images."])
    address = f"/api/generations/{first.json()['id']}/"
    assert api_as(mallory).get(address).status_code == 404
    assert api_as(mallory).post(f"{address}cancel/").status_code == 404
    assert {i["state"] for i in client.post(f"{address}cancel/").json()["images"]} == {"cancelled"}
    assert api_as(None).post("/api/generations/", asked).status_code in (401, 403)
