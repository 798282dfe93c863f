"""Searching, against embedding the same words and one bare pgvector query.

    python -m benchmarks.search [--quick] [--posts N] [--keep FOLDER]

Loads posts by COPY. Their vectors are generated: each is the real vector of one of some hundred phrases plus the real
vectors of three details, each 0.3 to 0.7 of it, moved at random by 0.15 of a phrase's length. With these numbers the
local intrinsic dimension (by maximum likelihood, 100 neighbours among 12,000) is 8.6, and that of the real vectors of
12,000 prompts made of the same words 9.0. Then searches run in turn both ways on the same database, so that a busy
machine slows both. Search parses the query, embeds it, looks for words and for meaning, and fetches the rows of 24
cards through the filter of a signed-in member with 20 mutes and 10 blocks; the bare side embeds the same words and
asks the same index, as thoroughly, for 24 ids, filtering nothing. Recall compares the first 20 that search's scan
finds by meaning with the exact ones.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.support.bulk import bulk, connect  # noqa: E402
from benchmarks.support.feed_load import multiply_all, template  # noqa: E402
from benchmarks.support.place import place  # noqa: E402

NOW = datetime.now(UTC).replace(microsecond=0)
SUBJECTS = [
    "fox",
    "wolf",
    "car",
    "bicycle",
    "mountain",
    "harbour",
    "castle",
    "robot",
    "teapot",
    "owl",
    "lighthouse",
    "violin",
    "garden",
    "bridge",
    "astronaut",
]
MANNERS = [
    "watercolour", "ink wash", "neon cyberpunk", "oil painting", "pixel art", "woodcut", "pencil sketch", "low poly",
]  # fmt: skip
DETAILS = [
    ["by the sea", "in a forest", "on a hill", "in a crowded street", "in an empty hall", "underwater", "in the desert",
     "on a rooftop", "in a library", "among ruins", "in a valley", "at a market"],
    ["at dawn", "at noon", "at dusk", "at midnight", "in heavy rain", "in the snow", "under stars", "in thick fog",
     "in spring", "in autumn", "by candlelight", "in a storm"],
    ["melancholic", "joyful", "mysterious", "calm", "dramatic", "funny", "dreamlike", "austere", "crowded with detail",
     "minimal", "nostalgic", "menacing"],
]  # fmt: skip
WORDED = [f"{subject} {manner.split()[0]}" for subject, manner in product(SUBJECTS[:10], MANNERS[:5])]
MEANT = [
    "canine", "automobile", "seaside town", "fortress", "machine man", "songbird at night", "string instrument",
    "flowers outdoors", "space traveller", "retro game", "japanese brush drawing", "futuristic city lights",
]  # fmt: skip
NOISE, HARD_NOISE, NEAREST = 0.15, 0.6, 20
DETAIL = 0.3, 0.7  # of a phrase's length


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5,000 posts: a minute")
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--hard", action="store_true", help="vectors moved by 0.6 in any of 384 directions")
    parser.add_argument("--keep", default="", help="a folder for the services: what was loaded there is used again")
    arguments = parser.parse_args()
    posts, rounds = (5_000, 1) if arguments.quick else (arguments.posts, 4)
    models = os.environ.get("CHECKPOINTS_DIR", str(ROOT / "var" / "checkpoints"))
    if not Path(models, "meaning", "model.onnx").exists():
        subprocess.run([sys.executable, "-m", "starter.meaning", "--out", f"{models}/meaning"], cwd=ROOT, check=True)
    with place(arguments.keep, CHECKPOINTS_DIR=models, DJANGO_SETTINGS_MODULE="config.settings"):
        from feed.models import SearchEntry

        is_loaded = SearchEntry.objects.exists()
        loaded = {"load_s": 0.0, "index_s": 0.0} if is_loaded else load(posts, is_hard=arguments.hard)
        viewer = restricted_viewer()
        report(SearchEntry.objects.count(), loaded, measure(viewer, rounds), recall(viewer))


def load(posts: int, *, is_hard: bool) -> dict[str, float]:
    """Fills the database; seconds of loading and of building the index."""
    from feed.models import PostWords, SearchEntry

    image, post = template()
    began = time.perf_counter()
    _load_posts(image, post, posts)
    with bulk([PostWords, SearchEntry]) as cursor:
        _load_entries(cursor, image, said(posts, is_hard=is_hard))
        filled = time.perf_counter()
    indexed = time.perf_counter()
    return {"load_s": round(filled - began, 1), "index_s": round(indexed - filled, 1)}


def _load_posts(image: Any, post: Any, posts: int) -> None:
    """Copies of a post and its image, each with its own number."""
    from feed.models import Post, PostCount
    from generation.models import Generation, Image

    with bulk([Generation, Image, Post, PostCount]) as cursor:
        cursor.execute("CREATE UNLOGGED TABLE plan (n bigint, author bigint, at timestamptz)")
        cursor.execute(
            "INSERT INTO plan SELECT n + 1000, %s + n %% 2000, %s::timestamptz - n * interval '30 seconds'"
            " FROM generate_series(1, %s) n",
            [post.author_id, NOW, posts],
        )
        mine = {"id": "n", "public_id": "'p' || lpad(n::text, 11, '0')", "author_id": "author", "image_id": "n"}
        times = dict.fromkeys(("published_at", "submitted_at", "queued_at", "ready_at"), "at")
        multiply_all([
            (Generation, image.generation_id, {**mine, **times, "idempotency_key": "n::text"}),
            (Image, image.pk, {**mine, **times, "generation_id": "n", "seed": "n"}),
            (Post, post.pk, {**mine, **times}),
            (PostCount, post.pk, {"post_id": "n"}),
        ])  # fmt: skip
        cursor.execute("DROP TABLE plan")


def _load_entries(cursor: Any, image: Any, rows: Iterable[tuple[int, str, Any]]) -> None:
    """Words and vectors of the copies of an image, by COPY."""
    from pgvector.psycopg import register_vector

    from lib.text import TOKENISER, cut_parts

    register_vector(cursor.connection)
    names = "post_id, author_id, checkpoint_id, seed, published_at, content_level, is_prompt_hidden, text, meaning"
    columns = f"{names}, text AS words"
    cursor.execute(f"CREATE UNLOGGED TABLE entries AS SELECT {columns} FROM feed_searchentry LIMIT 0")  # noqa: S608
    with (
        cursor.connection.cursor() as vectors,
        vectors.copy(f"COPY entries ({names}, words) FROM STDIN (FORMAT binary)".encode()) as copy,
    ):
        copy.set_types(["int8", "int8", "int8", "int8", "timestamptz", "int2", "bool", "text", "halfvec", "text"])
        checkpoint = image.generation.checkpoint_id
        for n, text, vector in rows:
            author, at = image.author_id + (n - 1000) % 2000, NOW - timedelta(seconds=30 * (n - 1000))
            copy.write_row([n, author, checkpoint, n, at, 0, False, text, vector, cut_parts([text])])
    cursor.execute(
        "INSERT INTO feed_postwords (post_id, readable, hidden, source, version)"
        " SELECT post_id, words, '', md5(words)::uuid, %s FROM entries",
        [TOKENISER],
    )
    cursor.execute(
        f"INSERT INTO feed_searchentry ({names}, lexemes)"  # noqa: S608
        f" SELECT {names}, salon_lexemes(words) FROM entries"
    )
    cursor.execute("DROP TABLE entries")


def said(posts: int, *, is_hard: bool = False) -> Iterator[tuple[int, str, Any]]:
    """(number, text, vector): the real vectors of a phrase and of three details added up, moved a little.

    Args:
        is_hard: no details, but moved at random by 0.6: all neighbours are nearly as far, and in no direction.
    """
    from pgvector import HalfVector

    from feed.search.embeddings import text as text_embeddings

    phrases = [f"{subject} in {manner}" for subject, manner in product(SUBJECTS, MANNERS)]
    centres, rng = text_embeddings.embed(phrases), np.random.default_rng(7)
    details, noise = ([], HARD_NOISE) if is_hard else ([text_embeddings.embed(kind) for kind in DETAILS], NOISE)
    for n in range(posts):
        chosen = int(rng.integers(len(phrases)))
        moved = centres[chosen] + noise * rng.standard_normal(384).astype(np.float32) / 384**0.5
        for kind in details:
            moved = moved + rng.uniform(*DETAIL) * kind[rng.integers(len(kind))]
        yield n + 1001, f"{phrases[chosen]} number {n}", HalfVector(moved / np.linalg.norm(moved))


def restricted_viewer() -> Any:
    """A member with 20 mutes (words, authors) and 10 blocks."""
    from accounts.models import User
    from feed.models import Block, Mute

    members = list(User.objects.order_by("pk")[:31])
    viewer = members[-1]
    Mute.objects.bulk_create(
        [Mute(member=viewer, kind="author", author=one, created_at=NOW) for one in members[:10]]
        + [
            Mute(member=viewer, kind="word", value=f"number {n}", words=f"number {n}", created_at=NOW)
            for n in range(10)
        ],
        ignore_conflicts=True,
    )
    blocks = [Block(member=viewer, blocked=one, created_at=NOW) for one in members[10:20]]
    Block.objects.bulk_create(blocks, ignore_conflicts=True)
    return viewer


def measure(viewer: Any, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every search: ``{"search words": […], "bare words": […], …}``."""
    from pgvector import HalfVector
    from pgvector.psycopg import register_vector

    from feed.search.embeddings import text as text_embeddings
    from feed.search.query_language import parse
    from feed.search.results import read_results
    from feed.search.sql import EF_SEARCH

    bare = connect()
    register_vector(bare)
    bare.execute(f"SET hnsw.ef_search = {EF_SEARCH}")

    def plain(text: str) -> object:
        vector = HalfVector(text_embeddings.embed([text])[0])
        return bare.execute(
            "SELECT post_id FROM feed_searchentry ORDER BY meaning <=> %s LIMIT 24", [vector]
        ).fetchall()

    def search(text: str) -> object:
        return read_results(parse(text), viewer, at=datetime.now(UTC) + timedelta(seconds=1))

    ways: dict[str, Callable[[str], object]] = {"search": search, "bare": plain}
    spent: dict[str, list[float]] = {}
    for kind, texts in (("warm", WORDED + MEANT), *[("words", WORDED), ("meaning", 4 * MEANT)] * rounds):
        for number, text in enumerate(texts):
            for name, way in list(ways.items())[:: -1 if number % 2 else 1]:  # the second finds the index in the caches
                began = time.perf_counter()
                way(text)
                spent.setdefault(f"{name} {kind}", []).append(1000 * (time.perf_counter() - began))
    bare.close()
    return {name: values for name, values in spent.items() if "warm" not in name}


