"""Filling a database with a year of answers by COPY, as many as a benchmark of the Research pages asks for.

Foreign keys are not looked up, and indexes are built when everything is there. The answers have something to say:
models, aspects and people differ, strata answer unequally often, and a few answers are flagged.
"""

import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from benchmarks.support.bulk import bulk

if TYPE_CHECKING:
    pass

CHECKPOINTS, STYLES, TAGS = 8, 5, 12
MOST_RATERS, MOST_IMAGES = 20_000, 20_000
DAYS = 365
ASKS_AN_ANSWER = 1.21  # the strata below answer 83 % of their asks between them
COMPARED = 10  # answers to questions per vote on a pair
CHUNK = 250_000  # rows of a COPY
PRIME = 2_654_435_761  # steps through people x pictures x questions without ever coming to one twice
STRATA, P_ASK, RESPONSE = ["new/first", "regular/answers", "regular/silent"], [0.05, 0.1, 0.5], [0.9, 0.9, 0.7]
FLAGGED, RULES = 0.02, 1  # the share of answers with a flag, and the version of the rules behind it
NOW = datetime.now(UTC).replace(microsecond=0)

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class World:
    """Who rates what: ids in a row from the first, and the ids of the questions on a scale and of the one of pairs."""

    raters: int
    first_rater: int
    images: int
    first_image: int
    policy: int
    questions: list[int]
    pair_question: int
    asks: int  # about one picture; those about pairs come after them
    pairs: int


def load(answers: int) -> tuple[int, int, float]:
    """Writes about `answers` answers and a tenth as many votes on pairs.

    Returns how many rows of each there are, and the seconds that took.
    """
    from ratings.models import Ask, Comparison, QualityFlag, Rating

    began = time.perf_counter()
    world = people_and_pictures(answers)
    rng = np.random.default_rng(1)
    with bulk([Ask, Rating, Comparison, QualityFlag]) as cursor:
        cursor.execute("ALTER TABLE ratings_rating DROP CONSTRAINT rating_once")  # random writes to a large index
        rated = sum(write_answers(cursor, world, rng, n) for n in numbers(world.asks))
        compared = sum(write_votes(cursor, world, rng, n) for n in numbers(world.pairs))
        cursor.execute(
            "ALTER TABLE ratings_rating ADD CONSTRAINT rating_once UNIQUE (image_id, question_id, rater_id, repeat_no)"
        )
    return rated, compared, time.perf_counter() - began


def numbers(end: int) -> Iterator[Numbers]:
    """0 up to `end`, as many at once as a COPY takes."""
    yield from (np.arange(start, min(start + CHUNK, end)) for start in range(0, end, CHUNK))


