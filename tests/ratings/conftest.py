"""Published pictures, and a policy that always asks."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from feed.posts.services import publish_image
from feed.rates import unlimited
from generation.models import Image
from ratings.asking import services
from ratings.models import Ask, Policy
from tests.generation.fixtures import MakeImage

ALWAYS = {
    "p_ask": {"result": 1.0, "post": 1.0},
    "asks_per_day": 1000,
    "minutes_between": 0,
    "strategies": {"model": 0.35, "seed": 0.25, "setting": 0.15, "prompt": 0.1, "challenge": 0.15},
}


class MakePolicy(Protocol):
    def __call__(self, **parameters: Any) -> Policy: ...


@pytest.fixture
def make_policy(db: None, settings: Settings) -> MakePolicy:
    """``make_policy(asks_per_day=2)``: always ask, but for what is named; in force from then on."""

    def make(**parameters: Any) -> Policy:
        version = 100 + Policy.objects.count()
        settings.ASK_POLICY_VERSION = version
        return Policy.objects.create(version=version, parameters={**ALWAYS, **parameters})

    return make


@pytest.fixture
def always(make_policy: MakePolicy) -> Policy:
    return make_policy()


class Publish(Protocol):
    def __call__(self, author: User, **fields: Any) -> Image: ...


@pytest.fixture
def publish(make_image: MakeImage) -> Publish:
    """``publish(alice, prompt="a fox")``: a published picture."""

    def make(author: User, **fields: Any) -> Image:
        image = make_image(author, **fields)
        with unlimited():
            publish_image(image=image, author=author, hide_prompt=image.is_prompt_hidden)
        image.refresh_from_db()
        return image

    return make


@pytest.fixture
def ask_about(always: Policy) -> Callable[[Image, User], Ask]:
    """``ask_about(image, bob)``: an open ask, whatever chance would say."""

    def draw(image: Image, rater: User) -> Ask:
        surface = "result" if image.author_id == rater.pk else "post"
        ask = services.draw_ask(surface=surface, image=image, rater=rater)
        assert ask is not None
        return ask

    return draw
