"""Following, blocking, muting and hiding on pages and in the API; impressions, what was seen, rising."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from feed.members import services as members_services
from feed.models import Block, Follow, HiddenPost, Mute, Post, PostHourlyStats
from feed.posts import services as posts_services
from feed.posts.services import like_post
from feed.ranking import impressions
from feed.ranking.counters import process_recount_requests
from feed.ranking.formulas import wilson_lower_bound
from feed.ranking.precomputed import INTERVALS, rebuild_due_lists, rising_posts
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish, PublishMany

NOW = timezone.now()
HTMX = {"HX-Request": "true"}


def shown(page: str) -> set[str]:
    return set(re.findall(r'data-post="([^"]+)"', page))


def test_follow_and_block_buttons_do_what_they_say(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post, client = publish(alice), as_user(bob)
    assert "Following" in client.post("/@alice/follow/", headers=HTMX).content.decode()
    assert Follow.objects.filter(member=bob, followed=alice).exists()
    assert shown(client.get("/?sort=following").content.decode()) == {post.public_id}
    client.post("/@alice/unfollow/")
    assert not Follow.objects.exists()
    client.post("/@alice/block/")
    assert Block.objects.filter(member=bob, blocked=alice).exists()
    assert client.get("/@alice/").status_code == 404
    assert "alice" in client.get("/settings/people/").content.decode()
    client.post("/@alice/unblock/")
    assert client.get("/@alice/").status_code == 200
    assert as_user(alice).post("/@nobody/follow/").status_code == 404


def test_the_card_of_a_member_shows_the_newest_pictures_and_goes_with_a_block(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    posts = [publish(alice, prompt=f"fox {number}", at=NOW - timedelta(hours=number)) for number in range(4)]
    client = as_user(bob)
    page = client.get("/@alice/card/").content.decode()
    assert [post.public_id in page for post in posts] == [True, True, True, False]
    assert "<b>4</b>" in page
    assert "/@alice/follow/" in page
    assert "/@alice/follow/" not in as_user(alice).get("/@alice/card/").content.decode()
    assert "/@alice/follow/" not in as_user(None).get("/@alice/card/").content.decode()
    members_services.block_member(member=alice, blocked=bob)
    assert client.get("/@alice/card/").status_code == 404


def test_following_sends_visitors_to_sign_in(as_user: As, api_as: ApiAs, db: None) -> None:
    assert as_user(None).get("/?sort=following").status_code == 302
    assert api_as(None).get("/api/posts/?sort=following").status_code == 403


def test_the_mute_form_keeps_what_was_typed_and_says_what_is_wrong(alice: User, bob: User, as_user: As) -> None:
    client = as_user(bob)
    wrong = client.post("/settings/people/", {"kind": "author", "value": "nobodyatall", "effect": "hide", "days": ""})
    assert wrong.status_code == 422
    assert "nobodyatall" in wrong.content.decode()
    right = {"kind": "author", "value": "@alice", "effect": "blur", "days": "7"}
    assert client.post("/settings/people/", right).status_code == 302
    mute = Mute.objects.get()
    assert (mute.author, mute.effect) == (alice, "blur")
    assert mute.expires_at
    assert as_user(alice).post(f"/settings/people/unmute/{mute.pk}/").status_code == 404
    client.post(f"/settings/people/unmute/{mute.pk}/")
    assert not Mute.objects.exists()


def test_a_blurred_card_shows_nothing_of_its_picture(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post = publish(alice, prompt="a spidery den")
    members_services.mute(member=bob, kind="word", value="spidery", effect="blur")
    page = as_user(bob).get("/").content.decode()
    assert shown(page) == {post.public_id}
    assert "spidery" not in page
    assert post.image.public_id not in page
    assert as_user(bob).get(f"/p/{post.public_id}/").status_code == 200


def test_not_interested_hides_a_card_and_undo_brings_it_back(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    post, client = publish(alice), as_user(bob)
    url = f"/p/{post.public_id}/not-interested/"
    assert "Undo" in client.post(url, headers=HTMX).content.decode()
    assert shown(client.get("/").content.decode()) == set()
    assert post.public_id in client.get("/settings/people/").content.decode()
    client.post(url, {"undo": "1"}, headers=HTMX)
    assert not HiddenPost.objects.exists()


def test_the_api_follows_blocks_mutes_and_hides(alice: User, bob: User, publish: Publish, api_as: ApiAs) -> None:
    post, client = publish(alice), api_as(bob)
    for _ in range(2):
        assert client.put("/api/follows/alice/").status_code == 204
    assert [row["username"] for row in client.get("/api/follows/").json()["results"]] == ["alice"]
    made = client.post("/api/mutes/", {"kind": "word", "value": "Fox!"})
    assert (made.status_code, made.json()["value"]) == (201, "fox")
    assert client.post("/api/mutes/", {"kind": "author", "value": "nobody"}).status_code == 400
    assert [row["id"] for row in client.get("/api/mutes/").json()] == [made.json()["id"]]
    assert api_as(alice).delete(f"/api/mutes/{made.json()['id']}/").status_code == 404
    assert client.delete(f"/api/mutes/{made.json()['id']}/").status_code == 204
    assert client.put(f"/api/hidden-posts/{post.public_id}/").status_code == 204
    assert client.get("/api/posts/").json()["results"] == []
    assert client.delete(f"/api/hidden-posts/{post.public_id}/").status_code == 204
    assert client.put("/api/blocks/alice/").status_code == 204
    assert client.get("/api/follows/").json()["results"] == []
    assert client.get(f"/api/posts/{post.public_id}/").status_code == 404
    assert client.delete("/api/blocks/alice/").status_code == 204
    assert client.get(f"/api/posts/{post.public_id}/").status_code == 200
    assert api_as(None).get("/api/mutes/").status_code in {401, 403}


def test_an_impression_counts_once_a_viewer_and_day_and_never_for_the_author(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    post = publish(alice)
    for client in (as_user(bob), as_user(bob), as_user(alice), as_user(None), as_user(None)):
        assert client.post("/impressions/", {"post": [post.public_id, "nothing-here"]}).status_code == 204
    impressions.flush_impressions()
    assert impressions.flush_impressions() == 0
    assert PostHourlyStats.objects.get().impressions == 2, "bob and a visitor"
    assert impressions.count_impressions(f"m{bob.pk}", [post.pk], NOW + timedelta(days=1)) == 1


def test_a_fold_that_died_is_finished_by_the_next(
    alice: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = publish(alice)
    impressions.count_impressions("v1", [post.pk], NOW)
    with monkeypatch.context() as broken:
        broken.setattr(impressions, "_add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            impressions.flush_impressions()
    impressions.count_impressions("v2", [post.pk], NOW)
    impressions.flush_impressions()
    impressions.flush_impressions()
    assert PostHourlyStats.objects.get().impressions == 2


def test_what_was_seen_can_be_left_out_and_forgotten(publish_many: PublishMany, bob: User, as_user: As) -> None:
    posts, client = publish_many(60, authors=60, at=NOW), as_user(bob)
    first = [post.public_id for post in posts[:30]]
    client.post("/impressions/", {"post": first})
    unseen = shown(client.get("/?sort=new&seen=hide").content.decode())
    assert unseen == {post.public_id for post in posts[30:54]}
    assert shown(client.get("/?sort=new").content.decode()) == set(first[:24])
    client.post("/settings/people/forget-seen/")
    assert shown(client.get("/?sort=new&seen=hide").content.decode()) == set(first[:24])


def test_rising_goes_by_the_lower_end_of_the_interval(alice: User, bob: User, mallory: User, publish: Publish) -> None:
    sure, lucky, ignored = publish(alice), publish(alice), publish(alice)
    for viewer in range(50):
        impressions.count_impressions(f"v{viewer}", [ignored.pk, *([sure.pk] if viewer < 3 else [])], NOW)
    impressions.flush_impressions()
    for member, post in ((bob, sure), (mallory, sure), (bob, lucky), (mallory, ignored)):
        like_post(post=post, member=member, at=NOW)
    process_recount_requests(at=NOW)
    assert dict(rising_posts(NOW)) == {
        sure.pk: wilson_lower_bound(2, 3),
        lucky.pk: wilson_lower_bound(1, 1),
        ignored.pk: wilson_lower_bound(1, 50),
    }
    assert rising_posts(NOW)[-1][0] == ignored.pk
    assert rising_posts(NOW + timedelta(hours=8)) == []


def test_each_list_is_rebuilt_once_an_interval_and_every_minute_while_it_is_small(
    publish_many: PublishMany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feed.ranking.precomputed.SMALL", 3)
    assert set(rebuild_due_lists(at=NOW)) == set(INTERVALS)
    assert rebuild_due_lists(at=NOW + timedelta(seconds=59)) == []
    publish_many(3, at=NOW)
    assert set(rebuild_due_lists(at=NOW + timedelta(seconds=61))) == set(INTERVALS)
    large = {name for name in INTERVALS if name.startswith("top-")} - {"top-day"}
    assert set(rebuild_due_lists(at=NOW + timedelta(seconds=122))) == set(INTERVALS) - large


def test_a_link_to_a_place_finds_the_place(publish_many: PublishMany, as_user: As) -> None:
    publish_many(80, authors=60, at=NOW)
    client = as_user(None)
    first = client.get("/").content.decode()
    following = re.search(r'href="([^"]*cursor=[^"]*)"[^>]*data-load-more', first)
    assert following
    address = "/" + following.group(1).replace("&amp;", "&").lstrip("/")
    fragment = client.get(address, headers=HTMX).content.decode()
    place = re.search(r'data-place="([^"]+)"', fragment)
    assert place
    again = as_user(None).get(place.group(1).replace("&amp;", "&")).content.decode()
    assert shown(again) == shown(fragment)
    assert shown(again).isdisjoint(shown(first))


def test_a_member_leaves_with_what_they_chose(alice: User, bob: User, publish: Publish) -> None:
    from feed import personal_data

    post = publish(alice)
    members_services.follow_member(member=bob, followed=alice)
    members_services.mute(member=bob, kind="word", value="fox")
    posts_services.hide_post(post=post, member=bob)
    found = personal_data.export(bob)
    assert [len(found[name]) for name in ("follows", "mutes", "hidden_posts")] == [1, 1, 1]
    personal_data.erase(bob)
    assert not (Follow.objects.exists())
    assert not (Mute.objects.exists())
    assert not (HiddenPost.objects.exists())
    assert Post.objects.filter(pk=post.pk).exists()
