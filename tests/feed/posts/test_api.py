"""What a post's page shows, for programs; and many of one's own posts at a time."""

import io
import zipfile

from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from feed.comments.services import post_comment
from feed.members import services as members_services
from feed.models import Post
from feed.posts import services as posts_services
from feed.posts.services import tag_post
from generation.models import Generation
from tests.conftest import ApiAs
from tests.feed.conftest import Publish
from tests.feed.responses import body
from tests.generation.fixtures import MakeImage

NOW = timezone.now()
LORAS = [{"slug": "ink", "sha256": "0" * 64, "weight": 0.8}]


def with_loras(post: Post) -> None:
    Generation.objects.filter(images=post.image).update(loras=LORAS)


def test_one_post_tells_what_its_page_does(alice: User, bob: User, publish: Publish, api_as: ApiAs) -> None:
    parent = publish(alice, prompt="a fox")
    post = publish(bob, prompt="a red fox", parent=parent.image, remix_kind="same")
    with_loras(post)
    tag_post(post=post, author=bob, tags=["Sea"])
    post_comment(post=post, author=alice, text="How red")
    path = f"/api/posts/{post.public_id}/"
    found = api_as(alice).get(path).json()
    assert (found["tags"], found["comments"], found["saved"]) == (["sea"], 1, False)
    assert (found["parent"], found["remix_kind"]) == (parent.public_id, "same")
    assert found["loras"] == [{"slug": "ink", "weight": 0.8}]
    assert found["made"]["prompt"] == "a red fox"
    posts_services.unpublish_post(post=parent, author=alice)
    assert api_as(None).get(path).json()["parent"] is None


def test_a_generation_tells_its_loras(alice: User, make_image: MakeImage, api_as: ApiAs) -> None:
    image = make_image(alice)
    Generation.objects.filter(pk=image.generation_id).update(loras=LORAS)
    found = api_as(alice).get(f"/api/generations/{image.generation.public_id}/").json()
    assert found["loras"] == [{"slug": "ink", "weight": 0.8}]


def test_the_family_has_every_edge_and_where_one_stands(
    alice: User, bob: User, publish: Publish, api_as: ApiAs
) -> None:
    top = publish(alice, prompt="a red fox")
    post = publish(bob, prompt="a blue fox", parent=top.image, remix_kind="inspired")
    child = publish(alice, prompt="a blue cat", parent=post.image, remix_kind="inspired")
    found = api_as(None).get(f"/api/posts/{post.public_id}/family/").json()
    assert (found["credits"], found["root"]["post"], found["root"]["is_here"]) == (["alice"], top.public_id, False)
    (here,) = found["root"]["children"]
    assert (here["post"], here["is_here"], here["author"]) == (post.public_id, True, "bob")
    assert {"change": "added", "text": "blue"} in here["difference"]
    assert [each["post"] for each in here["children"]] == [child.public_id]


def test_the_score_adds_up_as_the_page_says(alice: User, bob: User, publish: Publish, api_as: ApiAs) -> None:
    post = publish(alice)
    found = api_as(bob).get(f"/api/posts/{post.public_id}/score/").json()
    assert found["hot"] == found["votes"] + found["age"]
    assert found["hot"] == post.entry.hot
    assert (found["weight"], found["places"]) == (0, [])


def test_a_hidden_prompt_is_in_no_form_to_copy(alice: User, bob: User, publish: Publish, api_as: ApiAs) -> None:
    found, hidden = publish(alice, prompt="a fox"), publish(alice, prompt="a secret", hide_prompt=True)
    forms = api_as(None).get(f"/api/posts/{found.public_id}/copy/").json()
    assert all("a fox" in forms[name] for name in ("text", "json", "parameters", "curl"))
    assert api_as(bob).get(f"/api/posts/{hidden.public_id}/copy/").status_code == 404
    assert "a secret" in api_as(alice).get(f"/api/posts/{hidden.public_id}/copy/").json()["text"]


def test_what_is_alike_passes_the_filter_of_every_list(
    alice: User,
    bob: User,
    publish: Publish,
    api_as: ApiAs,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    post = publish(alice, seed=1)
    others = [publish(alice, generation=post.image.generation, seed=seed) for seed in (2, 3, 4)]
    path, client = f"/api/posts/{post.public_id}/alike/", api_as(bob)
    with django_assert_max_num_queries(12):
        found = client.get(path).json()
    assert [each["id"] for each in found["variations"]] == [other.public_id for other in others]
    posts_services.hide_post(post=others[0], member=bob)
    posts_services.unpublish_post(post=others[1], author=alice)
    assert [each["id"] for each in client.get(path).json()["variations"]] == [others[2].public_id]


def test_parts_of_a_post_that_one_may_not_see_are_not_there(
    alice: User, mallory: User, publish: Publish, api_as: ApiAs
) -> None:
    post = publish(alice)
    posts_services.unpublish_post(post=post, author=alice)
    for part in ("family", "score", "alike", "copy"):
        path = f"/api/posts/{post.public_id}/{part}/"
        assert (api_as(mallory).get(path).status_code, api_as(alice).get(path).status_code) == (404, 200), part


def test_who_follows_whom_leaves_out_those_behind_a_block(alice: User, bob: User, mallory: User, api_as: ApiAs) -> None:
    for follower in (bob, mallory):
        members_services.follow_member(member=follower, followed=alice)
    assert [row["username"] for row in _rows(api_as, alice, "alice/followers")] == ["mallory", "bob"]
    assert [row["username"] for row in _rows(api_as, alice, "bob/following")] == ["alice"]
    members_services.block_member(member=bob, blocked=mallory)
    assert [row["username"] for row in _rows(api_as, bob, "alice/followers")] == ["bob"]
    assert api_as(bob).get("/api/profiles/mallory/followers/").status_code == 404


def _rows(api_as: ApiAs, viewer: User, path: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = api_as(viewer).get(f"/api/profiles/{path}/").json()["results"]
    return rows


def test_many_posts_come_down_at_once_and_nobody_elses(
    alice: User, mallory: User, publish: Publish, api_as: ApiAs
) -> None:
    posts, other = [publish(alice) for _n in range(2)], publish(mallory)
    wanted = {"posts": [post.public_id for post in [*posts, other]]}
    assert api_as(None).post("/api/posts/unpublish/", wanted, format="json").status_code == 401
    assert api_as(alice).post("/api/posts/unpublish/", {"posts": []}, format="json").status_code == 400
    assert api_as(alice).post("/api/posts/unpublish/", wanted, format="json").json() == {"unpublished": 2}
    assert list(Post.objects.published()) == [other]
    assert api_as(alice).post("/api/posts/unpublish/", wanted, format="json").json() == {"unpublished": 0}


def test_originals_are_ones_own(alice: User, mallory: User, publish: Publish, api_as: ApiAs) -> None:
    post, other = publish(alice, title="Red fox"), publish(mallory)
    answer = api_as(alice).get(f"/api/posts/originals/?post={post.public_id}&post={other.public_id}")
    names = zipfile.ZipFile(io.BytesIO(async_to_sync(body)(answer))).namelist()
    assert names == [f"red-fox-{post.public_id}.png"]
    assert api_as(None).get("/api/posts/originals/").status_code == 401
