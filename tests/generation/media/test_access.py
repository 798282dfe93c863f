"""A picture that not everybody may see: its address opens for the viewer and session that it was made for."""

import re
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.sign_in.access import bind_session
from generation.media import signing, storage
from generation.models import Image, ImageState
from lib.content_levels import ContentLevel
from tests.conftest import PASSWORD, ApiAs, As, MakeMember
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
# (state, published, level)
UNPUBLISHED = (ImageState.READY, False, ContentLevel.GENERAL)
HELD = (ImageState.HELD, False, ContentLevel.GENERAL)
REMOVED = (ImageState.REJECTED, False, ContentLevel.GENERAL)
MATURE = (ImageState.READY, True, ContentLevel.MATURE)
PUBLIC = (ImageState.READY, True, ContentLevel.GENERAL)
FORMS = ("url", "original_url")
Kind = tuple[ImageState, bool, ContentLevel]


def put(image: Image, kind: Kind) -> Image:
    state, is_public, level = kind
    Image.objects.filter(pk=image.pk).update(state=state, is_public=is_public, content_level=level)
    image.refresh_from_db()
    return image


def addresses(client: Client | APIClient, image: Image) -> list[str]:
    """Of every file of the picture whose address this client is given; none where it may not see it."""
    answer = client.get(f"/api/images/{image.public_id}/")
    if answer.status_code == 404:
        return []
    found = [answer.json()[form] for form in FORMS]
    webp = found[0]
    return [*found, webp.replace(".webp", ".avif"), re.sub(r"-\d+\.webp", "-16.jpg", webp)]


def statuses(client: Any, urls: list[str]) -> set[int]:
    return {client.get(url).status_code for url in urls}


@pytest.mark.parametrize(
    ("kind", "seers"),
    [
        (UNPUBLISHED, {"alice", "mod"}),
        (HELD, {"alice", "mod"}),
        (REMOVED, {"mod"}),
        (MATURE, {"alice", "mod", "adult"}),
    ],
    ids=["unpublished", "held", "removed", "mature"],
)
def test_an_address_opens_for_whom_it_was_made_and_for_nobody_else(
    alice: User, bob: User, mod: User, make_member: MakeMember, make_image: MakeImage, as_user: As, api_as: ApiAs,
    kind: Kind, seers: set[str],
) -> None:  # fmt: skip
    adult = make_member("adult", is_adult=True, max_level=ContentLevel.MATURE)
    image = put(make_image(alice), kind)
    people = {"visitor": None, "alice": alice, "bob": bob, "mod": mod, "adult": adult}
    clients: dict[str, Client | APIClient] = {name: as_user(user) for name, user in people.items()}
    clients |= {f"{name} by token": api_as(user) for name, user in people.items() if user is not None}
    clients["alice elsewhere"] = as_user(alice)
    given = {name: addresses(client, image) for name, client in clients.items()}
    assert {name.partition(" ")[0] for name, urls in given.items() if urls} == seers
    for owner, urls in given.items():
        for name, client in clients.items():
            assert statuses(client, urls) <= ({200} if name == owner else {404}), (owner, name)
        plain = [url.partition("?")[0] for url in urls]
        assert all(statuses(client, plain) <= {404} for client in clients.values())


def test_a_published_picture_has_one_address_for_everybody_which_every_cache_may_keep(
    alice: User, bob: User, make_image: MakeImage, as_user: As, api_as: ApiAs
) -> None:
    image = put(make_image(alice), PUBLIC)
    clients = [as_user(None), as_user(alice), as_user(bob), api_as(bob)]
    given = [addresses(client, image) for client in clients]
    assert all(urls == given[0] for urls in given)
    for url in given[0]:
        for client in clients:
            answer = client.get(url)
            assert (answer.status_code, answer["Cache-Control"]) == (200, "public, max-age=3600")
            assert "Cookie" not in answer.get("Vary", "")


def test_no_cache_keeps_what_is_not_published(alice: User, make_image: MakeImage, as_user: As) -> None:
    browser = as_user(alice)
    for kind, kept in ((UNPUBLISHED, "private, no-cache"), (HELD, "private, no-store")):
        image = put(make_image(alice), kind)
        answer = browser.get(addresses(browser, image)[0])
        assert answer["Cache-Control"] == kept
        assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", "))


