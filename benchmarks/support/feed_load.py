"""Filling a database with posts by COPY, as many as a benchmark of the feed asks for.

Foreign keys are not looked up and indexes are built when everything is there: the rows are copies of one that is right.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.support.bulk import LOADING, bulk, together

if TYPE_CHECKING:
    from django.db.models import Model

AUTHORS = 2_000
FIRST = 1_000  # the id of the first post
NOW = datetime.now(UTC).replace(microsecond=0)


def load(posts: int, already: int = 0) -> float:
    """Adds posts until there are `posts`, of which `already` are there; returns the seconds that took."""
    from feed.models import FeedEntry, Post, PostCount
    from generation.models import Generation, Image

    image, post = template() if not already else known()
    began = time.perf_counter()
    with bulk([Generation, Image, Post, PostCount, FeedEntry]) as cursor:
        cursor.execute("CREATE UNLOGGED TABLE plan (n bigint, author bigint, at timestamptz, weight int, hot float8)")
        with cursor.copy("COPY plan FROM STDIN") as copy:
            for rows in plan(already, posts, post.author_id):
                copy.write(rows)
        mine = {"id": "n", "public_id": "'p' || lpad(n::text, 11, '0')", "author_id": "author", "image_id": "n"}
        times = dict.fromkeys(("published_at", "submitted_at", "queued_at", "ready_at"), "at")
        rank = {"post_id": "n", "hot": "plan.hot", "likes": "plan.weight", "weight": "plan.weight"}
        made = {**mine, **times, "idempotency_key": "n::text", "prompt": "'picture ' || n"}
        multiply_all([
            (Generation, image.generation_id, made),
            (Image, image.pk, {**mine, **times, "generation_id": "n", "seed": "n"}),
            (Post, post.pk, {**mine, **times}),
            (PostCount, post.pk, rank),
            (FeedEntry, post.pk, {**rank, **times, "author_id": "author"}),
        ])  # fmt: skip
        cursor.execute("DROP TABLE plan")
    return time.perf_counter() - began


def template() -> tuple[Any, Any]:
    """One post made by the model classes; the others are copies with their own numbers. Authors come with it."""
    from accounts.models import User
    from feed.models import FeedEntry, Post, PostCount
    from generation.models import Image
    from tests.generation import fixtures

    authors = User.objects.bulk_create(User(username=f"author{n}") for n in range(AUTHORS))
    generation = fixtures._generation(authors[0], NOW - timedelta(days=400), {})
    image = Image.objects.create(
        generation=generation, author=authors[0], position=0, seed=0, batch_key="-", cost_units=1, pool="default",
        not_before=NOW, queued_at=NOW, width=512, height=512, state="ready", is_public=True, rendition_hash="0" * 16,
        rendition_widths=[256, 512], prefix="images/0/1", alt_text="a picture",
    )  # fmt: skip
    post = Post.objects.create(image=image, author=authors[0], published_at=generation.submitted_at)
    PostCount.objects.create(post=post)
    FeedEntry.objects.create(
        post=post, author_id=post.author_id, checkpoint_id=generation.checkpoint_id, content_level=0,
        published_at=post.published_at, hot=0,
    )  # fmt: skip
    return image, post


def known() -> tuple[Any, Any]:
    """The template of an earlier load."""
    from feed.models import Post

    post = Post.objects.select_related("image").order_by("pk")[0]
    return post.image, post


def plan(already: int, posts: int, first_author: int) -> Iterator[str]:
    """Lines of number, author, published at, weight, hot: a year of posts, votes as unequal as votes are."""
    from feed.ranking.formulas import SECONDS_PER_TENFOLD

    rng = np.random.default_rng(already)
    for first in range(already, posts, 100_000):
        n = np.arange(first, min(first + 100_000, posts)) + FIRST
        at = NOW.timestamp() - 365 * 86_400 * rng.random(n.size)
        weight = np.minimum(rng.pareto(1.1, n.size), 100_000).astype(int)
        author = first_author + (AUTHORS * rng.random(n.size) ** 2).astype(int)
        hot = np.log10(np.maximum(weight, 1)) + at / SECONDS_PER_TENFOLD
        times = np.datetime_as_string((1e6 * at).astype("datetime64[us]"), timezone="UTC")
        rows = zip(n.tolist(), author.tolist(), times.tolist(), weight.tolist(), hot.tolist(), strict=True)
        yield "".join(f"{n}\t{author}\t{at}\t{weight}\t{hot!r}\n" for n, author, at, weight, hot in rows)


def multiply_all(copies: "list[tuple[type[Model], int, dict[str, str]]]") -> None:
    """Copies row `pk` of each model once per row of the plan; `values` are SQL for the columns that differ."""
    together([(LOADING, copied(*wanted)) for wanted in copies])


def copied(model: "type[Model]", pk: int, values: dict[str, str]) -> str:
    columns = [str(field.column) for field in model._meta.concrete_fields if not field.generated]
    chosen = ", ".join(values.get(column, f"template.{column}") for column in columns)
    table, key = model._meta.db_table, columns[0]  # the primary key is every model's first
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} template, plan "  # noqa: S608
        f"WHERE template.{key} = {pk:d}"
    )
