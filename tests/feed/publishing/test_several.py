"""Several of one's own pictures at a time: what became of each is said, and what can be is taken back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from feed import rates
from feed.collections.services import create_collection
from feed.models import Challenge, CollectionItem, Post
from feed.posts.services import publish_image
from feed.publishing.services import MAX_AT_ONCE, act_on_pictures, publish_picture
from feed.tags.services import tags_of
from generation.models import Image, ImageState
from lib.errors import Refused
from tests.conftest import As
from tests.generation.fixtures import MakeImage

URL = "/mine/act/"


def test_one_that_refuses_keeps_no_other_back(alice: User, bob: User, make_image: MakeImage) -> None:
    ready, held, others = make_image(alice), make_image(alice, state=ImageState.HELD), make_image(bob)
    ids = [ready.public_id, held.public_id, others.public_id, ready.public_id]
    outcomes = act_on_pictures(author=alice, public_ids=ids, action="publish", tags=["fox"])
    assert [(each.image.pk, each.is_done) for each in outcomes] == [(ready.pk, True), (held.pk, False)]
    assert "still being checked" in outcomes[1].message
    assert tags_of(Post.objects.get().pk) == ["fox"]


def test_what_is_done_is_taken_back_by_its_opposite(alice: User, make_image: MakeImage) -> None:
    ids = [make_image(alice).public_id, make_image(alice).public_id]
    foxes = create_collection(owner=alice, name="Foxes")

    def act(action: str, **more: Any) -> list[str]:
        return [each.message for each in act_on_pictures(author=alice, public_ids=ids, action=action, **more)]

    assert act("collect", collection=foxes) == ["Not published: publish it first."] * 2
    act("publish")
    assert act("publish") == ["Was published already."] * 2
    act("collect", collection=foxes)
    assert CollectionItem.objects.filter(collection=foxes).count() == 2
    act("uncollect", collection=foxes)
    assert not CollectionItem.objects.exists()
    act("favourite")
    assert Image.objects.filter(is_favourite=True).count() == 2
    act("unfavourite")
    assert not Image.objects.filter(is_favourite=True).exists()
    assert [each[:26] for each in act("delete")] == ["This picture is published."] * 2
    act("unpublish")
    assert act("delete") == ["Deleted."] * 2
    assert not Image.objects.kept().exists()


@pytest.mark.parametrize(
    ("ids", "action", "code"),
    [([], "publish", "no_pictures"), (["x"], "eat", "unknown_action"), (["x"] * 9, "__class__", "unknown_action"),
     ([f"{n}" for n in range(MAX_AT_ONCE + 1)], "publish", "too_many")],
)  # fmt: skip
def test_a_request_that_means_nothing_is_refused(alice: User, ids: list[str], action: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        act_on_pictures(author=alice, public_ids=ids, action=action)
    assert refused.value.code == code


def test_many_at_once_count_as_one_use(alice: User, make_image: MakeImage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rates._RATES, "publish", (1, 3600))
    ids = [make_image(alice).public_id for _ in range(3)]
    assert all(each.is_done for each in act_on_pictures(author=alice, public_ids=ids, action="publish"))
    with pytest.raises(Refused) as refused:
        act_on_pictures(author=alice, public_ids=ids, action="unpublish")
    assert refused.value.status == 429


def test_a_collection_that_refuses_leaves_nothing_published(alice: User, bob: User, make_image: MakeImage) -> None:
    theirs = create_collection(owner=bob, name="Not hers")
    with pytest.raises(Refused):
        publish_picture(image=make_image(alice), author=alice, collection=theirs)
    assert not Post.objects.exists()


def test_without_scripts_the_page_asks_first_and_then_lists_what_became_of_each(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    Challenge.objects.update_or_create(day=timezone.localdate(), defaults={"theme": "Something with a fox"})
    fox, held = make_image(alice, prompt="a fox"), make_image(alice, prompt="a boat", state=ImageState.HELD)
    ids = [fox.public_id, held.public_id]
    page = as_user(alice).post(URL, {"do": "publish", "image": ids}).content.decode()
    assert "Publish 2 pictures" in page
    assert "Something with a fox" in page
    assert not Post.objects.exists()
    sent = {"do": "publish", "image": ids, "filled": "1", "tags": "fox", "hide_prompt": "on"}
    page = as_user(alice).post(URL, sent).content.decode()
    assert "1 picture published." in page
    assert "still being checked" in page
    assert Image.objects.get(pk=fox.pk).is_prompt_hidden


def test_yesterdays_picture_is_not_asked_into_todays_challenge(alice: User, make_image: MakeImage, as_user: As) -> None:
    Challenge.objects.update_or_create(day=timezone.localdate(), defaults={"theme": "Something with a fox"})
    old = make_image(alice, at=timezone.now() - timedelta(days=2))
    assert "Something with a fox" not in as_user(alice).get(f"/publish/{old.public_id}/").content.decode()


def test_a_sheet_answers_with_a_toast_that_undoes(alice: User, make_image: MakeImage, as_user: As) -> None:
    image, client = make_image(alice), as_user(alice)
    sheet = client.get(f"/publish/{image.public_id}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in sheet
    answer = client.post(f"/publish/{image.public_id}/", {"title": "Fox"}, headers={"HX-Request": "true"})
    post = Post.objects.get()
    assert answer.status_code == 204
    assert f"/p/{post.public_id}/unpublish/" in answer["HX-Trigger"]
    undone = client.post(f"/p/{post.public_id}/unpublish/", headers={"HX-Request": "true"})
    assert (undone.status_code, Image.objects.get().is_public) == (204, False)
    wrong = client.post(f"/publish/{image.public_id}/", {"title": "x" * 121}, headers={"HX-Request": "true"})
    assert wrong.status_code == 422


def test_strangers_pictures_and_visitors_get_nowhere(
    alice: User, mallory: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    as_user(mallory).post(URL, {"do": "favourite", "image": image.public_id})
    as_user(mallory).post(URL, {"do": "delete", "image": image.public_id})
    as_user(None).post(URL, {"do": "delete", "image": image.public_id})
    kept = Image.objects.get()
    assert (kept.is_favourite, kept.deleted_at) == (False, None)
    publish_image(image=kept, author=alice)
    as_user(mallory).post(URL, {"do": "unpublish", "image": image.public_id})
    assert Image.objects.get().is_public
