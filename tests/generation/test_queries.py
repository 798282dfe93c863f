"""A member's history: found again, bounded, and nobody else's."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import queries as generation_queries
from generation.models import ImageState
from tests.conftest import As
from tests.generation.fixtures import MakeImage


def test_search_finds_words_seeds_and_checkpoints_of_ones_own(
    alice: User, bob: User, make_image: MakeImage, as_user: As
) -> None:
    make_image(alice, prompt="a lighthouse at dusk", seed=77001)
    make_image(alice, prompt="a plain field", seed=3)
    make_image(bob, prompt="a lighthouse of bob", seed=77001)
    for words, found, missing in [
        ("LIGHTHOUSE", "at dusk", "plain field"),
        ("77001", "at dusk", "plain field"),
        ("toy", "plain field", "of bob"),
    ]:
        page = as_user(alice).get("/mine/", {"q": words}).content.decode()
        assert found in page
        assert missing not in page
        assert "of bob" not in page


def test_a_filter_by_state_and_an_empty_answer_that_helps(alice: User, make_image: MakeImage, as_user: As) -> None:
    make_image(alice, prompt="held for a look", state=ImageState.HELD)
    client = as_user(alice)
    assert "held for a look" in client.get("/mine/?state=held").content.decode()
    assert "Nothing found" in client.get("/mine/?state=ready").content.decode()
    assert "No pictures yet" not in client.get("/mine/?state=nonsense&checkpoint=%00").content.decode()


def test_pages_follow_each_other_without_gap_or_repeat(
    alice: User, make_image: MakeImage, as_user: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation_queries, "PAGE", 2)
    now = timezone.now()
    for number in range(5):
        make_image(alice, prompt=f"picture {number}", at=now - timedelta(minutes=number // 2))
    seen, query = [], generation_queries.Query()
    while True:
        page = generation_queries.page_of(alice, query, at=now)
        seen += [entry.generation.prompt for entry in page.entries]
        if not page.next_url:
            break
        query = generation_queries.Query(before=page.entries[-1].generation.public_id)
    assert sorted(seen) == [f"picture {number}" for number in range(5)]


def test_a_page_costs_the_same_number_of_queries_however_much_is_on_it(
    alice: User, make_image: MakeImage, as_user: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        first = make_image(alice, prompt=f"picture {number}")
        make_image(alice, generation=first.generation)
    client = as_user(alice)
    with django_assert_max_num_queries(12):
        assert client.get("/mine/").content.decode().count("<figure") == 12


def test_nobody_else_opens_a_generation(
    alice: User, mallory: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    address = f"/mine/{make_image(alice).generation.public_id}/"
    assert as_user(alice).get(address).status_code == 200
    assert as_user(mallory).get(address).status_code == 404
    assert as_user(mod).get(address).status_code == 404
    assert as_user(None).get(address).status_code == 302


def test_a_generation_without_javascript_refreshes_until_it_is_done(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    waiting = make_image(alice, state=ImageState.QUEUED)
    done = make_image(alice)
    client = as_user(alice)
    assert 'http-equiv="refresh"' in client.get(f"/mine/{waiting.generation.public_id}/").content.decode()
    page = client.get(f"/mine/{done.generation.public_id}/").content.decode()
    assert 'http-equiv="refresh"' not in page
    assert f"/asks/for/{done.public_id}/" in page
    assert f"/publish/{done.public_id}/" in page
