"""The Research pages: aspects, models, response rates and CSV tables. Others get 404."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Role
from accounts.permissions import member_of, role_required
from generation.media.signing import picture
from generation.models import Image
from ratings.asking.models import Policy, Question, Surface
from ratings.research.chart_files import chart_file
from ratings.research.charts import (
    FIVE_STEPS,
    Chart,
    Figure,
    Moment,
    Series,
    interval_charts,
    odds_scale,
    time_series,
)
from ratings.research.models import DIMENSIONS, AspectFigure, ReportSnapshot
from ratings.research.reports import PERIODS, current_snapshot
from ratings.research.reports.model_comparisons import comparison_of
from ratings.research.reports.tables import ASPECTS, NARROWED, TABLES, to_csv

DEFAULT_PERIOD = 30
SURFACES = (Surface.POST, Surface.RESULT)
MOST_ROWS = 100  # of a page; the file has them all
MOST_CHOICES = 200
MOST_DRAWN = 30  # rows of a chart
OVERALL = "overall"


def _period(request: HttpRequest) -> int:
    chosen = request.GET.get("days", "")
    return next((days for days in PERIODS if str(days) == chosen), DEFAULT_PERIOD)


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The page, or the one of its charts that the address asks for as a file."""
    snapshot: ReportSnapshot | None = context["snapshot"]
    period = f"{snapshot.since:%Y-%m-%d} to {snapshot.computed_at:%Y-%m-%d %H:%M} UTC" if snapshot else ""
    charts = {"": context.get("charts", ()), "category": context.get("category_charts", ())}
    charts |= {series.name: series for series in context.get("series", ())}
    return chart_file(request, charts, period) or render(request, template, context)


def _frame(request: HttpRequest, here: str) -> tuple[dict[str, Any], ReportSnapshot | None]:
    """What every Research page shows: period, links to the other pages, snapshot (None: there is none yet)."""
    days = _period(request)
    snapshot = current_snapshot(days=days)
    pages = [
        ("research", _("Overview")),
        ("research-aspects", _("Aspects")),
        ("research-models", _("Models")),
        ("research-responses", _("Responses")),
    ]
    links = [(reverse(f"ratings:{name}") + f"?days={days}", label, name == here) for name, label in pages]
    frame = {"days": days, "periods": PERIODS, "pages": links, "policy": Policy.objects.current(), "snapshot": snapshot}
    return {**frame, "asks": sum(row["asks"] for row in snapshot.body["responses"]) if snapshot else 0}, snapshot


@require_GET
@role_required(Role.RESEARCHER)
def overview(request: HttpRequest) -> HttpResponse:
    """Aspects at a glance, the lowest scores, agreement and response rate."""
    context, snapshot = _frame(request, "research")
    if snapshot is not None and context["asks"]:
        week = _this_week(snapshot)
        figures = list(snapshot.aspects.along("").filter(surface=Surface.POST).order_by("-mean", "question"))
        answered = sum(row["outcomes"].get("answered", 0) for row in snapshot.body["responses"])
        context |= {
            "answered": answered,
            "rate": answered / context["asks"],
            "charts": _aspect_charts([(figure.question, figure) for figure in figures]),
            "figures": figures,
            "complaints": _with_pictures(request, week.body["complaints"]),
            "complaint_days": week.days,
            "pair_agreement": snapshot.body["pair_agreement"],
            "leaders": snapshot.body["leaderboard"]["rows"][:3],
        }
    return _page(request, "ratings/research.html", context)


def _this_week(snapshot: ReportSnapshot) -> ReportSnapshot:
    """The snapshot of the last seven days, which complaints are always about; without one, the page's."""
    week = snapshot if snapshot.days == PERIODS[0] else current_snapshot(days=PERIODS[0])
    return week or snapshot


