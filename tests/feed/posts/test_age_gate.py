"""A post above somebody's level says what to do, and nothing of itself."""

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import set_viewing
from lib.content_levels import ContentLevel
from tests.conftest import As
from tests.feed.conftest import Publish

pytestmark = pytest.mark.django_db


def test_a_mature_post_asks_for_age_and_choice_and_tells_nothing(
    alice: User, bob: User, publish: Publish, as_user: As, settings: Settings
) -> None:
    post = publish(alice, prompt="a secretive fox", title="Visible fox", content_level=ContentLevel.MATURE)
    address = f"/p/{post.public_id}/"
    for viewer, way in ((None, f"?next={address}"), (bob, "/settings/")):
        answer = as_user(viewer).get(address)
        page = answer.content.decode()
        assert answer.status_code == 404
        assert way in page
        assert not [mark for mark in ("secretive", "Visible fox", "alice", post.image.public_id) if mark in page]
    set_viewing(user=bob, is_adult=True, max_level=ContentLevel.MATURE)
    assert "Visible fox" in as_user(bob).get(address).content.decode()
    settings.SAFE_MODE = True
    assert "Page not found" in as_user(None).get(address).content.decode(), "a classroom learns nothing of it"