def test_signing_out_ends_every_address_of_the_session(alice: User, make_image: MakeImage, as_user: As) -> None:
    image, browser, other = put(make_image(alice), UNPUBLISHED), as_user(alice), as_user(alice)
    here, there = addresses(browser, image), addresses(other, image)
    assert statuses(browser, here) == {200}
    browser.post("/accounts/logout/")
    assert statuses(browser, here) == {404}
    assert statuses(other, there) == {200}
    browser.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert statuses(browser, here) == {404}  # a new session has addresses of its own
    assert statuses(browser, addresses(browser, image)) == {200}


def test_a_new_password_and_a_ban_end_every_address(alice: User, make_image: MakeImage, as_user: As) -> None:
    image, browser = put(make_image(alice), UNPUBLISHED), as_user(alice)
    urls = addresses(browser, image)
    alice.set_password(PASSWORD[::-1])
    alice.save(update_fields=["password"])
    assert statuses(browser, urls) == {404}
    browser = as_user(alice)
    urls = addresses(browser, image)
    alice.is_active = False
    alice.save(update_fields=["is_active"])
    assert statuses(browser, urls) == {404}


def test_a_revoked_token_and_one_that_may_not_read_open_nothing(
    alice: User, make_image: MakeImage, api_as: ApiAs
) -> None:
    image, program = put(make_image(alice), UNPUBLISHED), api_as(alice)
    urls = addresses(program, image)
    assert statuses(program, urls) == {200}
    assert statuses(api_as(alice), urls) == {200}  # another token of hers
    ApiToken.objects.update(scopes=["generate"])
    assert statuses(program, urls) == {404}
    ApiToken.objects.all().delete()
    assert statuses(program, urls) == {404}


def test_who_may_no_longer_see_a_mature_picture_loses_its_address_at_once(
    alice: User, make_member: MakeMember, make_image: MakeImage, as_user: As
) -> None:
    adult = make_member("adult", is_adult=True, max_level=ContentLevel.MATURE)
    image, browser = put(make_image(alice), MATURE), as_user(adult)
    urls = addresses(browser, image)
    assert statuses(browser, urls) == {200}
    User.objects.filter(pk=adult.pk).update(max_level=ContentLevel.GENERAL)
    assert statuses(browser, urls) == {404}


def test_a_removed_picture_is_closed_to_its_author_as_well(
    alice: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    """Even with a signature that fits: moderators look at it, and the author appeals without it."""
    image = put(make_image(alice), REMOVED)
    for person, status in ((alice, 404), (mod, 200)):
        browser = as_user(person)
        viewer = bind_session(person, browser.session)
        assert browser.get(signing.picture(image, viewer_may_sign=True, viewer=viewer).src).status_code == status


def test_the_pictures_of_a_banned_member_open_for_moderators_alone(
    alice: User, bob: User, mod: User, make_image: MakeImage, as_user: As
) -> None:
    from django.utils import timezone

    from moderation.models import Restriction

    image = put(make_image(alice), PUBLIC)
    urls = addresses(as_user(bob), image)
    Restriction.objects.create(user=alice, kind=Restriction.Kind.BANNED, starts_at=timezone.now())
    assert statuses(as_user(bob), urls) == statuses(as_user(None), urls) == {404}
    assert statuses(as_user(mod), urls) == {200}


def test_every_address_on_a_members_pages_opens_in_their_browser_alone(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image, browser = put(make_image(alice), UNPUBLISHED), as_user(alice)
    for page in ("/mine/", f"/mine/{image.generation.public_id}/", f"/publish/{image.public_id}/"):
        html = browser.get(page).content.decode().replace("&amp;", "&")
        urls = re.findall(rf"/images/{image.public_id}/[0-9a-f]{{16}}-\d+\.\w+\?[^\s\"',]+", html)
        assert urls, page
        assert statuses(browser, urls) == {200}
        assert statuses(as_user(None), urls) == statuses(as_user(alice), urls) == {404}


@pytest.mark.usefixtures("s3_storage")
def test_no_page_and_no_answer_names_an_address_of_the_store(
    alice: User, make_image: MakeImage, as_user: As, settings: Any
) -> None:
    image, browser = put(make_image(alice), UNPUBLISHED), as_user(alice)
    endpoint = settings.STORAGES["default"]["OPTIONS"]["endpoint_url"]
    for page in ("/mine/", f"/mine/{image.generation.public_id}/", f"/api/images/{image.public_id}/"):
        text = browser.get(page).content.decode()
        assert endpoint not in text
        assert "X-Amz" not in text
        assert image.prefix not in text
    answer = browser.get(addresses(browser, image)[1])
    assert (answer.status_code, "Location" in answer) == (200, False)
    assert storage.original_png(image)
