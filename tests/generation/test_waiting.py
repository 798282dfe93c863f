"""What members do with pictures that wait, in pages and API; and what they learn about their turn and their budget."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from generation import services
from generation.models import Generation, Image, ImageState
from generation.queue import leases
from generation.queue.capacity import record_speed
from generation.requests import waiting
from lib.errors import NotFound, Refused
from tests.conftest import ApiAs, As
from tests.generation.requests import submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("toy")]


def _states(generation: Generation) -> list[str]:
    return list(generation.images.order_by("position").values_list("state", flat=True))


def test_what_is_paused_is_not_drawn_until_it_is_resumed(alice: User, mallory: User) -> None:
    generation = submit(alice)
    assert waiting.pause_images(images=generation.images.all(), author=alice) == 4
    assert waiting.pause_images(images=generation.images.all(), author=alice) == 0  # idempotent
    assert leases.claim(pool="default", worker="w", cap=lambda _: 8, at=timezone.now()) == []
    with pytest.raises(Refused):
        waiting.resume_images(images=generation.images.all(), author=mallory)
    assert waiting.resume_images(images=generation.images.all(), author=alice) == 4
    assert len(leases.claim(pool="default", worker="w", cap=lambda _: 8, at=timezone.now())) == 4
    with pytest.raises(Refused) as caught:
        waiting.pause_images(images=generation.images.all(), author=alice)
    assert caught.value.status == 409


def test_one_picture_is_cancelled_and_the_others_go_on(alice: User, mallory: User) -> None:
    generation = submit(alice)
    first = generation.images.filter(position=0)
    with pytest.raises(Refused):
        waiting.cancel_images(images=first, author=mallory)
    assert waiting.cancel_images(images=first, author=alice) == 1
    assert _states(generation) == ["cancelled", "queued", "queued", "queued"]


def test_a_paused_picture_can_be_cancelled(alice: User) -> None:
    generation = submit(alice)
    waiting.pause_images(images=generation.images.all(), author=alice)
    assert waiting.cancel_generation(generation=generation, author=alice) == 4


def test_members_reorder_their_own_and_nobody_elses_turn_changes(alice: User, bob: User) -> None:
    now = timezone.now()
    submit(alice, count=3, at=now)
    theirs = submit(bob, count=1, at=now + timedelta(seconds=1)).images.get()
    first, second, third = Image.objects.filter(author=alice).order_by("position")
    with pytest.raises(NotFound):
        waiting.move_image(image=third, author=bob, place=1)
    assert waiting.move_image(image=third, author=alice, place=1) == [third, first, second]
    assert waiting.move_image(image=third, author=alice, place=99) == [first, second, third]
    assert waiting.move_image(image=third, author=alice, place=2) == [first, third, second]
    order = []
    for _turn in range(4):
        order += leases.claim(pool="default", worker="w", cap=lambda _: 1, at=now + timedelta(seconds=5))
    assert order == [first, theirs, third, second]
    with pytest.raises(Refused) as caught:
        waiting.move_image(image=third, author=alice, place=1)
    assert caught.value.code == "not_waiting"


def test_the_same_again_is_a_new_generation_with_new_seeds(alice: User, mallory: User) -> None:
    generation = submit(alice, count=2, seed=5, steps=7, negative_prompt="rain")
    again = services.clone_generation(generation=generation, author=alice, idempotency_key="again")
    assert again != generation
    assert (again.prompt, again.steps, again.negative_prompt) == ("a cat", 7, "rain")
    assert again.images.count() == 2
    assert {5, 6}.isdisjoint(again.images.values_list("seed", flat=True))
    assert services.clone_generation(generation=generation, author=alice, idempotency_key="again") == again
    with pytest.raises(NotFound):
        services.clone_generation(generation=generation, author=mallory, idempotency_key="mine")


def test_the_api_says_cost_place_and_time_and_takes_every_action(alice: User, mallory: User, api_as: ApiAs) -> None:
    client, asked = api_as(alice), {"prompt": "a cat", "checkpoint": "toy", "count": 2}
    one = 32 * 32 * 3 * 2
    record_speed(worker="w", pool="default", cost=one, seconds=10.0, at=timezone.now())
    cost = client.post("/api/generations/cost/", asked).json()
    assert (cost["cost_units"], cost["per_image"], cost["fits"]) == (2 * one, one, True)
    assert cost["allowance"]["used"] == 0
    made = client.post("/api/generations/", asked, headers={"Idempotency-Key": "k"}).json()
    assert made["allowance"]["used"] == 2 * one == client.get("/api/generations/allowance/").json()["used"]
    assert [(image["place"], image["eta_s"]) for image in made["images"]] == [(1, 20), (2, 20)]  # one batch
    other = client.post("/api/generations/", {**asked, "count": 1}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    generation, image = f"/api/generations/{made['id']}/", f"/api/images/{made['images'][1]['id']}/"
    assert {each["state"] for each in client.post(f"{generation}pause/").json()["images"]} == {"paused"}
    assert client.get(generation).json()["images"][0]["place"] is None
    assert client.post(f"{image}resume/").json()["state"] == "queued"
    assert [each["id"] for each in client.post(f"{image}move/", {"place": 1}).json()] == [
        made["images"][1]["id"], made["images"][0]["id"]
    ]  # fmt: skip
    assert client.post(f"{image}cancel/").json()["state"] == "cancelled"
    assert client.get("/api/generations/allowance/").json()["used"] == one
    assert client.post(f"{generation}resume/").status_code == 200
    assert client.post(f"{generation}clone/").status_code == 201
    assert client.post(f"{image}move/", {"place": 0}).status_code == 400
    for address in (f"{generation}pause/", f"{generation}resume/", f"{generation}clone/", f"{image}cancel/",
                    f"{image}pause/", f"{image}resume/"):  # fmt: skip
        assert api_as(mallory).post(address).status_code == 404, address
    assert api_as(None).post(f"{generation}pause/").status_code in (401, 403)


def test_the_page_pauses_resumes_moves_and_cancels(alice: User, mallory: User, as_user: As) -> None:
    generation = submit(alice, count=2)
    first, second = generation.images.order_by("position")
    client, page = as_user(alice), f"/mine/{generation.public_id}/"

    def press(address: str) -> str:
        response = client.post(address, follow=True)
        assert response.status_code == 200
        return str(response.content.decode())

    assert "1 image paused" in press(f"/images/{first.public_id}/pause/")
    assert _states(generation) == ["paused", "queued"]
    assert "1 image resumed" in press(f"{page}resume/")
    assert "drawn first" in press(f"/images/{second.public_id}/first/")
    assert "1 image cancelled" in press(f"/images/{first.public_id}/cancel/")
    assert "2 images" not in press(f"{page}pause/")
    assert _states(generation) == ["cancelled", "paused"]
    again = client.post(f"{page}clone/", {"idempotency_key": "x"})
    assert again["Location"] == client.post(f"{page}clone/", {"idempotency_key": "x"})["Location"] != page
    for address in (f"{page}pause/", f"{page}clone/", f"/images/{second.public_id}/resume/"):
        assert as_user(mallory).post(address).status_code == 404
    assert client.get(f"{page}pause/").status_code == 405


def test_the_form_says_what_it_costs_and_what_is_left(alice: User, as_user: As, settings: Any) -> None:
    settings.DAILY_COST_UNITS = 10 * 32 * 32 * 3 * 2
    client = as_user(alice)
    assert "100 % of your allowance" in client.get("/create/").content.decode()
    form = {"prompt": "", "checkpoint": "toy", "count": "2", "size": "32x32"}
    assert "This uses 20 %" in client.get("/create/cost/", form).content.decode()
    submit(alice, count=8)
    page = client.get("/create/cost/", {**form, "count": "4"}).content.decode()
    assert "would use 40 %" in page
    assert "only 20 %" in page
    assert "20 % of your allowance" in client.get("/create/cost/", {**form, "count": "no"}).content.decode()
    assert "20 % of your allowance" in client.get(f"/mine/{Generation.objects.get().public_id}/").content.decode()
    refused = client.post("/create/", {**form, "prompt": "a cat", "count": "4", "idempotency_key": "n"})
    assert refused.status_code == 429
    assert "40 % of what you may use" in refused.content.decode()


def test_failed_and_cancelled_pictures_give_their_reservation_back_and_ready_ones_are_charged_once(alice: User) -> None:
    at = timezone.now()
    image = submit(alice, count=1).images.get()
    Image.objects.filter(pk=image.pk).update(state=ImageState.SCREENING, lease_no=5)
    assert leases.settle(image_id=image.pk, lease_no=5, state=ImageState.READY, level=image.content_level, at=at)  # type: ignore[arg-type]
    assert not leases.settle(image_id=image.pk, lease_no=5, state=ImageState.READY, level=image.content_level, at=at)  # type: ignore[arg-type]
    image.refresh_from_db()
    assert image.charged_units == image.cost_units
