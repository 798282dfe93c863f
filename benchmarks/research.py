"""How long a Research page takes over millions of answers, against the largest SQL aggregate behind it.

    python -m benchmarks.research [--quick] [--answers 5000000]

The figures of a page are worked out beforehand (ratings.compute_reading); what that takes is printed too.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.local import services  # noqa: E402

if TYPE_CHECKING:
    from django.db.models import Model

QUICK, FULL = 100_000, 5_000_000
CHECKPOINTS, IMAGES, MOST_RATERS = 8, 4_000, 20_000
DAYS = 365
TIMES = 15

# What the largest figure of the page says, straight from the ledger: every question by model, weighted, with raters.
AGGREGATE = """
SELECT a.surface, a.question_id, g.checkpoint_id, sum(r.value / a.propensity), sum(1 / a.propensity), count(*),
       count(DISTINCT a.rater_id)
FROM ratings_rating r
JOIN ratings_ask a ON a.id = r.ask_id
JOIN generation_image i ON i.id = a.image_id
JOIN generation_generation g ON g.id = i.generation_id
WHERE a.created_at >= now() - interval '365 days' AND r.value IS NOT NULL AND r.repeat_no = 0
GROUP BY a.surface, a.question_id, g.checkpoint_id
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} answers instead of {FULL:,}")
    parser.add_argument("--answers", type=int)
    arguments = parser.parse_args()
    answers = arguments.answers or (QUICK if arguments.quick else FULL)
    with tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        with services(Path(folder)) as variables:
            os.environ.update({**variables, "VAR_DIR": folder}, DJANGO_SETTINGS_MODULE="benchmarks._settings")
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            print(f"{answers:,} answers written in {fill(answers):.0f} s", flush=True)
            report(measure())