def people_and_pictures(answers: int) -> World:
    """Members, and pictures of every model on each prompt, published with a tag or two."""
    from accounts.models import User
    from ratings.models import Policy, Question

    raters, images = min(MOST_RATERS, max(50, answers // 50)), min(MOST_IMAGES, max(800, answers // 50))
    images -= images % CHECKPOINTS
    author = User.objects.create(username="author")
    User.objects.bulk_create((User(username=f"rater{n}") for n in range(raters)), batch_size=5_000)
    questions = Question.objects.active()
    policy = Policy.objects.current()
    assert policy is not None
    return World(
        raters=raters,
        first_rater=author.pk + 1,
        images=images,
        first_image=pictures(author, images),
        policy=policy.pk,
        questions=list(questions.on_scale().order_by("pk").values_list("pk", flat=True)),
        pair_question=questions.get(slug="preference").pk,
        asks=int(answers * ASKS_AN_ANSWER),
        pairs=answers // COMPARED,
    )


def pictures(author: Any, images: int) -> int:
    """Picture n is model n % CHECKPOINTS's of prompt n // CHECKPOINTS; returns the id of the first."""
    from feed.models import Post, PostTag, Tag
    from generation.models import Generation, Image, Style
    from tests.generation.fixtures import checkpoint_row

    models = [checkpoint_row(f"model-{n}", f"model-{n}") for n in range(CHECKPOINTS)]
    styles = [None, *(Style.objects.get_or_create(slug=f"style-{n}", name=f"Style {n}")[0] for n in range(1, STYLES))]
    tags = Tag.objects.bulk_create(Tag(name=f"subject {n}") for n in range(TAGS))
    made = Generation.objects.bulk_create(
        Generation(author=author, prompt=f"a study, {n // CHECKPOINTS}", checkpoint=models[n % CHECKPOINTS],
                   style=styles[n // CHECKPOINTS % STYLES], scheduler="-", steps=1, guidance=1, width=64, height=64,
                   idempotency_key=str(n), submitted_at=NOW)
        for n in range(images)
    )  # fmt: skip
    published = Image.objects.bulk_create(
        Image(generation=generation, author=author, position=0, seed=n, batch_key="-", cost_units=1, pool="default",
              not_before=NOW, queued_at=NOW, width=64, height=64, state="ready", is_public=True)
        for n, generation in enumerate(made)
    )  # fmt: skip
    posts = Post.objects.bulk_create(Post(image=image, author=author, published_at=NOW) for image in published)
    PostTag.objects.bulk_create(
        PostTag(post=post, tag=tags[(n // CHECKPOINTS + 5 * more) % TAGS])
        for n, post in enumerate(posts)
        for more in range(1 + n % 2)
    )
    return published[0].pk


def write_answers(cursor: Any, world: World, rng: np.random.Generator, n: Numbers) -> int:
    """The asks numbered `n` and what was answered; returns how many were."""
    place = n * PRIME % (world.raters * world.images * len(world.questions))
    rater, rest = place % world.raters, place // world.raters
    image, question = rest % world.images, rest // world.images
    stratum = rng.integers(0, len(STRATA), n.size)
    is_answered = rng.random(n.size) < np.take(RESPONSE, stratum)
    is_mine = n % 8 == 7
    asked = {
        **ask_columns(world, 1 + n, rater, moments(n, world.asks)),
        "surface": np.where(is_mine, "result", "post"),
        "stratum": np.take(STRATA, stratum),
        "image_id": world.first_image + image,
        "question_id": np.take(world.questions, question),
        "p_ask": np.take(P_ASK, stratum),
        "rater_is_author": is_mine,
        "outcome": np.where(is_answered, "answered", "expired"),
    }
    copy_rows(cursor, "ratings_ask", asked)
    kept = ("id", "rater_id", "image_id", "question_id", "repeat_no", "created_at")
    answered = {name: asked[name][is_answered] for name in kept}
    liking = 3.2 + 0.15 * (image % CHECKPOINTS) - 0.2 * (question == 5) + 0.5 * np.sin(rater)
    value = np.clip(np.rint(liking + rng.normal(0, 1, n.size)), 1, 5).astype(np.int64)
    copy_rows(cursor, "ratings_rating", {**answered, "ask_id": answered["id"], "value": value[is_answered]})
    flagged = rng.random(int(is_answered.sum())) < FLAGGED
    ids, at = answered["id"][flagged], answered["created_at"][flagged]
    flag = {"flag": np.full(ids.size, "too_fast"), "version": np.full(ids.size, RULES)}
    copy_rows(cursor, "ratings_qualityflag", {"id": ids, "ask_id": ids, "raised_at": at, **flag})
    return int(is_answered.sum())


def write_votes(cursor: Any, world: World, rng: np.random.Generator, n: Numbers) -> int:
    """Asks about two pictures of one prompt by two models, all answered; returns how many."""
    lower, higher = np.triu_indices(CHECKPOINTS, 1)
    prompts = world.images // CHECKPOINTS
    place = n * PRIME % (world.raters * prompts * len(lower))
    rater, rest = place % world.raters, place // world.raters
    prompt, pair = rest % prompts, rest // prompts
    low, high = (world.first_image + prompt * CHECKPOINTS + side[pair] for side in (lower, higher))
    is_low = rng.random(n.size) < 1 / (1 + np.exp(0.2 * (higher - lower)[pair] + 0.3 * np.sin(rater + prompt)))
    is_swapped = rng.random(n.size) < 0.5
    is_even, is_bad = rng.random(n.size) < 0.1, rng.random(n.size) < 0.2
    outcome = np.where(is_even, np.where(is_bad, "both_bad", "tie"), np.where(is_low != is_swapped, "left", "right"))
    asked = {
        **ask_columns(world, 1 + world.asks + n, rater, moments(n, world.pairs)),
        "surface": np.full(n.size, "compare"),
        "stratum": np.full(n.size, STRATA[1]),
        "image_low_id": low,
        "image_high_id": high,
        "question_id": np.full(n.size, world.pair_question),
        "strategy": np.full(n.size, "model"),
        "is_side_swapped": is_swapped,
        "outcome": np.full(n.size, "answered"),
    }
    copy_rows(cursor, "ratings_ask", asked)
    answered = {
        name: asked[name] for name in ("id", "rater_id", "image_low_id", "image_high_id", "repeat_no", "created_at")
    }
    preferred = pa.array(np.where(is_low, low, high), mask=is_even)
    verdict = {"outcome": outcome, "preferred_id": preferred, "quality_flags": np.full(n.size, "{}")}
    copy_rows(cursor, "ratings_comparison", {**answered, "ask_id": answered["id"], **verdict})
    return int(n.size)


def ask_columns(world: World, ids: Numbers, rater: Numbers, at: NDArray[Any]) -> dict[str, Any]:
    """What every ask has, as it is unless the caller says otherwise."""
    no, one = np.zeros(ids.size, dtype=bool), np.ones(ids.size)
    return {
        "id": ids,
        "public_id": pc.utf8_lpad(pa.array(ids).cast(pa.string()), 12, padding="0"),
        "policy_id": np.full(ids.size, world.policy),
        "rater_id": world.first_rater + rater,
        "strategy": np.full(ids.size, ""),
        "p_question": one / 7,
        **dict.fromkeys(("p_ask", "p_strategy", "p_pair", "p_side"), one),
        "repeat_no": np.zeros(ids.size, dtype=np.int64),
        **dict.fromkeys(("is_gold", "is_scale_reversed", "is_side_swapped", "rater_is_author"), no),
        "language": np.full(ids.size, "en"),
        **dict.fromkeys(("created_at", "expires_at"), at),
    }


def moments(n: Numbers, end: int) -> NDArray[Any]:
    """When number `n` of `end` happened: spread evenly over the year, the last just now."""
    ago = (DAYS - 1) * 86_400e6 * (1 - (n + 1) / (end + 1))
    return np.asarray(np.datetime64(NOW.replace(tzinfo=None), "us") - ago.astype("timedelta64[us]"))


def copy_rows(cursor: Any, table: str, columns: Mapping[str, Any]) -> None:
    """Writes columns of equal length to the table's columns of those names."""
    rows = pa.table({
        name: pa.array(column, pa.timestamp("us", "UTC")) if name.endswith("_at") else column
        for name, column in columns.items()
    })  # fmt: skip
    out = io.BytesIO()
    pa.csv.write_csv(rows, out, pa.csv.WriteOptions(include_header=False))
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(out.getbuffer())
