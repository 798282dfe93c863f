"""Which notifications members get, by kind, on the site and by mail; never about what they may not see."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts.models import Notification, User
from accounts.services import notify
from feed.collections.services import create_collection, share_collection
from feed.comments.services import post_comment
from feed.members import services as members_services
from feed.models import NotificationSettings, Post
from feed.notifications import digests
from feed.notifications.digests import choose_notifications, due_members, send_digest
from feed.notifications.queries import KINDS, count_unread, read_notices
from feed.posts import services as posts_services
from generation.models import Image
from moderation.models import Restriction
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish

NOW = timezone.now()
DAY = timedelta(days=1)


def texts(reader: User) -> list[str]:
    return [notice.text for notice in read_notices(reader, at=timezone.now()).notices]


def badge(reader: User) -> int:
    """The bell, counted anew."""
    cache.clear()
    return count_unread(reader, timezone.now())


@pytest.mark.parametrize(
    "hide",
    [
        lambda post, _reader: posts_services.unpublish_post(post=post, author=post.author),
        lambda post, _reader: Post.objects.filter(pk=post.pk).update(removed_at=NOW),
        lambda post, _reader: Image.objects.filter(post=post).update(state="held", is_public=False),
        lambda post, _reader: Image.objects.filter(post=post).update(content_level=2),
        lambda post, reader: members_services.block_member(member=reader, blocked=post.author),
        lambda post, reader: members_services.block_member(member=post.author, blocked=reader),
        lambda post, reader: members_services.mute(member=reader, kind="author", value=post.author),
        lambda _post, reader: members_services.mute(member=reader, kind="word", value="unspeakable"),
        lambda post, reader: posts_services.hide_post(post=post, member=reader),
        lambda post, _reader: Restriction.objects.create(user=post.author, kind="banned", starts_at=NOW - DAY),
    ],
)  # fmt: skip
def test_neither_page_bell_api_nor_mail_tell_of_what_is_hidden(
    hide: Callable[[Post, User], object], alice: User, bob: User, publish: Publish, api_as: ApiAs
) -> None:
    choose_notifications(member=alice, digest="daily", choices={}, at=NOW - 2 * DAY)
    remix = publish(bob, title="Unspeakable", parent=publish(alice).image)
    post_comment(post=remix, author=bob, text="look, alice")  # notifies nobody: bob's own
    assert badge(alice) == len(texts(alice)) == 1
    hide(remix, alice)
    assert badge(alice) == len(texts(alice)) == 0
    answer = api_as(alice).get("/api/notifications/").json()
    assert (answer["unread"], answer["results"]) == (0, [])
    assert not send_digest(member_id=alice.pk, at=timezone.now())
    assert not mail.outbox


def test_the_bell_counts_at_once_what_arrives_and_is_read(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    post, client = publish(alice), as_user(alice)
    assert count_unread(alice, NOW) == 0
    posts_services.like_post(post=post, member=bob)
    assert count_unread(alice, NOW) == 1
    assert "(1)" in client.get("/about/ranking/").content.decode()
    client.post("/notifications/read/")
    assert count_unread(alice, NOW) == 0


def test_the_bell_costs_no_query_while_it_is_known(
    alice: User, bob: User, publish: Publish, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    posts_services.like_post(post=publish(alice), member=bob)
    count_unread(alice, NOW)
    with django_assert_max_num_queries(0):
        assert count_unread(alice, NOW) == 1


def test_a_page_of_nothing_visible_goes_on_to_the_next(alice: User, bob: User, publish: Publish) -> None:
    hidden, shown = publish(alice, title="gone"), publish(alice, title="there")
    posts_services.like_post(post=shown, member=bob, at=NOW - DAY)
    for n in range(5):
        notify(recipient=alice, kind=f"kind.{n}", target=hidden, actor=bob, at=NOW)
    posts_services.delete_post(post=hidden, author=alice)
    page = read_notices(alice, at=NOW, size=2)
    assert [notice.text for notice in page.notices] == ["bob liked “there”."]
    assert page.next is None


def test_kinds_that_are_turned_off_show_nowhere_until_they_are_turned_on(
    alice: User, bob: User, publish: Publish
) -> None:
    post = publish(alice)
    posts_services.like_post(post=post, member=bob)
    post_comment(post=post, author=bob, text="hi")
    choose_notifications(member=alice, digest="never", choices={"post.liked": (False, True)})
    assert texts(alice) == ["bob commented on a picture of yours."]
    assert count_unread(alice, NOW) == 1
    choose_notifications(member=alice, digest="never", choices={"post.liked": (True, True)})
    assert len(texts(alice)) == 2


def test_members_are_always_notified_of_what_moderators_decide(alice: User, publish: Publish) -> None:
    notify(recipient=alice, kind="image.held", target=publish(alice).image)
    choose_notifications(member=alice, digest="never", choices={"image.held": (False, False)})
    assert len(texts(alice)) == 1


def test_every_kind_of_notification_has_a_text_and_a_switch(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    share_collection(
        collection=create_collection(owner=bob, name="Foxes", visibility="shared"), owner=bob, username="alice"
    )
    posts_services.like_post(post=post, member=bob)
    post_comment(post=post, author=alice, text="ha", parent=post_comment(post=post, author=bob, text="hi"))
    publish(bob, parent=publish(bob, parent=post.image).image)
    kinds = set(Notification.objects.values_list("kind", flat=True))
    assert kinds == {
        "collection.shared",
        "post.liked",
        "post.commented",
        "comment.answered",
        "post.remixed",
        "post.descended",
    }
    assert kinds <= set(KINDS)


def test_a_summary_tells_what_is_new_once(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice, title="Old")
    posts_services.like_post(post=post, member=bob, at=NOW)
    choose_notifications(member=alice, digest="daily", choices={}, at=NOW)
    fresh = publish(alice, title="Fresh & new")
    posts_services.like_post(post=fresh, member=bob, at=NOW)
    assert due_members(at=NOW + DAY / 2) == []
    assert not send_digest(member_id=alice.pk, at=NOW + DAY / 2)
    assert due_members(at=NOW + DAY) == [alice.pk]
    assert send_digest(member_id=alice.pk, at=NOW + DAY)
    assert not send_digest(member_id=alice.pk, at=NOW + DAY)
    assert not send_digest(member_id=alice.pk, at=NOW + 2 * DAY)
    (message,) = mail.outbox
    assert message.to == ["alice@salon.test"]
    assert "bob liked “Fresh & new”." in message.body
    assert fresh.get_absolute_url() in message.body
    assert "“Old”" not in message.body


def test_kinds_chosen_off_are_in_no_mail(alice: User, bob: User, publish: Publish) -> None:
    choose_notifications(member=alice, digest="weekly", choices={"post.liked": (True, False)}, at=NOW - 8 * DAY)
    posts_services.like_post(post=publish(alice), member=bob)
    assert due_members(at=NOW) == [alice.pk]
    assert not send_digest(member_id=alice.pk, at=NOW)
    assert not mail.outbox


def test_a_mail_that_does_not_leave_is_tried_again(
    alice: User, bob: User, publish: Publish, settings: Settings
) -> None:
    choose_notifications(member=alice, digest="daily", choices={}, at=NOW - 2 * DAY)
    posts_services.like_post(post=publish(alice), member=bob)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(OSError, match="refused"):
        send_digest(member_id=alice.pk, at=NOW)
    assert due_members(at=NOW) == [alice.pk]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_digest(member_id=alice.pk, at=NOW)


def test_the_link_in_a_summary_ends_it_without_signing_in(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    choose_notifications(member=alice, digest="daily", choices={}, at=NOW - 2 * DAY)
    posts_services.like_post(post=publish(alice), member=bob)
    send_digest(member_id=alice.pk, at=NOW)
    found = re.search(r"<https?://[^/]+(/[^>]+)>", mail.outbox[0].extra_headers["List-Unsubscribe"])
    assert found
    client, link = as_user(None), found.group(1)
    assert client.get(link).status_code == 200
    assert NotificationSettings.objects.get(member=alice).digest == "daily"  # a mail scanner opened it
    assert client.post(link).status_code == 200
    assert NotificationSettings.objects.get(member=alice).digest == "never"
    assert client.post(link[:-1] + ("x" if link[-1] != "x" else "y")).status_code == 404
    assert due_members(at=NOW + 30 * DAY) == []


def test_members_choose_on_a_page_and_by_the_api(alice: User, as_user: As, api_as: ApiAs) -> None:
    page = as_user(alice).get("/settings/notifications/").content.decode()
    assert page.count('type="checkbox"') == 2 * len(KINDS)
    as_user(alice).post("/settings/notifications/", {"digest": "weekly", "site:post.liked": "on"})
    chosen = api_as(alice).get("/api/notifications/settings/").json()
    kinds = {row["kind"]: (row["on_site"], row["by_mail"]) for row in chosen["kinds"]}
    assert (chosen["digest"], kinds["post.liked"], kinds["post.remixed"]) == ("weekly", (True, False), (False, False))
    assert kinds["moderation.decision"] == (True, False)
    body = {"digest": "never", "kinds": [{"kind": "post.remixed", "on_site": True, "by_mail": True}]}
    changed = api_as(alice).put("/api/notifications/settings/", body).json()
    assert changed["digest"] == "never"
    assert {"kind": "post.remixed", "on_site": True, "by_mail": True} in changed["kinds"]
    assert as_user(None).get("/settings/notifications/").status_code == 302


def test_the_task_writes_to_each_who_is_due(alice: User, bob: User, publish: Publish) -> None:
    choose_notifications(member=alice, digest="daily", choices={}, at=NOW - 2 * DAY)
    choose_notifications(member=bob, digest="weekly", choices={}, at=NOW - 2 * DAY)
    assert due_members(at=NOW) == [alice.pk]
    User.objects.filter(pk=alice.pk).update(email="")
    assert due_members(at=NOW) == []
    assert digests.member_of_link("nonsense") is None
