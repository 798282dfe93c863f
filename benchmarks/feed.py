"""Reading a page of the feed, against a keyset SELECT of as many ids and columns by bare psycopg.

    python -m benchmarks.feed [--quick]

Loads posts by COPY, then asks in turn for page 1 and page 100 both ways on the same database, so that a busy
machine slows both. The feed's side reads its snapshot, fetches the rows that cards need and re-checks each for a
signed-in viewer; the bare side orders the narrow table by its index and joins the same rows with no checks at all.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.local import services  # noqa: E402

if TYPE_CHECKING:
    from django.db.models import Model

AUTHORS = 2_000
PAGE, DEEP = 24, 100
NOW = datetime.now(UTC).replace(microsecond=0)
BARE = """
    SELECT entry.post_id, entry.hot, post.public_id, post.title, writer.username, image.public_id, image.width,
           image.height, image.placeholder, made.prompt, tally.likes
    FROM feed_feedentry entry JOIN feed_post post ON post.id = entry.post_id
    JOIN feed_postcount tally ON tally.post_id = entry.post_id JOIN generation_image image ON image.id = post.image_id
    JOIN generation_generation made ON made.id = image.generation_id
    JOIN accounts_user writer ON writer.id = post.author_id
    WHERE entry.is_visible AND entry.content_level <= 0 AND (entry.hot, entry.post_id) < (%s, %s)
    ORDER BY entry.hot DESC, entry.post_id DESC LIMIT 24
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10,000 posts: under a minute")
    parser.add_argument("--posts", type=int, default=100_000)
    arguments = parser.parse_args()
    posts, times = (10_000, 100) if arguments.quick else (arguments.posts, 400)
    with tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        with services(Path(folder)) as variables:
            os.environ.update({**variables, "VAR_DIR": folder}, DJANGO_SETTINGS_MODULE="config.settings")
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            loaded = load(posts)
            report(posts, loaded, measure(times))


def load(posts: int) -> float:
    """Fills the database and returns the seconds that took."""
    from django.db import connection

    from feed.models import FeedEntry, Post, PostCount
    from generation.models import Generation, Image

    image, post = template()
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE plan (n bigint, author bigint, at timestamptz, weight int, hot float8)")
        with cursor.copy("COPY plan FROM STDIN") as copy:
            for row in plan(posts, post.author_id):
                copy.write_row(row)
        mine = {"id": "n", "public_id": "'p' || lpad(n::text, 11, '0')", "author_id": "author", "image_id": "n"}
        times = dict.fromkeys(("published_at", "submitted_at", "queued_at", "ready_at"), "at")
        rank = {
            "post_id": "n",
            "hot": "plan.hot",
            "likes": "plan.weight",
            "weight": "plan.weight",
            "author_id": "author",
        }
        made = {**mine, **times, "idempotency_key": "n::text", "prompt": "'picture ' || n"}
        multiply(cursor, Generation, image.generation_id, made)
        multiply(cursor, Image, image.pk, {**mine, **times, "generation_id": "n", "seed": "n"})
        multiply(cursor, Post, post.pk, {**mine, **times})
        multiply(cursor, PostCount, post.pk, rank)
        multiply(cursor, FeedEntry, post.pk, {**rank, **times})
        cursor.execute("ANALYZE")
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


def plan(posts: int, first_author: int) -> Any:
    """(number, author, published at, weight, hot): a year of posts, votes as unequal as votes are."""
    import random

    from feed import ranking

    rng = random.Random(7)
    for n in range(posts):
        at = NOW - timedelta(days=365) * rng.random()
        weight = int(rng.paretovariate(1.1)) - 1
        author = first_author + int(AUTHORS * rng.random() ** 2)
        yield n + 1_000, author, at, min(weight, 100_000), ranking.hot(weight, at)


def multiply(cursor: Any, model: "type[Model]", pk: int, values: dict[str, str]) -> None:
    """Copies row `pk` once per row of the plan; `values` are SQL for the columns that differ."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    chosen = ", ".join(values.get(column, f"template.{column}") for column in columns)
    table, key = model._meta.db_table, columns[0]  # the primary key is every model's first
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} template, plan "  # noqa: S608
        f"WHERE template.{key} = %s",
        [pk],
    )


def measure(times: int) -> dict[str, list[float]]:
    """Milliseconds of every request: ``{"feed page 1": […], "bare page 1": […], …}``."""
    import psycopg
    from django.conf import settings
    from django.db import connection

    from accounts.models import User
    from feed.listings import Listing
    from feed.models import FeedEntry
    from feed.reading import read_page

    viewer = User.objects.get(username="author1999")
    listing = Listing.of(viewer, "hot")
    cursor, place = "", (1e9, 0)
    for _ in range(DEEP - 1):
        page = read_page(listing, viewer, at=datetime.now(UTC), cursor=cursor, size=PAGE)
        cursor = page.next or ""
    last = FeedEntry.objects.get(pk=page.posts[-1].pk)
    deep = (last.hot, last.pk)
    data = settings.DATABASES["default"]
    bare = psycopg.connect(
        host=data["HOST"], port=data["PORT"], user=data["USER"], password=data["PASSWORD"], dbname=data["NAME"],
        autocommit=True,
    )  # fmt: skip
    ways: dict[str, Callable[[], object]] = {
        "feed page 1": lambda: read_page(listing, viewer, at=datetime.now(UTC), size=PAGE),
        "bare page 1": lambda: bare.execute(BARE, place).fetchall(),
        f"feed page {DEEP}": lambda: read_page(listing, viewer, at=datetime.now(UTC), cursor=cursor, size=PAGE),
        f"bare page {DEEP}": lambda: bare.execute(BARE, deep).fetchall(),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            spent[name].append(1000 * (time.perf_counter() - began))
    bare.close()
    connection.close()
    return spent


def report(posts: int, loaded: float, spent: dict[str, list[float]]) -> None:
    figures: dict[str, Any] = {"posts": posts, "load_s": round(loaded, 1)}
    print(f"{posts:,} posts, loaded in {loaded:.1f} s\n{'':<16}{'p50 ms':>10}{'p95 ms':>10}")
    for name, values in spent.items():
        p50, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
        print(f"{name:<16}{p50:>10.2f}{p95:>10.2f}")
        figures[name.replace(" ", "_")] = {"p50_ms": round(p50, 3), "p95_ms": round(p95, 3)}
    for page in (1, DEEP):
        ratio = figures[f"feed_page_{page}"]["p50_ms"] / figures[f"bare_page_{page}"]["p50_ms"]
        figures[f"ratio_page_{page}"] = round(ratio, 2)
        print(f"page {page}: {ratio:.2f} times the bare SELECT")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
