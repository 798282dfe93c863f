"""Pages and forms of the feed, with and without htmx."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from feed.challenges.themes.calendar import schedule_challenges
from feed.models import Like, Post
from feed.posts.services import tag_post
from feed.ranking.counters import process_recount_requests
from lib.days import local_day
from lib.limits import check_rate
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish, PublishMany
from tests.feed.pagers import next_link
from tests.generation.fixtures import MakeImage

NOW = timezone.now()
HTMX = {"HX-Request": "true"}


def test_an_empty_feed_says_what_to_do(as_user: As, db: None) -> None:
    page = as_user(None).get("/").content.decode()
    assert "/create/" in page
    assert "Nothing here yet" in page


def test_a_signed_in_feed_page_costs_at_most_six_queries(
    publish_many: PublishMany, bob: User, as_user: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    publish_many(60, authors=60)
    schedule_challenges(today=local_day(NOW), days=0)
    client = as_user(bob)
    client.get("/about/ranking/")  # the session is read into the cache
    as_user(None).get("/")  # so are the options of the filters and today's challenge, which all share
    with django_assert_max_num_queries(6):
        assert client.get("/").status_code == 200


def test_following_the_links_shows_every_post_once(publish_many: PublishMany, as_user: As) -> None:
    posts = publish_many(60, authors=60)
    client, url, shown = as_user(None), "/?sort=new", list[str]()
    for _ in range(3):
        page = client.get(url, headers=HTMX).content.decode() if shown else client.get(url).content.decode()
        shown += re.findall(r'data-post="([^"]+)"', page)
        if len(shown) < 60:
            url = next_link(page) if next_link(page).startswith("/") else "/" + next_link(page)
    assert shown == [post.public_id for post in posts]


def test_an_htmx_page_is_only_what_is_appended(publish_many: PublishMany, as_user: As) -> None:
    publish_many(30)
    response = as_user(None).get("/", headers=HTMX)
    assert "<html" not in response.content.decode()
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize("path", ["/?cursor=nonsense", "/?sort=worst", "/?sort=top&window=hour", "/new-above/?since=x"])
def test_a_damaged_address_says_so(path: str, as_user: As, api_as: ApiAs, db: None) -> None:
    response = as_user(None).get(path)
    assert response.status_code == 400
    assert "Unknown sort" in (page := response.content.decode()) or re.search(
        "Start again|Unknown time range|link is damaged", page
    )
    if path.startswith("/?"):
        answer = api_as(None).get("/api/posts/" + path[1:])
        assert answer.status_code == 400
        assert set(answer.json()) >= {"code", "detail"}


def test_new_posts_wait_behind_a_button(publish_many: PublishMany, alice: User, publish: Publish, as_user: As) -> None:
    publish_many(5, authors=5, at=NOW)
    page = as_user(None).get("/").content.decode()
    path = re.search(r'data-new-above="([^"]+)"', page)
    assert path
    url = path.group(1).replace("&amp;", "&")
    assert as_user(None).get(url).status_code == 204
    publish(alice)
    answer = as_user(None).get(url)
    assert "1 new above" in answer.content.decode()


def test_liking_by_a_plain_form_comes_back_to_the_page(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post, client = publish(alice), as_user(bob)
    response = client.post(f"/p/{post.public_id}/like/", headers={"referer": "http://testserver/?sort=new"})
    assert (response.status_code, response["Location"]) == (302, "http://testserver/?sort=new")
    client.post(f"/p/{post.public_id}/like/")
    assert Like.objects.count() == 1


def test_liking_by_htmx_answers_the_button_in_its_new_state(
    alice: User, bob: User, publish: Publish, as_user: As
) -> None:
    post, client = publish(alice), as_user(bob)
    answer = client.post(f"/p/{post.public_id}/like/", headers=HTMX).content.decode()
    assert 'aria-pressed="true"' in answer
    assert f"/p/{post.public_id}/unlike/" in answer
    assert "<span>1</span>" in answer
    assert 'aria-pressed="false"' in client.post(f"/p/{post.public_id}/unlike/", headers=HTMX).content.decode()


def test_visitors_sign_in_and_come_back(alice: User, publish: Publish, as_user: As) -> None:
    post = publish(alice)
    page = f"http://testserver/p/{post.public_id}/"
    response = as_user(None).post(f"/p/{post.public_id}/like/", headers={"referer": page})
    assert response["Location"] == f"/accounts/login/?next={quote(page)}"
    answer = as_user(None).post(f"/p/{post.public_id}/like/", headers={"hx-request": "true", "hx-current-url": page})
    assert answer["HX-Redirect"] == f"/accounts/login/?next={quote(page)}"


def test_nobody_is_sent_to_another_site(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post = publish(alice)
    response = as_user(bob).post(f"/p/{post.public_id}/like/", {"next": "https://evil.example/"})
    assert response["Location"] == f"/p/{post.public_id}/"


def test_likes_are_rate_limited_in_words(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post, client = publish(alice), as_user(bob)
    for _ in range(120):
        check_rate(key=f"feed:like:{bob.pk}", limit=120, seconds=60)
    answer = client.post(f"/p/{post.public_id}/like/", headers=HTMX)
    assert answer.status_code == 429
    assert "too often" in answer["HX-Trigger"]


def test_a_post_shows_what_it_is_made_of(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    parent = publish(alice, prompt="a fox", title="Fox")
    child = publish(bob, prompt="a fox at night", parent=parent.image, remix_kind="same")
    process_recount_requests(at=timezone.now())
    page = as_user(None).get(f"/p/{parent.public_id}/").content.decode()
    for words in (
        "a fox",
        "Negative prompt" if parent.image.generation.negative_prompt else "Seed",
        "CFG scale",
        "curl",
    ):
        assert words in page
    assert f"/create/?remix={parent.image.public_id}&amp;kind=same" in page
    assert f"/p/{child.public_id}/" in page
    assert f"/report/feed.post/{parent.public_id}/" in page
    assert '<meta property="og:image" content="http' in page
    assert f"/p/{parent.public_id}/" in as_user(None).get(f"/p/{child.public_id}/").content.decode()


def test_a_long_prompt_is_shown_in_part_and_copied_whole(alice: User, publish: Publish, as_user: As) -> None:
    short, long = (publish(alice, prompt=prompt, title="A") for prompt in ("a fox", "a fox in the snow, " * 30))
    pages = [as_user(None).get(post.get_absolute_url()).content.decode() for post in (short, long)]
    assert [page.count('id="whole-prompt"') for page in pages] == [0, 1]
    assert ("a fox in the snow, " * 30).strip() in pages[1]


def test_tags_that_are_there_already_are_not_suggested(alice: User, publish: Publish, as_user: As) -> None:
    post = publish(alice, prompt="a fox in the snow")
    tag_post(post=post, author=alice, tags=["fox"])
    tag_post(post=publish(alice, prompt="b"), author=alice, tags=["snow"])
    page = as_user(alice).get(f"/publish/{post.image.public_id}/").content.decode()
    assert re.findall(r'data-tag="([^"]*)"', page) == ["snow"]


def test_publishing_by_the_form(alice: User, make_image: MakeImage, as_user: As) -> None:
    image, client = make_image(alice), as_user(alice)
    url = f"/publish/{image.public_id}/"
    assert client.get(url).status_code == 200
    wrong = client.post(url, {"title": "fucking fox"})
    assert (wrong.status_code, "fucking fox" in wrong.content.decode()) == (422, True)
    right = client.post(url, {"title": "Fox"})
    post = Post.objects.get()
    assert right["Location"] == f"/p/{post.public_id}/"
    assert post.public_id in client.get("/").content.decode()


def test_publishing_anothers_picture_is_404(
    alice: User, mallory: User, make_image: MakeImage, as_user: As, api_as: ApiAs
) -> None:
    image = make_image(alice)
    assert as_user(mallory).post(f"/publish/{image.public_id}/", {"title": ""}).status_code == 404
    assert api_as(mallory).post("/api/posts/", {"image": image.public_id}).status_code == 404


def test_taking_down_and_deleting_by_the_page(alice: User, mallory: User, publish: Publish, as_user: As) -> None:
    post, client = publish(alice), as_user(alice)
    assert as_user(mallory).post(f"/p/{post.public_id}/unpublish/").status_code == 404
    assert as_user(mallory).post(f"/p/{post.public_id}/delete/").status_code == 404
    assert client.post(f"/p/{post.public_id}/unpublish/").status_code == 302
    assert "Publish again" in client.get(f"/p/{post.public_id}/").content.decode()
    assert client.get(f"/p/{post.public_id}/delete/").status_code == 200
    assert client.post(f"/p/{post.public_id}/delete/").status_code == 302
    assert client.get(f"/p/{post.public_id}/").status_code == 404


def test_notifications_are_read_up_to_what_was_shown(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post, client = publish(alice, title="Fox"), as_user(alice)
    as_user(bob).post(f"/p/{post.public_id}/like/")
    page = client.get("/notifications/").content.decode()
    assert "bob liked “Fox”" in page
    until = re.search(r'name="until" value="(\d+)"', page)
    assert until
    client.post("/notifications/read/", {"until": until.group(1)})
    assert "list__item--new" not in client.get("/notifications/").content.decode()


def test_a_profile_is_edited_by_its_member(alice: User, as_user: As) -> None:
    client = as_user(alice)
    assert client.post("/profile/", {"display_name": "Alice A.", "bio": "Foxes."}).status_code == 302
    assert "Alice A." in as_user(None).get("/@alice/").content.decode()
    assert as_user(None).get("/profile/").status_code == 302


@pytest.mark.parametrize("path", ["/challenge/", "/about/ranking/", "/@alice/", "/notifications/"])
def test_pages_have_words_when_there_is_nothing(path: str, alice: User, as_user: As) -> None:
    response = as_user(alice).get(path)
    assert response.status_code == 200
    assert "<h1" in response.content.decode()


def test_the_api_publishes_likes_and_lists(alice: User, bob: User, make_image: MakeImage, api_as: ApiAs) -> None:
    image = make_image(alice)
    made = api_as(alice).post("/api/posts/", {"image": image.public_id, "title": "Fox"})
    assert made.status_code == 201
    url = f"/api/posts/{made.json()['id']}/"
    for method in ("put", "put", "delete", "delete", "put"):
        assert getattr(api_as(bob), method)(f"{url}like/").status_code == 200
    assert api_as(bob).get("/api/posts/").json()["results"][0]["liked"]
    assert api_as(None).put(f"{url}like/").status_code == 401
    assert api_as(alice).post(f"{url}unpublish/").json()["is_published"] is False
    assert api_as(alice).delete(url).status_code == 204
    assert api_as(alice).get(url).status_code == 404
    assert api_as(alice).post("/api/posts/", {}).json()["fields"]["image"]


def test_the_api_changes_ones_own_profile_only(alice: User, mallory: User, api_as: ApiAs) -> None:
    words = {"display_name": "A", "bio": "B"}
    assert api_as(alice).put("/api/profiles/alice/", words).json()["bio"] == "B"
    assert api_as(mallory).put("/api/profiles/alice/", words).status_code == 404


def test_pages_of_a_profile_follow_each_other(publish_many: PublishMany, as_user: As) -> None:
    posts = publish_many(30, authors=1, at=NOW - timedelta(hours=1))
    client = Client()
    first = client.get("/@author0/").content.decode()
    second = client.get(next_link(first), headers=HTMX).content.decode()
    shown = re.findall(r'data-post="([^"]+)"', first + second)
    assert shown == [post.public_id for post in posts]
