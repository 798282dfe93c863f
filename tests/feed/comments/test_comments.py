"""What members say below posts: threads, edits, tombstones, and who reads what."""

import re
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Notification, User
from accounts.services import delete_account, export_personal_data
from feed.comments.queries import CommentNode, read_threads
from feed.comments.services import MAX_ANSWERS, delete_comment, edit_comment, post_comment
from feed.members import services as members_services
from feed.models import Comment, Post, PostCount
from feed.posts import services as posts_services
from feed.ranking.counters import Drift, process_recount_requests, reconcile_counts
from feed.rates import unlimited
from lib.errors import Refused
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case
from moderation.models import Restriction, Screening
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish

NOW = timezone.now()


def texts(rows: list[CommentNode]) -> list[object]:
    """The texts as nested lists."""
    return [[row.comment.text if row.comment else None, *texts(row.answers)] for row in rows]


def recounted(post: Post) -> int:
    process_recount_requests(at=timezone.now())
    return PostCount.objects.get(post=post).comments


def test_threads_are_newest_first_and_answers_oldest_first(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    old = post_comment(post=post, author=bob, text="old")
    post_comment(post=post, author=alice, text="new")
    first = post_comment(post=post, author=alice, text="thanks", parent=old)
    post_comment(post=post, author=bob, text="more", parent=old)
    post_comment(post=post, author=bob, text="welcome", parent=first)
    assert texts(read_threads(post, bob, at=NOW).rows) == [
        ["new"],
        ["old", ["thanks", ["welcome"]], ["more"]],
    ]


def test_answers_are_no_deeper_than_the_bound(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    comment = post_comment(post=post, author=bob, text="0")
    for level in range(1, 6):
        comment = post_comment(post=post, author=bob, text=str(level), parent=comment)
    assert texts(read_threads(post, bob, at=NOW).rows) == [["0", ["1", ["2", ["3"], ["4"], ["5"]]]]]


def test_a_full_thread_takes_no_more(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    root = post_comment(post=post, author=bob, text="root")
    rows = [
        Comment(post=post, author=bob, thread=root, parent=root, depth=1, text="x", created_at=NOW)
        for _ in range(MAX_ANSWERS)
    ]
    Comment.objects.bulk_create(rows)
    with pytest.raises(Refused) as refused:
        post_comment(post=post, author=alice, text="one more", parent=rows[5])
    assert refused.value.status == 409


def test_an_edit_is_marked_once_it_changes_something(alice: User, bob: User, publish: Publish) -> None:
    comment = post_comment(post=publish(alice), author=bob, text="nice")
    assert edit_comment(comment=comment, author=bob, text=" nice ").edited_at is None
    assert edit_comment(comment=comment, author=bob, text="very nice").edited_at is not None
    with pytest.raises(Refused) as refused:
        edit_comment(comment=comment, author=alice, text="ugly")
    assert refused.value.status == 404


def test_a_deleted_comment_is_a_tombstone_while_it_is_answered(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    alone = post_comment(post=post, author=bob, text="alone")
    root = post_comment(post=post, author=bob, text="root")
    post_comment(post=post, author=alice, text="answer", parent=root)
    for comment in (alone, root, root):
        delete_comment(comment=comment, member=bob)
    assert texts(read_threads(post, bob, at=NOW).rows) == [[None, ["answer"]]]
    assert set(Comment.objects.exclude(deleted_at=None).values_list("text", flat=True)) == {""}
    assert recounted(post) == 1


def test_whose_post_it_is_may_delete_what_others_say_below_it(
    alice: User, bob: User, mallory: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    post = publish(alice)
    first, second = (post_comment(post=post, author=bob, text=text) for text in ("rude", "ruder"))
    path = f"/comments/{first.public_id}/delete/"
    assert as_user(mallory).post(path).status_code == 404
    assert api_as(mallory).delete(f"/api/comments/{second.public_id}/").status_code == 404
    assert path not in as_user(mallory).get(post.get_absolute_url()).content.decode()
    assert path in as_user(alice).get(post.get_absolute_url()).content.decode()
    assert as_user(alice).post(path).status_code == 302
    assert api_as(alice).delete(f"/api/comments/{second.public_id}/").status_code == 204
    assert not Comment.objects.published().exists()


@pytest.mark.parametrize("change", [{"text": "back"}, {"text": "back", "deleted_at": NOW}, {"text": ""}])
def test_the_database_holds_tombstones_blank(
    change: dict[str, object], alice: User, bob: User, publish: Publish
) -> None:
    comment = post_comment(post=publish(alice), author=bob, text="words")
    if change != {"text": ""}:
        delete_comment(comment=comment, member=bob)
    with pytest.raises(IntegrityError), transaction.atomic():
        Comment.objects.filter(pk=comment.pk).update(**change)


def test_comments_are_screened_and_kept_as_typed(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post = publish(alice)
    root = post_comment(post=post, author=alice, text="root")
    answer = as_user(bob).post(
        f"/p/{post.public_id}/comments/", {"text": "what the fuck, lovely", "parent": root.public_id}
    )
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "what the fuck, lovely</textarea>" in page
    assert f'name="parent" value="{root.public_id}"' in page
    assert Screening.objects.filter(author=bob).exists()
    assert Comment.objects.count() == 1


def test_comments_are_counted_like_likes(alice: User, bob: User, mallory: User, publish: Publish) -> None:
    post = publish(alice)
    for member in (alice, bob, mallory):
        post_comment(post=post, author=member, text="hm")
    assert recounted(post) == 3
    Restriction.objects.create(user=mallory, kind=Restriction.Kind.BANNED, starts_at=NOW)
    assert reconcile_counts(at=timezone.now()) == Drift(counts=1)
    assert recounted(post) == 2


def test_the_author_and_whoever_is_answered_are_notified_once_each(
    alice: User, bob: User, mallory: User, publish: Publish
) -> None:
    post = publish(alice)
    root = post_comment(post=post, author=bob, text="root")
    post_comment(post=post, author=mallory, text="answer", parent=root)
    post_comment(
        post=post, author=mallory, text="to its author", parent=post_comment(post=post, author=alice, text="mine")
    )
    found = Notification.objects.order_by("pk").values_list("recipient__username", "kind", "actor__username")
    assert list(found) == [
        ("alice", "post.commented", "bob"),
        ("bob", "comment.answered", "mallory"),
        ("alice", "post.commented", "mallory"),
        ("alice", "comment.answered", "mallory"),
    ]


@pytest.mark.parametrize("reason", ["block", "blocked", "mute", "word", "ban", "removed", "unpublished"])
def test_who_is_hidden_is_read_nowhere(
    reason: str, alice: User, bob: User, mallory: User, mod: User, publish: Publish, as_user: As, api_as: ApiAs
) -> None:
    post = publish(alice)
    comment = post_comment(post=post, author=mallory, text="a purple elephant")
    post_comment(post=post, author=alice, text="indeed", parent=comment)
    post_comment(post=post, author=bob, text="root of bob")
    mine = post_comment(post=post, author=bob, text="mine too")
    post_comment(post=post, author=mallory, text="another elephant", parent=mine)
    ways: dict[str, Callable[[], object]] = {
        "block": lambda: members_services.block_member(member=bob, blocked=mallory),
        "blocked": lambda: members_services.block_member(member=mallory, blocked=bob),
        "mute": lambda: members_services.mute(member=bob, kind="author", value=mallory),
        "word": lambda: members_services.mute(member=bob, kind="word", value="elephant"),
        "ban": lambda: Restriction.objects.create(user=mallory, kind="banned", starts_at=NOW),
        "removed": lambda: Comment.objects.filter(author=mallory).update(removed_at=NOW),
        "unpublished": lambda: posts_services.unpublish_post(post=post, author=alice),
    }
    ways[reason]()
    pages = [
        as_user(bob).get(f"/p/{post.public_id}/").content.decode(),
        as_user(bob).get("/notifications/").content.decode(),
        api_as(bob).get(f"/api/comments/?post={post.public_id}").content.decode(),
        api_as(bob).get(f"/api/comments/{comment.public_id}/").content.decode(),
        as_user(bob).get(f"/comments/{comment.public_id}/").headers.get("Location", ""),
    ]
    for page in pages:
        assert "elephant" not in page
        assert comment.public_id not in page
    assert "mallory" not in pages[2]
    assert "mallory" not in pages[1]
    if reason != "unpublished":
        assert "indeed" in pages[0]  # the answer stays, below a blank
    assert "elephant" in as_user(mod).get(f"/p/{post.public_id}/").content.decode()


def test_whom_somebody_blocked_cannot_answer(alice: User, bob: User, mallory: User, publish: Publish) -> None:
    post = publish(alice)
    root = post_comment(post=post, author=bob, text="root")
    members_services.block_member(member=bob, blocked=mallory)
    for parent in (root, None):
        if parent is None:
            members_services.block_member(member=alice, blocked=mallory)
        with pytest.raises(Refused) as refused:
            post_comment(post=post, author=mallory, text="hey", parent=parent)
        assert refused.value.status == 404


def test_a_comment_is_reported_removed_and_put_back(
    alice: User, bob: User, mod: User, publish: Publish, as_user: As
) -> None:
    post = publish(alice)
    comment = post_comment(post=post, author=bob, text="borderline words")
    assert as_user(alice).get(f"/report/feed.comment/{comment.public_id}/").status_code == 200
    for action, is_shown in [("remove", False), ("approve", True)]:
        case = open_case(target=comment, origin="report", severity=2)
        claim_case(moderator=mod, case=case)
        decide_case(case=case, moderator=mod, action=action, reason="hate")
        page = as_user(alice).get(f"/p/{post.public_id}/").content.decode()
        assert ("borderline" in page) is is_shown
        assert recounted(post) == is_shown
        if not is_shown:
            with pytest.raises(Refused):
                edit_comment(comment=comment, author=bob, text="other words")


def test_too_many_comments_are_slowed_down(alice: User, bob: User, publish: Publish, api_as: ApiAs) -> None:
    post, client = publish(alice), api_as(bob)
    answers = [client.post("/api/comments/", {"post": post.public_id, "text": f"n {n}"}).status_code for n in range(21)]
    assert answers == [201] * 20 + [429]


def test_older_threads_follow_and_the_lasting_address_puts_a_thread_on_top(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    post = publish(alice)
    with unlimited():
        comments = [post_comment(post=post, author=bob, text=f"remark {n:02}") for n in range(23)]
    client = as_user(alice)
    page = client.get(f"/p/{post.public_id}/").content.decode()
    assert "remark 22" in page
    assert "remark 02" not in page
    older = re.search(r'href="(\?comments=[^"#]*)', page)
    assert older
    rest = client.get(f"/p/{post.public_id}/{older.group(1)}").content.decode()
    assert re.findall(r"remark (\d\d)", rest) == ["02", "01", "00"]
    lasting = client.get(comments[0].get_absolute_url())
    assert lasting["Location"].endswith(f"#c-{comments[0].public_id}")
    assert "remark 00" in client.get(lasting["Location"]).content.decode()
    assert client.get(f"/p/{post.public_id}/?comments=nonsense").status_code == 400


def test_comments_cost_a_fixed_number_of_queries(
    alice: User, bob: User, publish: Publish, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    post = publish(alice)
    for n in range(8):
        post_comment(post=post, author=alice, text="yes", parent=post_comment(post=post, author=bob, text=f"{n}"))
    with django_assert_max_num_queries(4):  # roles, first comments, who answers whom, words
        rows = read_threads(post, bob, at=NOW).rows
        assert {row.comment.author.username for row in rows if row.comment} == {"bob"}


def test_by_plain_forms_one_says_changes_and_takes_back(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post, client = publish(alice), as_user(bob)
    assert client.post(f"/p/{post.public_id}/comments/", {"text": "lovely"}).status_code == 302
    comment = Comment.objects.get()
    client.post(f"/comments/{comment.public_id}/edit/", {"text": "lovelier"})
    assert "lovelier" in client.get(f"/p/{post.public_id}/").content.decode()
    assert as_user(alice).post(f"/comments/{comment.public_id}/edit/", {"text": "no"}).status_code == 404
    assert "lovelier" in client.get(f"/comments/{comment.public_id}/delete/").content.decode()
    client.post(f"/comments/{comment.public_id}/delete/")
    assert "lovelier" not in client.get(f"/p/{post.public_id}/").content.decode()
    assert as_user(None).post(f"/p/{post.public_id}/comments/", {"text": "x"})["Location"].startswith("/accounts/login")


def test_leaving_blanks_what_one_said_and_the_download_has_it(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice)
    root = post_comment(post=post, author=bob, text="my words")
    post_comment(post=post, author=alice, text="answer", parent=root)
    assert export_personal_data(user=bob)["feed"]["comments"][0]["text"] == "my words"
    delete_account(user=bob)
    assert texts(read_threads(post, alice, at=NOW).rows) == [[None, ["answer"]]]
    assert not Comment.objects.filter(text="my words").exists()
