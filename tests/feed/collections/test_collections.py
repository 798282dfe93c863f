"""Saving posts, putting them together, and who sees what of it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Notification, User
from accounts.services import delete_account
from feed.collections import services as collections_services
from feed.collections.queries import read_posts
from feed.members import services as members_services
from feed.models import Collection, CollectionItem, FeedEntry, Post, PostCount
from feed.posts import services as posts_services
from feed.ranking import formulas
from feed.ranking.counters import Drift, process_recount_requests, reconcile_counts
from lib.errors import Refused
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case
from moderation.models import Restriction
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish, PublishMany

NOW = timezone.now()
HTMX = {"HX-Request": "true"}


def recounted(post: Post) -> tuple[int, int]:
    """(saves, weight) after a recount."""
    process_recount_requests(at=timezone.now())
    count = PostCount.objects.get(post=post)
    return count.saves, count.weight


def test_a_save_goes_into_the_default_collection_once_and_weighs_two(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    assert collections_services.save_post(post=post, member=bob)
    assert not collections_services.save_post(post=post, member=bob)
    assert Collection.objects.get(owner=bob).is_default
    assert recounted(post) == (1, 2)
    assert FeedEntry.objects.get(post=post).hot == formulas.hot(2, post.published_at)
    assert not Notification.objects.filter(recipient=alice).exists()  # what somebody saves is theirs to know


def test_saves_count_members_not_collections_nor_authors_nor_the_silenced(
    alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    post = publish(alice)
    other = collections_services.create_collection(owner=bob, name="Foxes")
    for member, into in [(bob, None), (bob, other), (alice, None), (mallory, None)]:
        collections_services.save_post(post=post, member=member, collection=into)
    Restriction.objects.create(user=mallory, kind="muted", starts_at=NOW - timedelta(minutes=1))
    assert recounted(post) == (1, 2)
    assert reconcile_counts(at=timezone.now()) == Drift()
    collections_services.unsave_post(post=post, member=bob)
    assert recounted(post) == (1, 2)  # still in the other one
    collections_services.delete_collection(collection=other, owner=bob)
    assert recounted(post) == (0, 0)
    assert not collections_services.unsave_post(post=post, member=bob)


def test_names_are_screened_unique_and_bounded(bob: User) -> None:
    collections_services.create_collection(owner=bob, name="Foxes")
    for name in ("Foxes", "Saved", "  ", "x" * 81, "fuck this"):
        with pytest.raises(Refused) as refused:
            collections_services.create_collection(owner=bob, name=name)
        assert "name" in refused.value.fields, name
    with pytest.raises(Refused) as refused:
        collections_services.edit_collection(
            collection=collections_services.default_collection(member=bob),
            owner=bob,
            name="Foxes",
            visibility="private",
        )
    assert "name" in refused.value.fields


def test_the_default_collection_stays(bob: User, as_user: As) -> None:
    default = collections_services.default_collection(member=bob)
    with pytest.raises(Refused):
        collections_services.delete_collection(collection=default, owner=bob)
    as_user(bob).post(f"/collections/{default.public_id}/delete/")
    assert Collection.objects.filter(pk=default.pk).exists()


@pytest.mark.parametrize("visibility", Collection.Visibility.values)
def test_who_may_open_a_collection(
    visibility: str, alice: User, bob: User, mallory: User, mod: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    post = publish(alice)
    made = collections_services.create_collection(owner=alice, name="Foxes", visibility="shared")
    collections_services.save_post(post=post, member=alice, collection=made)
    collections_services.share_collection(collection=made, owner=alice, username="Bob")
    collections_services.edit_collection(collection=made, owner=alice, name="Foxes", visibility=visibility)
    page, key = f"/collections/{made.public_id}/", f"?key={made.link_key}"
    expected = {
        "private": {"alice": 200, "bob": 404, "mallory": 404, "link": 404, "visitor": 404, "mod": 404},
        "shared": {"alice": 200, "bob": 200, "mallory": 404, "link": 200, "visitor": 404, "mod": 200},
        "public": {"alice": 200, "bob": 200, "mallory": 200, "link": 200, "visitor": 200, "mod": 200},
    }[visibility]
    viewers = {"alice": alice, "bob": bob, "mallory": mallory, "visitor": None, "mod": mod}
    seen = {name: as_user(user).get(page).status_code for name, user in viewers.items()}
    assert seen | {"link": as_user(None).get(page + key).status_code} == expected
    api = {
        name: api_as(user).get(f"/api/collections/{made.public_id}/posts/").status_code
        for name, user in viewers.items()
    }
    assert api == {name: status for name, status in expected.items() if name != "link"}
    assert ("Foxes" in as_user(None).get("/@alice/collections/").content.decode()) is (visibility == "public")
    assert ("Foxes" in as_user(bob).get("/collections/").content.decode()) is (visibility != "private")


def test_a_renewed_link_ends_the_old_one(alice: User, as_user: As) -> None:
    made = collections_services.create_collection(owner=alice, name="Foxes", visibility="shared")
    page = f"/collections/{made.public_id}/?key={made.link_key}"
    assert as_user(None).get(page).status_code == 200
    as_user(alice).post(f"/collections/{made.public_id}/renew-link/")
    assert as_user(None).get(page).status_code == 404
    assert as_user(None).get(f"/collections/{made.public_id}/?key=").status_code == 404


def test_members_by_name_look_add_if_they_may_and_leave(
    alice: User, bob: User, mallory: User, publish: Publish, as_user: As
) -> None:
    post = publish(alice)
    made = collections_services.create_collection(owner=alice, name="Foxes", visibility="shared")
    collections_services.share_collection(collection=made, owner=alice, username="bob")
    assert "shared a collection" in as_user(bob).get("/notifications/").content.decode()
    for member in (bob, mallory):
        with pytest.raises(Refused) as refused:
            collections_services.save_post(post=post, member=member, collection=made)
        assert refused.value.status == 404
    collections_services.share_collection(collection=made, owner=alice, username="bob", may_add=True)
    assert collections_services.save_post(post=post, member=bob, collection=made)
    assert not collections_services.unsave_post(post=post, member=mallory, collection=made)
    as_user(mallory).post(f"/collections/{made.public_id}/unshare/bob/")
    assert made.members.count() == 1
    as_user(bob).post(f"/collections/{made.public_id}/unshare/bob/")
    assert made.members.count() == 0
    assert as_user(bob).get(f"/collections/{made.public_id}/").status_code == 404


def test_blocks_and_bans_close_collections(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    made = collections_services.create_collection(owner=alice, name="Foxes", visibility="public")
    page = f"/collections/{made.public_id}/"
    members_services.block_member(member=bob, blocked=alice)
    assert as_user(bob).get(page).status_code == 404
    members_services.unblock_member(member=bob, blocked=alice)
    members_services.block_member(member=alice, blocked=bob)
    assert as_user(bob).get(page).status_code == 404
    Restriction.objects.create(user=alice, kind="banned", starts_at=NOW - timedelta(minutes=1))
    assert as_user(None).get(page).status_code == 404


def test_what_is_hidden_is_in_no_collection_nor_its_cover(
    alice: User, bob: User, mallory: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    secret, shown = publish(mallory, title="secret"), publish(mallory, title="shown")
    made = collections_services.create_collection(owner=alice, name="Foxes", visibility="public")
    for post in (shown, secret):
        collections_services.save_post(post=post, member=alice, collection=made)
    posts_services.unpublish_post(post=secret, author=mallory)
    pages = ["/@alice/collections/", f"/collections/{made.public_id}/"]
    for viewer in (None, bob, alice):
        for page in [as_user(viewer).get(path).content.decode() for path in pages]:
            assert secret.image.public_id not in page
            assert shown.image.public_id in page
        api = api_as(viewer).get(f"/api/collections/{made.public_id}/posts/").json()
        assert [post["id"] for post in api["results"]] == [shown.public_id]


def test_a_removed_name_is_seen_by_its_owner_alone(alice: User, mod: User, as_user: As) -> None:
    made = collections_services.create_collection(owner=alice, name="Borderline", visibility="public")
    case = open_case(target=made, origin="report", severity=2)
    claim_case(moderator=mod, case=case)
    decide_case(case=case, moderator=mod, action="remove", reason="hate")
    page = f"/collections/{made.public_id}/"
    assert (as_user(None).get(page).status_code, as_user(alice).get(page).status_code) == (404, 200)
    assert "Borderline" not in as_user(None).get("/@alice/collections/").content.decode()


def test_the_button_answers_htmx_in_its_new_state(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post, client = publish(alice), as_user(bob)
    assert f"/p/{post.public_id}/save/" in client.get("/").content.decode()
    answer = client.post(f"/p/{post.public_id}/save/", headers=HTMX).content.decode()
    assert f"/p/{post.public_id}/unsave/" in answer
    assert 'aria-pressed="true"' in answer
    assert f"/p/{post.public_id}/unsave/" in client.get("/?sort=new").content.decode()
    client.post(f"/p/{post.public_id}/unsave/")
    assert not CollectionItem.objects.exists()
    assert as_user(None).post(f"/p/{post.public_id}/save/")["Location"].startswith("/accounts/login")


def test_a_post_is_put_into_collections_by_a_form(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post, client = publish(alice), as_user(bob)
    foxes = collections_services.create_collection(owner=bob, name="Foxes")
    collections_services.save_post(post=post, member=bob)
    url = f"/p/{post.public_id}/collect/"
    assert client.post(url, {"collections": [foxes.public_id], "name": "Brand new"}).status_code == 302
    inside = CollectionItem.objects.filter(post=post).values_list("collection__name", flat=True)
    assert set(inside) == {"Foxes", "Brand new"}
    again = client.post(url, {"collections": [foxes.public_id], "name": "Foxes"})
    assert again.status_code == 422
    assert "already" in again.content.decode()


def test_nobody_changes_the_collection_of_another(alice: User, mallory: User, as_user: As, api_as: ApiAs) -> None:
    made = collections_services.create_collection(owner=alice, name="Foxes", visibility="public")
    for path in ("edit", "delete", "share", "renew-link"):
        assert as_user(mallory).post(f"/collections/{made.public_id}/{path}/", {"name": "Mine"}).status_code == 404
    api = f"/api/collections/{made.public_id}/"
    assert api_as(mallory).put(api, {"name": "Mine"}).status_code == 404
    assert api_as(mallory).delete(api).status_code == 404
    assert api_as(mallory).put(f"{api}members/mallory/", {}).status_code == 404
    made.refresh_from_db()
    assert made.name == "Foxes"


def test_the_api_makes_fills_shares_and_lists(alice: User, bob: User, publish: Publish, api_as: ApiAs) -> None:
    post, client = publish(alice), api_as(bob)
    made = client.post("/api/collections/", {"name": "Foxes", "visibility": "shared"}).json()
    url = f"/api/collections/{made['id']}/"
    assert client.put(f"{url}posts/{post.public_id}/").status_code == 204
    assert client.put(f"{url}members/alice/", {"may_add": True}).status_code == 204
    assert [row["name"] for row in api_as(alice).get("/api/collections/").json()["results"]] == ["Saved", "Foxes"]
    assert [row["id"] for row in api_as(alice).get(f"{url}posts/").json()["results"]] == [post.public_id]
    assert client.delete(f"{url}posts/{post.public_id}/").status_code == 204
    assert api_as(alice).get(f"{url}posts/").json()["results"] == []
    assert client.post("/api/collections/", {"name": "Foxes"}).status_code == 400


def test_a_page_of_a_collection_costs_a_fixed_number_of_queries(
    bob: User, publish_many: PublishMany, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    default = collections_services.default_collection(member=bob)
    CollectionItem.objects.bulk_create(
        CollectionItem(collection=default, post=post, added_by=bob, created_at=NOW - timedelta(minutes=n))
        for n, post in enumerate(publish_many(30))
    )
    with django_assert_max_num_queries(2):
        page = read_posts(default, bob, at=NOW, cursor="", size=24)
        assert len({item.post.author.username for item in page.rows if item.post.is_saved}) == 24
    with django_assert_max_num_queries(2):
        rest = read_posts(default, bob, at=NOW, cursor=page.next or "", size=24)
    assert len(rest.rows) == 6


def test_leaving_takes_saves_and_collections_along(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    shared = collections_services.create_collection(owner=alice, name="Ours", visibility="shared")
    collections_services.share_collection(collection=shared, owner=alice, username="bob", may_add=True)
    collections_services.save_post(post=post, member=bob, collection=shared)
    collections_services.save_post(post=post, member=bob)
    assert recounted(post) == (1, 2)
    delete_account(user=bob)
    assert recounted(post) == (0, 0)
    assert set(Collection.objects.values_list("owner__username", flat=True)) == {"alice"}