def recall(viewer: Any) -> dict[str, float]:
    """Share of the exact 20 nearest, under the level filter, that search's scan finds, by query."""
    from feed.search import retrieval
    from feed.search import sql as search_sql
    from feed.search.query_language import parse

    recalls = {}
    connection = connect()
    connection.execute("SET enable_indexscan = off; SET max_parallel_workers_per_gather = 0")
    for text in WORDED + MEANT:
        search = retrieval.begin(parse(text), viewer, NOW)
        clause, vector = search._clause(plain=False), search.vector
        assert vector is not None
        found = [post_id for post_id, _distance in search_sql.find_nearest(clause, vector, retrieval.NEAREST[0])][
            :NEAREST
        ]
        exact = connection.execute(
            f"SELECT post_id FROM feed_searchentry WHERE meaning IS NOT NULL AND {clause.sql}"  # noqa: S608
            f" ORDER BY meaning <=> %(towards)s LIMIT {NEAREST}".encode(),
            {**clause.values, "towards": str(vector.astype(np.float16).tolist())},
        )
        recalls[text] = len(set(found) & {post_id for (post_id,) in exact}) / NEAREST
    connection.close()
    return recalls


def report(posts: int, loaded: dict[str, float], spent: dict[str, list[float]], found: dict[str, float]) -> None:
    figures: dict[str, Any] = {"posts": posts, **loaded, "recall_at_20": round(statistics.mean(found.values()), 4)}
    print(f"{posts:,} posts, loaded in {loaded['load_s']} s, indexed in {loaded['index_s']} s")
    print(f"{'':<16}{'p50 ms':>10}{'p95 ms':>10}")
    for name, values in spent.items():
        p50, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
        print(f"{name:<16}{p50:>10.2f}{p95:>10.2f}")
        figures[name.replace(" ", "_")] = {"p50_ms": round(p50, 2), "p95_ms": round(p95, 2)}
    for kind in ("words", "meaning"):
        ratio = figures[f"search_{kind}"]["p95_ms"] / figures[f"bare_{kind}"]["p95_ms"]
        figures[f"ratio_{kind}"] = round(ratio, 2)
        print(f"{kind}: p95 {ratio:.2f} times embedding and a bare vector query")
    print(f"recall@20 {figures['recall_at_20']:.3f}")
    for kind, texts in (("words", WORDED), ("meaning", MEANT)):
        recalls = [found[text] for text in texts]
        mean, least = round(statistics.mean(recalls), 4), min(recalls)
        figures[f"recall_{kind}"] = {"mean": mean, "least": least}
        print(f"{kind}: recall@20 {mean:.3f}, at least {least:.2f} ({min(texts, key=lambda text: found[text])})")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
