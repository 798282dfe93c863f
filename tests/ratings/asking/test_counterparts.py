"""Counterparts: what the site draws at night so that models can be compared on what members wrote."""

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import delete_account
from feed.models import Post
from feed.posts.services import unpublish_post
from generation.models import Checkpoint, Generation, Image, ImageState
from generation.services import delete_image
from lib.days import day_bounds, local_day
from moderation.screening.usernames import validate_not_reserved
from ratings.asking.counterparts import AUTHOR, make_counterparts, show_counterparts
from ratings.asking.pools import comparison_pools
from ratings.asking.sampling import Parameters
from ratings.models import Policy
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.ratings.conftest import Publish

TONIGHT = day_bounds(local_day(timezone.now()))[0] + timedelta(hours=2)
TOMORROW = TONIGHT + timedelta(days=1)


@pytest.fixture
def zeta(db: None, settings: Settings) -> Checkpoint:
    settings.COUNTERPARTS_A_NIGHT = 5
    return checkpoint_row("zeta", "zeta", sizes=[[48, 48]])


def counterparts() -> list[Image]:
    return list(Image.objects.filter(author__username=AUTHOR).select_related("generation").order_by("pk"))


def drawn(at: datetime = TONIGHT) -> Image:
    """The one counterpart that is asked for, as a worker and the screening leave it."""
    make_counterparts(at=at)
    (image,) = counterparts()
    Image.objects.filter(pk=image.pk).update(state=ImageState.READY, jpeg_sha256="c" * 64, prefix="images/0/1")
    show_counterparts()
    image.refresh_from_db()
    return image


def pairs_of(rater: User) -> dict[str, list[tuple[int, int]]]:
    parameters = Parameters.from_json(Policy.objects.current().parameters)
    pools = comparison_pools(rater, parameters, timezone.now())
    return {name: [(each.low, each.high) for each in found] for name, found in pools.items() if found}


def test_a_published_prompt_is_drawn_once_on_another_checkpoint(
    alice: User, publish: Publish, zeta: Checkpoint
) -> None:
    original = publish(alice, prompt="a fox", negative_prompt="blur")
    assert (make_counterparts(at=TONIGHT), make_counterparts(at=TONIGHT), make_counterparts(at=TOMORROW)) == (1, 0, 0)
    (image,) = counterparts()
    made = image.generation
    assert (made.prompt, made.negative_prompt, made.checkpoint) == ("a fox", "blur", zeta)
    assert (made.width, made.height, made.parent) == (original.width, original.height, original)
    assert (image.state, image.is_public, Post.objects.filter(image=image).exists()) == ("queued", False, False)


def test_what_is_hidden_private_or_above_the_general_level_is_left_alone(
    alice: User, publish: Publish, make_image: MakeImage, zeta: Checkpoint
) -> None:
    publish(alice, prompt="a secret", is_prompt_hidden=True)
    publish(alice, content_level=2)
    make_image(alice)
    publish(alice, width=48, height=52)  # no other checkpoint has that size
    assert make_counterparts(at=TONIGHT) == 0


def test_the_budget_is_a_nights_and_nothing_turns_it_off(
    alice: User, publish: Publish, zeta: Checkpoint, settings: Settings
) -> None:
    for number in range(4):
        publish(alice, prompt=f"a fox, {number}")
    settings.COUNTERPARTS_A_NIGHT = 0
    assert make_counterparts(at=TONIGHT) == 0
    settings.COUNTERPARTS_A_NIGHT = 3
    assert make_counterparts(at=TONIGHT) == 2  # at once
    Image.objects.filter(author__username=AUTHOR).update(state=ImageState.FAILED)
    assert make_counterparts(at=TONIGHT) == 1
    Image.objects.filter(author__username=AUTHOR).update(state=ImageState.FAILED)
    assert (make_counterparts(at=TONIGHT), make_counterparts(at=TOMORROW)) == (0, 1)


def test_nobody_waits_behind_a_counterpart(
    alice: User, bob: User, publish: Publish, make_image: MakeImage, zeta: Checkpoint
) -> None:
    publish(alice)
    waiting = make_image(bob, state=ImageState.QUEUED)
    assert make_counterparts(at=TONIGHT) == 0
    Image.objects.filter(pk=waiting.pk).update(state=ImageState.READY)
    assert make_counterparts(at=TONIGHT) == 1


def test_what_the_rules_refuse_is_not_asked_again(
    alice: User, publish: Publish, zeta: Checkpoint, settings: Settings
) -> None:
    original = publish(alice)
    Generation.objects.filter(images=original).update(prompt="x" * 2001)
    assert make_counterparts(at=TONIGHT) == 0
    Generation.objects.filter(images=original).update(prompt="a fox")
    assert make_counterparts(at=TONIGHT) == 0
    assert counterparts() == []


def test_a_counterpart_stands_beside_its_original_and_only_to_compare_models(
    alice: User, bob: User, publish: Publish, zeta: Checkpoint
) -> None:
    original = publish(alice, prompt="a fox", seed=1)
    image = drawn()
    assert image.is_public
    same_model = publish(alice, prompt="a fox", seed=2, checkpoint=zeta)
    pairs = pairs_of(bob)
    assert set(pairs["model"]) == {(original.pk, image.pk), (original.pk, same_model.pk)}
    assert not any(image.pk in pair for name, found in pairs.items() if name not in {"model", "gold"} for pair in found)
    unpublish_post(post=Post.objects.get(image=original), author=alice)
    assert not any(image.pk in pair for found in pairs_of(bob).values() for pair in found)
    assert show_counterparts() == 1
    image.refresh_from_db()
    assert not image.is_public


def test_nobody_takes_the_names_of_the_sites_accounts() -> None:
    for name in (AUTHOR, "Counterparts", "benchmark"):
        with pytest.raises(ValidationError):
            validate_not_reserved(name)


def test_a_counterpart_goes_with_its_original_and_with_its_author(
    alice: User, publish: Publish, zeta: Checkpoint
) -> None:
    original = publish(alice, prompt="a fox")
    image = drawn()
    unpublish_post(post=Post.objects.get(image=original), author=alice)
    delete_image(image=Image.objects.get(pk=original.pk), author=alice)
    show_counterparts()
    image.refresh_from_db()
    assert (image.deleted_at is not None, image.is_public, image.alt_text) == (True, False, "")
    assert Generation.objects.get(images=image).prompt == ""


def test_deleting_an_account_takes_its_words_from_counterparts_too(
    alice: User, publish: Publish, zeta: Checkpoint
) -> None:
    publish(alice, prompt="a secret fox")
    make_counterparts(at=TONIGHT)  # still in the queue
    delete_account(user=alice)
    (image,) = counterparts()
    assert (image.state, image.alt_text, image.generation.prompt) == (ImageState.CANCELLED, "", "")
