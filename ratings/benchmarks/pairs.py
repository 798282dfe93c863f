"""The pairs of open benchmarks that a member may compare: Compare's strategy “benchmark” (PAIR_SOURCES)."""

from collections.abc import Collection
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any

from django.db import connection

from accounts.models import ConsentEvent, Purpose, User, level_for
from ratings.asking.models import Ask
from ratings.benchmarks.models import Benchmark

STRATEGY = "benchmark"
PROMPTS = 60  # whose pairs are candidates for one draw
RESHUFFLED_AFTER = 20  # pairs: then other prompts come up

# Pairs of one prompt and seed by two entries, both there and shown, never put to this member. Each member goes
# through the prompts in an order of their own, so that votes spread over all of them; pairs of models that have
# their votes are done.
PAIRS = """
SELECT least(a.image_id, b.image_id), greatest(a.image_id, b.image_id)
FROM (
    SELECT p.id FROM ratings_benchmarkprompt p
    JOIN ratings_benchmark open ON open.prompt_set_id = p.prompt_set_id AND open.id = %(benchmark)s
    ORDER BY hashint8extended(p.id, %(order)s), p.id LIMIT %(prompts)s
) AS prompt
JOIN ratings_benchmarkpicture a ON a.prompt_id = prompt.id AND a.image_id IS NOT NULL
JOIN ratings_benchmarkpicture b
    ON b.prompt_id = prompt.id AND b.seed = a.seed AND b.entry_id > a.entry_id AND b.image_id IS NOT NULL
JOIN ratings_benchmarkentry ea ON ea.id = a.entry_id AND ea.benchmark_id = %(benchmark)s
JOIN ratings_benchmarkentry eb ON eb.id = b.entry_id AND eb.benchmark_id = %(benchmark)s
JOIN generation_image ia ON ia.id = a.image_id
JOIN generation_image ib ON ib.id = b.image_id
WHERE ia.is_public AND ib.is_public AND greatest(ia.content_level, ib.content_level) <= %(level)s
    AND ia.jpeg_sha256 <> ib.jpeg_sha256
    AND NOT EXISTS (SELECT FROM feed_block
        WHERE member_id = %(rater)s AND blocked_id IN (ia.author_id, ib.author_id))
    AND NOT EXISTS (SELECT FROM feed_block
        WHERE blocked_id = %(rater)s AND member_id IN (ia.author_id, ib.author_id))
    AND ea.checkpoint_id || ':' || eb.checkpoint_id <> ALL (%(done)s)
    AND NOT EXISTS (
        SELECT FROM ratings_ask ask
        WHERE ask.rater_id = %(rater)s AND ask.image_low_id = least(a.image_id, b.image_id)
            AND ask.image_high_id = greatest(a.image_id, b.image_id) AND ask.outcome <> 'not_rendered'
    )
ORDER BY hashint8extended(a.prompt_id, %(order)s), a.prompt_id, a.seed, 1, 2
LIMIT %(limit)s
"""


def benchmark_pairs(rater: User, *, limit: int, at: datetime) -> list[tuple[int, int]]:
    """Up to `limit` pairs of ids (low first) of the open benchmarks, unseen by `rater`.

    Open benchmarks take turns, so that none waits for the end of another; what one lacks the others fill.
    None for whoever has not agreed to public benchmarks: their answers would not count.
    """
    open_ones = list(Benchmark.objects.voting(at).order_by("pk"))
    if not (open_ones and agrees(rater)):
        return []
    asked = Ask.objects.about_pair().filter(rater=rater, strategy=STRATEGY).count()
    found = [_pairs_of(benchmark, rater, asked // RESHUFFLED_AFTER, limit) for benchmark in open_ones]
    return [pair for pair in chain.from_iterable(zip_longest(*found)) if pair is not None][:limit]


def _pairs_of(benchmark: Benchmark, rater: User, shuffle: int, limit: int) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        for turn in range(shuffle, shuffle + 3):  # a member may have seen all of one turn's prompts
            values: dict[str, Any] = {
                "benchmark": benchmark.pk,
                "order": rater.pk * 10_007 + turn,
                "prompts": PROMPTS,
                "level": int(level_for(rater)),
                "done": decided_pairs(benchmark),
                "rater": rater.pk,
                "limit": limit,
            }
            cursor.execute(PAIRS, values)
            found: list[tuple[int, int]] = [(int(low), int(high)) for low, high in cursor.fetchall()]
            if found:
                return found
    return []


def agrees(rater: User) -> bool:
    """Whether the member's latest consent lets public benchmarks count their answers."""
    return ConsentEvent.objects.filter(user=rater).granted(Purpose.BENCHMARK).exists()


def decided_pairs(benchmark: Benchmark) -> list[str]:
    """Pairs of checkpoints that have the votes they were registered for, as “id:id” in the order of entries."""
    pairs: Collection[str] = benchmark.results.get("decided", [])
    return list(pairs)
