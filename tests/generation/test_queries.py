"""A member's history: found again, bounded, and nobody else's."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation.models import Generation, Image, ImageState, Style
from generation.workspace import history
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
    monkeypatch.setattr(history, "PAGE", 2)
    now = timezone.now()
    for number in range(5):
        make_image(alice, prompt=f"picture {number}", at=now - timedelta(minutes=number // 2))
    seen, before = [], ""
    while True:
        page = history.page_of(alice, {}, at=now, before=before)
        seen += [entry.generation.prompt for entry in page.entries]
        if not page.next_url:
            break
        before = page.entries[-1].generation.public_id
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


def test_pictures_are_found_by_every_parameter(alice: User, make_image: MakeImage, as_user: As) -> None:
    ink = Style.objects.create(slug="ink", name="Ink")
    styled = make_image(alice, prompt="the styled one", style=ink, negative_prompt="heavy rain", width=64, height=48)
    plain = make_image(alice, prompt="the plain one", at=timezone.now() - timedelta(days=9))
    Generation.objects.filter(pk=plain.generation_id).update(scheduler="euler_a", strength=0.5)
    Image.objects.filter(pk=styled.pk).update(is_favourite=True, is_public=True)
    client, day = as_user(alice), (timezone.localdate() - timedelta(days=4)).isoformat()
    for asked, found, missing in [
        ("style=ink", "styled", "plain"), ("sampler=euler_a", "plain", "styled"), ("size=64x48", "styled", "plain"),
        ("negative=RAIN", "styled", "plain"), ("kind=img2img", "plain", "styled"), ("kind=text2img", "styled", "plain"),
        (f"since={day}", "styled", "plain"), (f"until={day}", "plain", "styled"), ("shown=public", "styled", "plain"),
        ("shown=private", "plain", "styled"), ("shown=favourite", "styled", "plain"),
    ]:  # fmt: skip
        page = client.get(f"/mine/?{asked}").content.decode()
        assert f"the {found} one" in page, asked
        assert f"the {missing} one" not in page, asked
    for nonsense in ("size=axb", "since=yesterday", "style=oil", "shown=all", "sampler=x'"):
        page = client.get(f"/mine/?{nonsense}").content.decode()
        assert page.count("<figure") == 2, nonsense


def test_the_page_of_a_result_costs_a_bounded_number_of_queries(
    alice: User, make_image: MakeImage, as_user: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    first = make_image(alice, prompt="a fox")
    for _ in range(7):
        make_image(alice, generation=first.generation)
    client = as_user(alice)
    with django_assert_max_num_queries(24):
        assert client.get(f"/mine/{first.generation.public_id}/").content.decode().count("<figure") == 8
    with django_assert_max_num_queries(16):
        client.get("/create/")


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