def _with_pictures(request: HttpRequest, complaints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The examples as thumbnails, only those that this member may see."""
    ids = {pk for row in complaints for pk in row["examples"]}
    member = member_of(request)
    shown = Image.objects.visible_to(member, timezone.now()).exclude(prefix="").in_bulk(ids)
    pictures = {pk: picture(image, viewer_may_sign=True, viewer=member) for pk, image in shown.items()}
    return [{**row, "pictures": [pictures[pk] for pk in row["examples"] if pk in pictures]} for row in complaints]


def _aspect_charts(rows: list[tuple[str, AspectFigure]]) -> list[Chart]:
    figures = [
        Figure(label, row.mean, row.low, row.high, mean_text(row.mean, row.low, row.high))
        for label, row in rows[:MOST_DRAWN]
    ]
    return interval_charts(_("Mean answer, 1 to 5, with 95 % intervals"), figures, FIVE_STEPS)


def mean_text(mean: float, low: float | None, high: float | None) -> str:
    """A mean answer with its interval, in words."""
    return f"{mean:.2f}" if low is None else f"{mean:.2f} ({low:.2f}–{high:.2f})"


def _chosen(request: HttpRequest, names: Sequence[str] = ASPECTS) -> dict[str, str]:
    """Surface, question and dimensions from the query string."""
    return {name: value for name in names if (value := request.GET.get(name, "").strip()[:64])}


@require_GET
@role_required(Role.RESEARCHER)
def aspects(request: HttpRequest) -> HttpResponse:
    """One question along one dimension, or all questions for some pictures, and the weekly series."""
    context, snapshot = _frame(request, "research-aspects")
    chosen = _chosen(request)
    along = request.GET.get("by", "")
    along = along if along in DIMENSIONS else ""
    surface = chosen.pop("surface", Surface.POST.value)
    question = chosen.pop("question", "")
    kinds = {name: value for name, value in chosen.items() if name != along}
    context |= {"by": along, "by_label": _dimensions().get(along, ""), "dimensions": list(_dimensions().items())}
    context |= {"surface": surface, "surfaces": SURFACES}
    context |= {"question": question, "questions": Question.objects.active().on_scale().order_by("pk")}
    if snapshot is not None:
        figures = snapshot.aspects.along(along, **kinds).filter(surface=surface)
        if along:
            question = question or OVERALL
        if question:
            figures = figures.filter(question=question)
        rows = list(figures.order_by("-mean", "question", along or "pk")[:MOST_ROWS])
        context |= {
            "question": question,
            "rows": rows,
            "choices": _choices(snapshot, surface, kinds),
            "charts": _aspect_charts([(_label(row, along), row) for row in rows]),
            "series": _series(snapshot, surface, question, kinds),
        }
    context["alphas"] = [row for row in snapshot.body["agreement"] if row["surface"] == surface] if snapshot else []
    return _page(request, "ratings/research_aspects.html", context)


def _label(row: AspectFigure, along: str) -> str:
    value: str = getattr(row, along or "question")
    return _("no style") if value == "-" else value


def _dimensions() -> dict[str, str]:
    return dict(zip(DIMENSIONS, (_("model"), _("style"), _("category")), strict=True))


def _choices(
    snapshot: ReportSnapshot, surface: str, kinds: Mapping[str, str]
) -> list[tuple[str, str, Sequence[str], str | None]]:
    """(name, label, values, chosen value) of each dimension."""

    def values(name: str) -> list[str]:
        figures = snapshot.aspects.along(name).filter(surface=surface)
        return list(figures.order_by(name).values_list(name, flat=True).distinct()[:MOST_CHOICES])

    return [(name, label, values(name), kinds.get(name)) for name, label in _dimensions().items()]


def _series(snapshot: ReportSnapshot, surface: str, question: str, kinds: Mapping[str, str]) -> list[Series]:
    """Weekly series, for all pictures or for one model."""
    if set(kinds) - {"checkpoint"}:
        return []
    weekly = snapshot.aspects.weekly(**kinds).filter(surface=surface)
    if question:
        weekly = weekly.filter(question=question)
    moments: dict[str, list[Moment]] = {}
    for row in weekly:
        if row.week is not None:
            moments.setdefault(row.question, []).append(Moment(row.week, row.mean, row.low, row.high))
    title = _("%(question)s by week, with 95 %% intervals")
    return [time_series(name, title % {"question": name}, found) for name, found in sorted(moments.items())]


@require_GET
@role_required(Role.RESEARCHER)
def models(request: HttpRequest) -> HttpResponse:
    """The leaderboard, whole, of one category and by week, and every pair of models."""
    context, snapshot = _frame(request, "research-models")
    if snapshot is not None:
        board = snapshot.body["leaderboard"]
        context |= {"board": board, "charts": board_charts(board["rows"]), "comparisons": snapshot.body["duels"]}
        context |= _category_board(snapshot, request.GET.get("category", ""))
        context["series"] = _strengths_by_week(snapshot)
        context["controlled"] = _controlled_board(snapshot)
        effect = snapshot.body["position"]
        context["position"] = effect and {**effect, "share_percent": f"{100 * effect['share']:.1f}"}
    return _page(request, "ratings/research_models.html", context)


def _category_board(snapshot: ReportSnapshot, chosen: str) -> dict[str, Any]:
    """The leaderboard of the chosen category, or of the first."""
    boards = snapshot.body.get("boards_by_category", [])
    board = next((each for each in boards if each["category"] == chosen), boards[0] if boards else None)
    if board is None:
        return {}
    title = _("%(category)s: odds against the average model, with 95 %% intervals") % {"category": board["category"]}
    charts = board_charts(board["rows"], title)
    return {"categories": [each["category"] for each in boards], "category_board": board, "category_charts": charts}


def _controlled_board(snapshot: ReportSnapshot) -> list[dict[str, Any]]:
    """The leaderboard's rows beside those at equal looks, and below them what each feature is worth."""
    found = snapshot.body.get("controlled", {"rows": [], "effects": []})
    whole = {row["model"]: row for row in snapshot.body["leaderboard"]["rows"]}
    labels = {"sharpness": _("sharper"), "saturation": _("more saturated"), "lightness": _("lighter")}
    models = [{"name": row["model"], "row": row, "whole": whole.get(row["model"])} for row in found["rows"]]
    return models + [{"name": labels[row["feature"]], "row": row, "is_effect": True} for row in found["effects"]]


def _strengths_by_week(snapshot: ReportSnapshot) -> list[Series]:
    """A series of each model's odds on one axis, the best of the whole period first."""
    moments: dict[str, list[Moment]] = {row["model"]: [] for row in snapshot.body["leaderboard"]["rows"]}
    drawn: list[Figure] = []
    for board in snapshot.body.get("boards_by_week", []):
        for row in board["rows"]:
            drawn.append(Figure(row["model"], row["odds"], row["low"], row["high"], ""))
            if row["model"] in moments:
                day = date.fromisoformat(board["week"])
                moments[row["model"]].append(Moment(day, row["odds"], row["low"], row["high"]))
    title = _("%(model)s by week: odds against the average model, with 95 %% intervals")
    scale = odds_scale(drawn)
    return [time_series(name, title % {"model": name}, found, scale) for name, found in moments.items() if found]


def board_charts(rows: list[dict[str, Any]], title: str = "") -> list[Chart]:
    """Strengths as odds against the average model."""
    figures = [Figure(row["model"], row["odds"], row["low"], row["high"], odds_text(row)) for row in rows]
    title = title or _("Odds against the average model, with 95 % intervals")
    return interval_charts(title, figures, odds_scale(figures))


def odds_text(row: Mapping[str, Any]) -> str:
    return f"{row['odds']:.2f}×" + ("" if row["low"] is None else f" ({row['low']:.2f}–{row['high']:.2f})")


@require_GET
@role_required(Role.RESEARCHER)
def model_comparison(request: HttpRequest, first: str, second: str) -> HttpResponse:
    """One model against another; 404 if nobody compared them in the period."""
    context, snapshot = _frame(request, "research-models")
    if snapshot is None or (found := comparison_of(snapshot.body["duels"], first, second)) is None:
        raise Http404
    both = snapshot.aspects.along("checkpoint").filter(surface=Surface.POST, checkpoint__in=[first, second])
    rows = list(both.order_by("question", "checkpoint"))
    labelled = [(f"{row.question}, {row.checkpoint}", row) for row in rows]
    context |= {"comparison": found, "first": first, "second": second, "rows": rows, "charts": _aspect_charts(labelled)}
    return _page(request, "ratings/research_comparison.html", context)


@require_GET
@role_required(Role.RESEARCHER)
def responses(request: HttpRequest) -> HttpResponse:
    """Response rates by stratum, and draws that asked nothing."""
    context, snapshot = _frame(request, "research-responses")
    if snapshot is not None:
        labels = dict(Surface.choices)
        rows = [{**row, "surface_label": labels[row["surface"]]} for row in snapshot.body["responses"]]
        context |= {"strata": rows, "unasked": snapshot.body["unasked"]}
    return render(request, "ratings/research_responses.html", context)


@require_GET
@role_required(Role.RESEARCHER)
def table(request: HttpRequest, name: str) -> HttpResponse:
    """A table of one period as CSV, with its definition above."""
    if name not in TABLES or (snapshot := current_snapshot(days=_period(request))) is None:
        raise Http404
    fixed = _chosen(request, NARROWED.get(name, ()))
    text = to_csv(TABLES[name](snapshot, fixed), snapshot, fixed)
    filename = f"{name}-{snapshot.days}-days-{snapshot.computed_at:%Y-%m-%d}.csv"
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