def fill(answers: int) -> float:
    """Asks and answers about a few thousand pictures, a sixth of the asks unanswered; returns the seconds it took."""
    from django.db import connection

    from accounts.models import User

    began = time.perf_counter()
    raters = min(MOST_RATERS, max(50, answers // 50))
    User.objects.bulk_create((User(username=f"rater{n}") for n in range(raters)), batch_size=5_000)
    images, ask, rating = templates()
    first_rater = User.objects.order_by("pk").values_list("pk", flat=True)[0]
    asks = answers * 6 // 5
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET session_replication_role = replica")  # no foreign key is looked up row by row
        multiply(
            cursor,
            type(ask),
            ask.pk,
            {
                "id": "1000 + n",
                "public_id": "lpad(n::text, 12, '0')",
                "rater_id": f"{first_rater} + (n * 7919) % {raters}",
                "image_id": f"{images} + (n / {raters}) % {IMAGES}",
                "question_id": "(array(SELECT id FROM ratings_question WHERE form = 'scale' ORDER BY id))[1 + n % 7]",
                "stratum": "(ARRAY['new/first', 'regular/answers', 'regular/silent'])[1 + n % 3]",
                "p_ask": "(ARRAY[0.05, 0.1, 0.5])[1 + n % 3]",
                "created_at": f"now() - (n % {DAYS}) * interval '1 day' - interval '1 hour'",
                "outcome": "CASE WHEN n % 6 = 5 THEN 'expired' ELSE 'answered' END",
            },
            asks,
        )
        multiply(
            cursor,
            type(rating),
            rating.pk,
            {
                "id": "1000 + n",
                "ask_id": "a.id",
                "rater_id": "a.rater_id",
                "image_id": "a.image_id",
                "question_id": "a.question_id",
                "repeat_no": "0",
                "value": "1 + (hashint8(n) & 1023) % 5",
                "created_at": "a.created_at",
            },
            asks,
            source="JOIN ratings_ask a ON a.id = 1000 + n AND a.outcome = 'answered'",
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")
    return time.perf_counter() - began


def templates() -> tuple[int, Any, Any]:
    """The first of `IMAGES` pictures in a row, and one ask and one rating to copy."""
    from django.utils import timezone

    from accounts.models import User
    from generation.models import Checkpoint, Generation, Image
    from ratings.models import Ask, Policy, Question, Rating
    from tests.generation.fixtures import checkpoint_row

    now = timezone.now()
    author = User.objects.create(username="author")
    models: list[Checkpoint] = [checkpoint_row(f"model-{n}", f"model-{n}") for n in range(CHECKPOINTS)]
    made = Generation.objects.bulk_create(
        Generation(author=author, prompt=f"a study, {n}", checkpoint=models[n % CHECKPOINTS], scheduler="-", steps=1,
                   guidance=1, width=64, height=64, idempotency_key=str(n), submitted_at=now)
        for n in range(IMAGES)
    )  # fmt: skip
    images = Image.objects.bulk_create(
        Image(generation=generation, author=author, position=0, seed=n, batch_key="-", cost_units=1, pool="default",
              not_before=now, queued_at=now, width=64, height=64, state="ready", is_public=True)
        for n, generation in enumerate(made)
    )  # fmt: skip
    question = Question.objects.on_scale().order_by("pk").first()
    assert question is not None
    ask = Ask.objects.create(
        policy=Policy.objects.current(), surface="post", stratum="-", rater=author, image=images[0], question=question,
        p_ask=0.05, p_question=0.2, rater_is_author=False, created_at=now - timedelta(days=400), expires_at=now,
        outcome="answered",
    )  # fmt: skip
    rating = Rating.objects.create(
        ask=ask, rater=author, image=images[0], question=question, value=3, created_at=now - timedelta(days=400)
    )
    return images[0].pk, ask, rating


def multiply(
    cursor: Any, model: "type[Model]", pk: int, values: Mapping[str, str], rows: int, source: str = ""
) -> None:
    """Copies row `pk` for every n below `rows`; `values` are SQL for the columns that differ."""
    from django.db.models import GeneratedField

    fields = [field for field in model._meta.concrete_fields if not isinstance(field, GeneratedField)]
    columns = [str(field.column) for field in fields]
    chosen = ", ".join(values.get(column, f"template.{column}") for column in columns)
    table = model._meta.db_table
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} template, "  # noqa: S608
        f"generate_series(0, {rows} - 1) AS n {source} WHERE template.id = {pk:d}"
    )


def measure() -> dict[str, float]:
    """Milliseconds: working out, the aggregate, each page's median and its own largest query."""
    from django.conf import settings
    from django.contrib.auth.models import Group
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.models import Role, User
    from ratings import reports

    found = {"worked out beforehand": timed(lambda: reports.compute_reading(days=DAYS), 1)}
    reports.compute_reading(days=7)

    def aggregate() -> None:
        with connection.cursor() as cursor:
            cursor.execute(AGGREGATE)
            cursor.fetchall()

    found["largest aggregate over the ledger"] = timed(aggregate, 3)
    rita = User.objects.create(username="rita")
    rita.groups.add(Group.objects.get_or_create(name=Role.RESEARCHER.value)[0])
    client = Client(HTTP_HOST=settings.ALLOWED_HOSTS[0])
    client.force_login(rita, backend="django.contrib.auth.backends.ModelBackend")
    for path in (f"/research/?days={DAYS}", f"/research/aspects/?days={DAYS}&by=checkpoint"):
        assert client.get(path).status_code == 200
        found[path] = timed(lambda path=path: client.get(path), TIMES)  # type: ignore[misc]
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        found[f"{path} its slowest query"] = 1000 * max(float(query["time"]) for query in queries)
    return found


def timed(call: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


def report(found: Mapping[str, float]) -> None:
    for name, milliseconds in found.items():
        print(f"{name:55} {milliseconds:10.1f} ms")
    largest = found["largest aggregate over the ledger"]
    for path in (name for name in found if name.startswith("/") and "slowest" not in name):
        ratio = found[path] / largest
        print(f"{path} opens in {ratio:.3f} times its largest aggregate ({'below' if ratio < 3 else 'NOT below'} 3)")


if __name__ == "__main__":
    main()
