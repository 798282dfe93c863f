"""The zip that reproduces or checks a benchmark. Deterministic."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

from ratings.benchmarks.models import Benchmark
from ratings.benchmarks.prompts import prompts_of, to_lines

EPOCH = (1980, 1, 1, 0, 0, 0)

README = """{title}

prompts.jsonl   the prompts, one a line; SHA-256 of this file: {prompts}
protocol.json   what was registered on {registered} before any picture was made; SHA-256 of its canonical
                form (sorted keys, no spaces): {protocol}
results.json    the votes so far with 95 % intervals, and the computed scores

Voting stops when every pair of models has {votes} votes, at the latest on {closes} UTC{unregistered}.

To run it on a Salon of your own, register the same checkpoints, then:

    python manage.py import_prompts prompts.jsonl --slug {set_slug} --form table
    python manage.py run_benchmark {set_slug} --checkpoints {checkpoints} \\
        --seeds {seeds} --size {size} --votes {votes} --days {days} --inline

import_prompts prints the SHA-256 of the prompts: it must be the one above.
"""


def bundle(benchmark: Benchmark) -> bytes:
    """A zip of README, prompts, protocol and results."""
    files = {
        "README.txt": _readme(benchmark),
        "prompts.jsonl": to_lines(prompts_of(benchmark.prompt_set)),
        "protocol.json": _pretty(benchmark.protocol),
        "results.json": _pretty(results_of(benchmark)),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"{benchmark.slug}/{name}", EPOCH), text.encode(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def results_of(benchmark: Benchmark) -> dict[str, Any]:
    scores = [
        {"checkpoint": slug, "metric": metric, "category": category, "value": value, "pictures": n, "extractor": by}
        for slug, metric, category, value, n, by in benchmark.entries.filter(scores__isnull=False)
        .order_by("checkpoint__slug", "scores__metric", "scores__category")
        .values_list(
            "checkpoint__slug", "scores__metric", "scores__category", "scores__value", "scores__pictures",
            "scores__extractor",
        )
    ]  # fmt: skip
    known = {name: value for name, value in benchmark.results.items() if name != "decided"}
    at = benchmark.results_at.isoformat() if benchmark.results_at else None
    return {"state": benchmark.state, "at": at, **known, "scores": scores}


def _readme(benchmark: Benchmark) -> str:
    return README.format(
        title=benchmark.title,
        prompts=benchmark.prompt_set.sha256,
        registered=f"{benchmark.registered_at:%Y-%m-%d}",
        protocol=benchmark.protocol_sha256,
        set_slug=benchmark.prompt_set.slug,
        checkpoints=" ".join(row["slug"] for row in benchmark.protocol["checkpoints"]),
        seeds=" ".join(map(str, benchmark.seeds)),
        size=f"{benchmark.width}x{benchmark.height}",
        votes=benchmark.votes_a_pair,
        days=max(1, round((benchmark.closes_at - benchmark.registered_at) / timedelta(days=1))),
        closes=f"{benchmark.closes_at:%Y-%m-%d %H:%M:%S}",
        unregistered="" if benchmark.is_end_registered else " (a day that protocol.json does not name)",
    )


def _pretty(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
