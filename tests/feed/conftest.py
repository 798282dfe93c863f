"""Published posts, one or many at once."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from filelock import FileLock

from accounts.models import User
from feed.challenges.services import publish_into_challenge
from feed.models import FeedEntry, Post, PostCount
from feed.ranking import formulas
from feed.rates import unlimited
from generation.models import Generation, Image, ImageState
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage, checkpoint_row


@pytest.fixture(scope="session")
def encoder() -> Path:
    """The real sentence encoder, exported once for all runs: that imports torch."""
    folder = Path(django_settings.CHECKPOINTS_DIR) / "meaning"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / ".embedding.lock"):
        if not (folder / "model.onnx").exists():
            from starter.meaning import export

            export(folder)
    return folder


class Publish(Protocol):
    def __call__(self, author: User, **fields: Any) -> Post: ...


@pytest.fixture
def publish(make_image: MakeImage) -> Publish:
    """``publish(alice, prompt="a fox", title="Fox")``: a published picture; `at` is when it was made and published."""

    def make(author: User, **fields: Any) -> Post:
        words: dict[str, Any] = {"challenge": fields.pop("challenge", None)}
        words |= {name: fields.pop(name) for name in ("title", "hide_prompt") if name in fields}
        image = make_image(author, **fields)
        with unlimited():
            return publish_into_challenge(image=image, author=author, at=fields.get("at"), **words)

    return make


class PublishMany(Protocol):
    def __call__(
        self, number: int, *, authors: int | list[User] = 40, at: datetime | None = None, first: int = 0
    ) -> list[Post]: ...


@pytest.fixture
def publish_many(make_member: MakeMember) -> PublishMany:
    """Rows as `publish_image` leaves them, without files: one a minute back from `at`, authors in turn.

    `first` numbers them on from an earlier call with the same authors.
    """

    def make(number: int, *, authors: int | list[User] = 40, at: datetime | None = None, first: int = 0) -> list[Post]:
        at = at or timezone.now()
        members = authors if isinstance(authors, list) else [make_member(f"author{n}") for n in range(authors)]
        times = [at - timedelta(minutes=n + 1) for n in range(number)]
        posts = Post.objects.bulk_create(
            Post(image=image, author=image.author, published_at=time)
            for image, time in zip(_images(members, times, first), times, strict=True)
        )
        PostCount.objects.bulk_create(PostCount(post=post) for post in posts)
        FeedEntry.objects.bulk_create(_entry(post) for post in posts)
        return posts

    return make


def _images(members: list[User], times: list[datetime], first: int) -> list[Image]:
    checkpoint = checkpoint_row("toy", "toy")
    made = Generation.objects.bulk_create(
        Generation(
            author=members[n % len(members)], prompt=f"picture {n}", checkpoint=checkpoint, scheduler="DDIMScheduler",
            steps=3, guidance=3, width=48, height=48, idempotency_key=str(n), submitted_at=time,
        )
        for n, time in enumerate(times, first)
    )  # fmt: skip
    return Image.objects.bulk_create(
        Image(
            generation=one, author=one.author, position=0, seed=n, batch_key="toy", cost_units=1, pool="default",
            not_before=one.submitted_at, queued_at=one.submitted_at, width=48, height=48, state=ImageState.READY,
            is_public=True, rendition_hash="0" * 16, rendition_widths=[48], prefix=f"images/{n}/1",
        )
        for n, one in enumerate(made, first)
    )  # fmt: skip


def _entry(post: Post) -> FeedEntry:
    return FeedEntry(
        post=post,
        author_id=post.author_id,
        checkpoint_id=post.image.generation.checkpoint_id,
        content_level=0,
        published_at=post.published_at,
        hot=formulas.hot(0, post.published_at),
    )
