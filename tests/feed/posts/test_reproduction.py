"""Running a post's seed again: the same settings, drawn by the same toy checkpoint, a distance of nothing."""

from collections.abc import Callable

import pytest

from accounts.models import User
from feed.models import PostCount, Reproduction
from feed.posts.reproduction import distance_of, outcome_of, reproduce_post
from feed.posts.services import publish_image, unpublish_post
from feed.ranking.counters import process_recount_requests
from generation.models import Checkpoint, Generation, Image
from generation.services import submit_generation
from lib.errors import Refused
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish
from tests.generation import tiny


def test_the_same_seed_draws_the_same_picture(
    tiny_checkpoint: Checkpoint, run_gpu_worker_inline: Callable[..., int], alice: User, bob: User, as_user: As
) -> None:
    submit_generation(author=alice, prompt="a fox", checkpoint="tiny", count=2, seed=7, idempotency_key="one")
    run_gpu_worker_inline()
    image = Image.objects.select_related("generation__checkpoint").get(seed=8)
    post = publish_image(image=image, author=alice)
    client, url = as_user(bob), f"/p/{post.public_id}/reproduce/"
    assert "Run it again" in client.get(url).content.decode()
    client.post(url)
    client.post(url)
    again = Generation.objects.get(author=bob)
    made = again.images.get()
    assert (made.seed, again.prompt, again.parent, again.steps) == (8, "a fox", None, image.generation.steps)
    assert "every 2s" in client.get(url, headers={"HX-Request": "true"}).content.decode()
    run_gpu_worker_inline()
    outcome = outcome_of(post, bob)
    assert outcome is not None
    assert str(outcome.image.pdq) == str(image.pdq)
    assert not outcome.is_pending
    page = client.get(url).content.decode()
    assert "every 2s" not in page
    assert ("of 256 bits" in page) is (outcome.distance is not None)
    process_recount_requests(at=again.submitted_at)
    assert PostCount.objects.get(post=post).remixes == 0


def test_the_distance_is_counted_in_bits(alice: User, publish: Publish) -> None:
    one, other = publish(alice, prompt="one").image, publish(alice, prompt="other").image
    one.refresh_from_db()
    other.refresh_from_db()
    one.pdq_quality = other.pdq_quality = 80
    bits = [a != b for a, b in zip(str(one.pdq), str(other.pdq), strict=True)]
    assert distance_of(one, other) == sum(bits) > 0
    assert distance_of(one, one) == 0
    other.pdq_quality = 10
    assert distance_of(one, other) is None


def test_a_hidden_prompt_is_not_run_again(alice: User, bob: User, publish: Publish, api_as: ApiAs) -> None:
    post = publish(alice, hide_prompt=True)
    with pytest.raises(Refused) as refused:
        reproduce_post(post=post, member=bob)
    assert refused.value.status == 403
    assert api_as(bob).post("/api/reproductions/", {"post": post.public_id}).status_code == 403
    assert not Reproduction.objects.exists()


def test_what_is_not_shown_is_not_run_again(
    alice: User, bob: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    post = publish(alice)
    unpublish_post(post=post, author=alice)
    assert as_user(bob).post(f"/p/{post.public_id}/reproduce/").status_code == 404
    assert api_as(bob).post("/api/reproductions/", {"post": post.public_id}).status_code == 404
    assert as_user(None).post(f"/p/{post.public_id}/reproduce/")["Location"].startswith("/accounts/login")


def test_the_api_asks_and_tells(alice: User, bob: User, publish: Publish, api_as: ApiAs) -> None:
    post = publish(alice, prompt="a cat", width=tiny.SIZE, height=tiny.SIZE)
    assert api_as(bob).get(f"/api/reproductions/{post.public_id}/").status_code == 404
    made = api_as(bob).post("/api/reproductions/", {"post": post.public_id})
    assert made.status_code == 201, made.content
    assert (made.json()["state"], made.json()["distance"]) == ("queued", None)
    assert api_as(bob).get(f"/api/reproductions/{post.public_id}/").json() == made.json()
