"""A hidden prompt is read nowhere: no page, answer, file or search about a sibling picture gives it away."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from feed.models import Post
from feed.posts.services import publish_image
from generation.models import Image, PromptExample
from ratings.asking.pools import prompt_of
from ratings.models import Ask
from tests.conftest import ApiAs, As
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
SECRET, NEGATIVE = "an unspoken salamander under glass", "blurry quicksilver"


def family(alice: User, make_image: MakeImage) -> list[Image]:
    """Three of one generation, one made again from the same words, and a remix of the first with them."""
    first = make_image(alice, prompt=SECRET, negative_prompt=NEGATIVE, seed=1)
    siblings = [make_image(alice, generation=first.generation, seed=seed) for seed in (2, 3)]
    again = make_image(alice, prompt=SECRET, negative_prompt=NEGATIVE, seed=4)
    remix = make_image(alice, prompt=SECRET, negative_prompt=NEGATIVE, seed=5, parent=first, remix_kind="same")
    return [first, *siblings, again, remix]


def everything_about(posts: list[Post]) -> list[str]:
    """Addresses of pages, answers and files that are about these posts."""
    author, urls = posts[0].author.username, ["/", "/?sort=new", "/search/?q=salamander", "/search/?q=quicksilver"]
    urls += [f"/feeds/{form}/?sort=new" for form in ("rss", "atom", "json")]
    urls += ["/api/posts/?sort=new", "/api/search/?q=salamander", f"/@{author}/", f"/api/posts/?q=by:{author}"]
    for post in posts:
        page, answer = f"/p/{post.public_id}/", f"/api/posts/{post.public_id}/"
        urls += [page, f"{page}like-this/", f"{page}reproduce/", f"/oembed/?url=http://testserver{page}"]
        urls += [answer, *(f"{answer}{part}/" for part in ("family", "alike", "copies", "score"))]
        urls += [f"/api/images/{post.image.public_id}/", f"/create/?remix={post.image.public_id}&kind=same"]
        content = f"/images/{post.image.public_id}/{post.image.rendition_hash}-{post.image.width}"
        urls += [f"{content}.{form}" for form in ("png", "webp", "avif")]
    return urls


def telling(client: Client | APIClient, urls: list[str]) -> list[str]:
    found = []
    for url in urls:
        answer = client.get(url)
        assert answer.status_code < 500, url
        body = b"".join(answer) if answer.streaming else answer.content
        shown = body.replace(b'name="q" value="salamander"', b"").replace(b"q=salamander", b"").replace(b"q=quick", b"")
        if b"unspoken" in shown or b"under glass" in shown or b"blurry" in shown:
            found.append(url)
    return found


@pytest.mark.parametrize("number", [1, 4])
def test_hiding_the_prompt_of_one_picture_hides_it_on_all_that_were_made_from_it(
    alice: User, bob: User, make_image: MakeImage, as_user: As, api_as: ApiAs, number: int
) -> None:
    images = family(alice, make_image)
    posts = [publish_image(image=image, author=alice) for image in images]
    urls = everything_about(posts)
    assert len(telling(as_user(bob), urls)) > len(posts)  # the addresses would tell it
    publish_image(image=images[number], author=alice, hide_prompt=True)
    for client in (as_user(None), as_user(bob), api_as(bob)):
        assert telling(client, urls) == []
    assert not PromptExample.objects.exists()
    assert telling(as_user(alice), [f"/p/{posts[0].public_id}/"])  # her own she reads


@pytest.mark.parametrize("hide", [None, False])
def test_a_sibling_that_is_published_later_tells_nothing(
    alice: User, bob: User, make_image: MakeImage, as_user: As, api_as: ApiAs, hide: bool | None
) -> None:
    images = family(alice, make_image)
    posts = [publish_image(image=images[0], author=alice, hide_prompt=True)]
    posts += [publish_image(image=image, author=alice, hide_prompt=hide) for image in images[1:]]
    later = make_image(alice, prompt=SECRET, negative_prompt=NEGATIVE)
    made = api_as(alice).post("/api/posts/", {"image": later.public_id, "title": "T", "hide_prompt": hide})
    assert made.status_code == 201
    posts.append(Post.objects.get(image=later))
    for client in (as_user(None), as_user(bob), api_as(bob)):
        assert telling(client, everything_about(posts)) == []


def test_showing_it_on_one_published_picture_shows_it_on_all(
    alice: User, bob: User, make_image: MakeImage, as_user: As
) -> None:
    images = family(alice, make_image)
    posts = [publish_image(image=image, author=alice, hide_prompt=True) for image in images[:2]]
    publish_image(image=images[1], author=alice, hide_prompt=False)
    assert len(telling(as_user(bob), [f"/p/{post.public_id}/" for post in posts])) == 2


def test_the_form_says_that_the_prompt_stays_hidden(alice: User, make_image: MakeImage, as_user: As) -> None:
    images, browser = family(alice, make_image), as_user(alice)
    publish_image(image=images[0], author=alice, hide_prompt=True)
    page = f"/publish/{images[3].public_id}/"
    assert 'name="hide_prompt" aria' in (form := browser.get(page).content.decode()) or "checked" in form
    answer = browser.post(page, {"title": "", "tags": "", "alt_text": ""}, follow=True)
    assert "The prompt stays hidden, as another post of yours hides it." in answer.content.decode()


def test_a_pair_of_pictures_tells_no_prompt_that_one_of_them_hides(
    alice: User, bob: User, mallory: User, make_image: MakeImage
) -> None:
    """Compare shows pictures of the same words, also of two authors."""
    hidden = make_image(alice, prompt=SECRET, is_prompt_hidden=True)
    shown = make_image(bob, prompt=SECRET)
    for low, high in ((hidden, shown), (shown, hidden)):
        pair = Ask(image_low=low, image_high=high)
        assert prompt_of(pair, mallory, None) is None
        assert prompt_of(pair, alice, None) == SECRET


def test_the_same_words_of_another_author_stay_theirs(alice: User, bob: User, make_image: MakeImage) -> None:
    publish_image(image=make_image(alice, prompt=SECRET), author=alice, hide_prompt=True)
    post = publish_image(image=make_image(bob, prompt=SECRET), author=bob)
    assert not Image.objects.get(pk=post.image_id).is_prompt_hidden
