"""The public pages of benchmarks: protocol, results, and the bundle that reproduces them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import User
from ratings.benchmarks.bundle import bundle
from ratings.benchmarks.models import Benchmark, BenchmarkScore
from ratings.benchmarks.pairs import agrees
from ratings.benchmarks.results import count_pictures
from ratings.research.chart_files import chart_file
from ratings.research.charts import PERCENTAGES, Figure, interval_charts
from ratings.research.views import board_charts

MOST_SHOWN = 50
MOST_PROMPTS = 200  # on the page; the bundle has them all


@require_GET
def benchmark_list(request: HttpRequest) -> HttpResponse:
    rows = Benchmark.objects.shown().select_related("prompt_set").prefetch_related("entries__checkpoint")
    return render(request, "ratings/benchmark_list.html", {"benchmarks": rows[:MOST_SHOWN]})


@require_GET
def benchmark_detail(request: HttpRequest, slug: str) -> HttpResponse:
    benchmark = get_object_or_404(Benchmark.objects.select_related("prompt_set"), slug=slug)
    results = benchmark.results
    board = results.get("board", {"rows": [], "left_out": [], "robustness": None})
    effect = results.get("position")
    context: dict[str, Any] = {
        "benchmark": benchmark,
        "results": results,
        "board": board,
        "charts": board_charts(board["rows"]) if board["rows"] else [],
        "categories": [_category(row) for row in results.get("categories", [])],
        "entries": count_pictures(benchmark),
        "scores": _scores(benchmark),
        "position": effect and {**effect, "share_percent": f"{100 * effect['share']:.1f}"},
        "prompts": benchmark.prompt_set.prompts.order_by("number")[:MOST_PROMPTS],
        "may_vote": isinstance(request.user, User) and agrees(request.user),
        "prompt_count": benchmark.prompt_set.prompts.count(),
    }
    named = {"": context["charts"], **{row["name"]: row["charts"] for row in context["categories"]}}
    source = f"{benchmark.title}, {benchmark.results_at:%Y-%m-%d %H:%M} UTC" if benchmark.results_at else ""
    return chart_file(request, named, source) or render(request, "ratings/benchmark_detail.html", context)


def _category(row: dict[str, Any]) -> dict[str, Any]:
    name = row["category"] or _("no category")
    figures = [Figure(one["model"], one["share"], one["low"], one["high"], _share_text(one)) for one in row["rows"]]
    title = _("%(category)s: share of comparisons won, with 95 %% intervals") % {"category": name}
    return {"name": name, "charts": interval_charts(title, figures, PERCENTAGES, is_bars=True), "rows": row["rows"]}


def _share_text(row: dict[str, Any]) -> str:
    interval = "" if row["low"] is None else f" ({100 * row['low']:.0f}–{100 * row['high']:.0f})"
    return f"{100 * row['share']:.0f} %{interval}"


def _scores(benchmark: Benchmark) -> list[BenchmarkScore]:
    found = BenchmarkScore.objects.filter(entry__benchmark=benchmark).select_related("entry__checkpoint")
    return list(found.order_by("metric", "category", "value")[:MOST_PROMPTS])


@require_GET
def benchmark_bundle(request: HttpRequest, slug: str) -> HttpResponse:
    benchmark = get_object_or_404(Benchmark.objects.select_related("prompt_set"), slug=slug)
    return HttpResponse(
        bundle(benchmark),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{benchmark.slug}.zip"'},
    )
