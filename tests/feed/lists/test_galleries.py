"""The index of models and styles: some pictures of each, at a cost that does not grow with them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from generation.models import Generation
from tests.conftest import As
from tests.feed.conftest import Publish
from tests.generation.fixtures import checkpoint_row

pytestmark = pytest.mark.django_db


def test_the_index_costs_the_same_for_one_model_and_for_eight(publish: Publish, alice: User, as_user: As) -> None:
    post, client = publish(alice, prompt="a fox"), as_user(None)
    client.get("/models/")  # what is cached for everybody
    with CaptureQueriesContext(connection) as for_one:
        client.get("/models/")
    for number in range(7):
        other = publish(alice, prompt=f"a fox {number}")
        checkpoint = checkpoint_row(f"other-{number}", "-")
        Generation.objects.filter(pk=other.image.generation_id).update(checkpoint=checkpoint)
    with CaptureQueriesContext(connection) as for_eight:
        page = client.get("/models/").content.decode()
    assert len(for_eight) == len(for_one)
    assert page.count('href="/p/') == 8
    assert post.public_id in page


def test_each_model_shows_one_picture_of_a_generation(publish: Publish, alice: User, as_user: As) -> None:
    first = publish(alice, prompt="a fox")
    second = publish(alice, prompt="a fox")
    type(second.image).objects.filter(pk=second.image_id).update(generation=first.image.generation, position=1)
    page = as_user(None).get("/models/").content.decode()
    assert page.count('href="/p/') == 1
