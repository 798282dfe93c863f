"""Whatever a checker does, only what it allows is public: every way to publish × every kind of answer.

One world for each answer: a picture is drawn, one is uploaded, and everything that members write is written. Then a
moderator changes their mind.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import PIL.Image
import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from feed.challenges.themes.ideas import propose_theme
from feed.collections.services import create_collection
from feed.comments.services import edit_comment, post_comment
from feed.members.services import edit_profile
from feed.models import EmergentStyle, Post
from feed.posts.services import publish_image, tag_post
from feed.rates import unlimited
from feed.search.embeddings.vectors import TEXT_DIMENSIONS
from feed.styles.services import suggest_name
from generation.media.uploads import keep_upload
from generation.models import Image, ImageState, PromptExample, Upload
from generation.queue.screening import CHECK_AGAIN, MAX_UPLOAD_CHECKS, check_image, check_upload
from lib.days import local_day
from lib.errors import Refused
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case
from moderation.models import Decision
from moderation.policy import Reason
from moderation.screening import running
from moderation.screening.observations import Label, Observation
from ratings.releases.engine.eligibility import ReleaseFilter, image_reason
from tests.conftest import As
from tests.feed.test_matrix import feeds
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
HERE = "tests.moderation.screening.test_matrix"
MARK = "marzipan"  # stands in everything that is written
release = threading.Event()


def _says(label: Label) -> Callable[..., list[Observation]]:
    return lambda *_asked: [Observation("test", "1", label, 1.0, Reason.OTHER, matched=MARK)]


def _fails(*_asked: object) -> list[Observation]:
    raise ConnectionError("away")


def _does_not_answer(*_asked: object) -> list[Observation]:
    release.wait()
    return []


def _talks_nonsense(*_asked: object) -> object:
    return {"verdict": "fine"}


def allows(*_asked: object) -> list[Observation]:
    return []


asks, refuses = _says(Label.DOUBTFUL), _says(Label.FORBIDDEN)
holds, fails, is_silent, talks_nonsense = _says(Label.FAILED), _fails, _does_not_answer, _talks_nonsense
ANSWERS = ["allows", "asks", "holds", "refuses", "fails", "is_silent", "talks_nonsense", "missing", "none"]


@pytest.fixture(params=ANSWERS)
def answer(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """What every checker of this site does."""
    checkers = [] if request.param == "none" else [f"{HERE}.{request.param}"]
    settings.MODERATION_TEXT_CHECKERS = settings.MODERATION_IMAGE_CHECKERS = checkers
    settings.MODERATION_CHECKER_SECONDS = 0.05
    running._breakers.clear()
    with unlimited():
        yield str(request.param)
    release.set()
    release.clear()
    running._breakers.clear()


def expect(answer: str) -> AbstractContextManager[Any]:
    """Only what is allowed goes through."""
    return nullcontext() if answer == "allows" else pytest.raises(Refused)


def addresses(image: Image) -> list[str]:
    """Every list, feed file and search that a visitor reads."""
    found = [*feeds("/"), *feeds("/api/posts/"), "/@alice/", f"/search/?q={MARK}", f"/api/search/?q={MARK}"]
    found += [f"/feeds/{form}/?sort=new" for form in ("rss", "atom", "json")]
    found += ["/api/profiles/alice/posts/", f"/models/{image.generation.checkpoint.slug}/"]
    return found


def shown_to(viewer: Any, image: Image) -> set[str]:
    """Where somebody reads of a picture, its file and its words among them."""
    names = [image.public_id, *Post.objects.filter(image=image).values_list("public_id", flat=True)]
    pages = {address: viewer.get(address, headers={"HX-Request": "true"}) for address in addresses(image)}
    found = {address for address, page in pages.items() if any(name in page.content.decode() for name in names)}
    found |= {address for address, page in pages.items() if "q=" not in address and MARK in page.content.decode()}
    file = reverse("generation:rendition", args=[image.public_id, image.rendition_hash, image.width, "png"])
    return found | ({"file"} if viewer.get(file).status_code == 200 else set())


def signed_addresses(author: Any, image: Image) -> list[str]:
    """The files of a picture as the API gives them to its author's own program."""
    found = json.dumps(author.get(f"/api/images/{image.public_id}/").json())
    return re.findall(r'"(?:http://testserver)?(/[^"]*[?&]s=[^"]*)"', found)


def is_for_datasets(image: Image) -> bool:
    """Whether nothing but the missing consent keeps it out of a release."""
    known = Image.objects.annotate(reason=image_reason(ReleaseFilter(), timezone.now())).filter(pk=image.pk)
    reason = known.values_list("reason", flat=True)[0]
    return reason in ("", "author_consent", "may_not_train")


def test_only_an_allowed_picture_is_public_and_only_as_long_as_it_is_allowed(
    answer: str, alice: User, bob: User, mod: User, make_image: MakeImage, as_user: As, settings: Settings
) -> None:
    image = make_image(alice, prompt=f"a {MARK} castle", state=ImageState.GENERATED)
    check_image(image_id=image.pk)
    with expect(answer):
        publish_image(image=image, author=alice)
    visitor, member = as_user(None), as_user(bob)
    image.refresh_from_db()
    is_shown = answer == "allows"
    for viewer in (visitor, member):
        assert bool(shown_to(viewer, image)) == is_shown
    assert PromptExample.objects.filter(image=image).exists() == is_shown
    assert is_for_datasets(image) == is_shown
    settings.MODERATION_TEXT_CHECKERS = [f"{HERE}.allows"]
    if not is_shown:
        _decide(image, mod, Decision.Action.APPROVE)
        publish_image(image=Image.objects.get(pk=image.pk), author=alice)
    image.refresh_from_db()
    cache.clear()  # a list is shared for a second, and this one may have been read before
    everywhere = shown_to(visitor, image)
    assert {"file", "/@alice/", f"/search/?q={MARK}", "/feeds/atom/?sort=new", "/?sort=new"} <= everywhere
    _decide(image, mod, Decision.Action.HOLD)
    image.refresh_from_db()
    signed = signed_addresses(as_user(alice), image)
    assert signed
    for viewer in (visitor, member):
        assert shown_to(viewer, image) == set(), "snapshots and caches"
        assert {viewer.get(address).status_code for address in signed} == {404}
    cache.clear()
    assert shown_to(visitor, image) == set()
    assert not PromptExample.objects.filter(image=image).exists()
    assert not is_for_datasets(image)


def _decide(image: Image, moderator: User, action: str) -> None:
    case = open_case(target=image, origin="report", severity=2)
    claim_case(moderator=moderator, case=case)
    decide_case(case=case, moderator=moderator, action=action, reason="sexual")


def test_only_an_allowed_picture_may_be_started_from(answer: str, alice: User) -> None:
    now = timezone.now()
    upload = keep_upload(author=alice, picture=PIL.Image.new("RGB", (64, 64), "teal"), at=now)
    for check in range(MAX_UPLOAD_CHECKS):
        check_upload(upload_id=upload.pk, at=now + check * CHECK_AGAIN)
    upload.refresh_from_db()
    assert (upload.state == Upload.State.READY) == Upload.objects.usable_by(alice).exists() == (answer == "allows")
    assert (upload.state == Upload.State.REFUSED) == bool(upload.failure) == (answer != "allows")


def test_only_allowed_words_are_published(
    answer: str, alice: User, bob: User, make_image: MakeImage, settings: Settings
) -> None:
    image, now = make_image(alice), timezone.now()
    settings.MODERATION_TEXT_CHECKERS, chosen = [f"{HERE}.allows"], settings.MODERATION_TEXT_CHECKERS
    post = publish_image(image=image, author=alice)
    comment = post_comment(post=post, author=bob, text="Lovely")
    monday = local_day(now) - timedelta(days=local_day(now).weekday())
    style = EmergentStyle.objects.create(centre=[0.1] * TEXT_DIMENSIONS, words="ink", first_week=monday)
    settings.MODERATION_TEXT_CHECKERS = chosen
    ways: dict[str, Callable[[], object]] = {
        "title": lambda: publish_image(image=image, author=alice, title=MARK),
        "alternative text": lambda: publish_image(image=image, author=alice, alt_text=MARK),
        "tags": lambda: tag_post(post=post, author=alice, tags=[MARK]),
        "comment": lambda: post_comment(post=post, author=bob, text=MARK),
        "edited comment": lambda: edit_comment(comment=comment, author=bob, text=MARK),
        "collection": lambda: create_collection(owner=alice, name=MARK),
        "name": lambda: edit_profile(member=alice, display_name=MARK, bio=""),
        "profile": lambda: edit_profile(member=alice, display_name="", bio=MARK),
        "theme": lambda: propose_theme(member=alice, theme=MARK),
        "style": lambda: suggest_name(style=style, member=alice, name=MARK),
    }
    for way, write in ways.items():
        with expect(answer):
            write()
            assert answer == "allows", way
