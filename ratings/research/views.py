"""The research team's pages: what was asked, who answered, what they said. To others they are not there."""

from collections.abc import Mapping, Sequence
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
from ratings.models import AspectFigure, Policy, Question, Reading, Surface
from ratings.research.charts import FIVE_STEPS, Figure, Moment, Series, interval_charts, odds_scale, time_series
from ratings.research.models import DIMENSIONS
from ratings.research.reports import PERIODS, reading_over
from ratings.research.reports.model_comparisons import duel_of
from ratings.research.reports.tables import ASPECTS, NARROWED, TABLES, to_csv

DEFAULT_PERIOD = 30
SURFACES = (Surface.POST, Surface.RESULT)
MOST_ROWS = 100  # of a page; the file has them all
MOST_CHOICES = 200
MOST_DRAWN = 30  # rows of a chart
OVERALL = "overall"


def _period(request: HttpRequest) -> int:
    chosen = request.GET.get("days", "")
    return int(chosen) if chosen.isdecimal() and int(chosen) in PERIODS else DEFAULT_PERIOD


def _frame(request: HttpRequest, here: str) -> tuple[dict[str, Any], Reading | None]:
    """What every page of Research has: the period, the pages beside it, the reading (None: not there yet)."""
    days = _period(request)
    reading = reading_over(days=days)
    pages = [
        ("research", _("Overview")),
        ("research-aspects", _("Aspects")),
        ("research-models", _("Models")),
        ("research-responses", _("Responses")),
    ]
    links = [(reverse(f"ratings:{name}") + f"?days={days}", label, name == here) for name, label in pages]
    frame = {"days": days, "periods": PERIODS, "pages": links, "policy": Policy.objects.current(), "reading": reading}
    return {**frame, "asks": sum(row["asks"] for row in reading.body["responses"]) if reading else 0}, reading


@require_GET
@role_required(Role.RESEARCHER)
def overview(request: HttpRequest) -> HttpResponse:
    """Aspects at a glance, what people are unhappy about, how far they agree and answer."""
    context, reading = _frame(request, "research")
    if reading is not None and context["asks"]:
        week = _this_week(reading)
        figures = list(reading.aspects.along("").filter(surface=Surface.POST).order_by("-mean", "question"))
        answered = sum(row["outcomes"].get("answered", 0) for row in reading.body["responses"])
        context |= {
            "answered": answered,
            "rate": answered / context["asks"],
            "charts": _aspect_charts([(figure.question, figure) for figure in figures]),
            "figures": figures,
            "complaints": _with_pictures(request, week.body["complaints"]),
            "complaint_days": week.days,
            "pair_agreement": reading.body["pair_agreement"],
            "leaders": reading.body["leaderboard"]["rows"][:3],
        }
    return render(request, "ratings/research.html", context)


def _this_week(reading: Reading) -> Reading:
    """The last seven days, which complaints are about whatever period is looked at; where there is none, the page's."""
    week = reading if reading.days == PERIODS[0] else reading_over(days=PERIODS[0])
    return week or reading


def _with_pictures(request: HttpRequest, complaints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The examples as thumbnails, those alone that this member may look at."""
    ids = {pk for row in complaints for pk in row["examples"]}
    member = member_of(request)
    shown = Image.objects.visible_to(member, timezone.now()).exclude(prefix="").in_bulk(ids)
    pictures = {pk: picture(image, viewer_may_sign=True, viewer=member) for pk, image in shown.items()}
    return [{**row, "pictures": [pictures[pk] for pk in row["examples"] if pk in pictures]} for row in complaints]


def _aspect_charts(rows: list[tuple[str, AspectFigure]]) -> list[Any]:
    figures = [Figure(label, row.mean, row.low, row.high, _in_words(row)) for label, row in rows[:MOST_DRAWN]]
    return interval_charts(_("Mean answer, 1 to 5, with 95 % intervals"), figures, FIVE_STEPS)


def _in_words(row: AspectFigure) -> str:
    return f"{row.mean:.2f}" if row.low is None else f"{row.mean:.2f} ({row.low:.2f}–{row.high:.2f})"


def _chosen(request: HttpRequest, names: Sequence[str] = ASPECTS) -> dict[str, str]:
    """Surface, question and kinds of picture, as the address says; what it does not say is open."""
    return {name: value for name in names if (value := request.GET.get(name, "").strip()[:64])}


@require_GET
@role_required(Role.RESEARCHER)
def aspects(request: HttpRequest) -> HttpResponse:
    """One question along one dimension, or all questions of one kind of picture, and how they moved."""
    context, reading = _frame(request, "research-aspects")
    chosen = _chosen(request)
    along = request.GET.get("by", "")
    along = along if along in DIMENSIONS else ""
    surface = chosen.pop("surface", Surface.POST.value)
    question = chosen.pop("question", "")
    kinds = {name: value for name, value in chosen.items() if name != along}
    context |= {"by": along, "by_label": _dimensions().get(along, ""), "dimensions": list(_dimensions().items())}
    context |= {"surface": surface, "surfaces": SURFACES}
    context |= {"question": question, "questions": Question.objects.active().on_scale().order_by("pk")}
    if reading is not None:
        figures = reading.aspects.along(along, **kinds).filter(surface=surface)
        if along:
            question = question or OVERALL
        if question:
            figures = figures.filter(question=question)
        rows = list(figures.order_by("-mean", "question", along or "pk")[:MOST_ROWS])
        context |= {
            "question": question,
            "rows": rows,
            "choices": _choices(reading, surface, kinds),
            "charts": _aspect_charts([(_label(row, along), row) for row in rows]),
            "series": _series(reading, surface, question, kinds),
        }
    context["alphas"] = [row for row in reading.body["agreement"] if row["surface"] == surface] if reading else []
    return render(request, "ratings/research_aspects.html", context)


def _label(row: AspectFigure, along: str) -> str:
    value: str = getattr(row, along or "question")
    return _("no style") if value == "-" else value


def _dimensions() -> dict[str, str]:
    return dict(zip(DIMENSIONS, (_("model"), _("style"), _("category")), strict=True))


def _choices(
    reading: Reading, surface: str, kinds: Mapping[str, str]
) -> list[tuple[str, str, Sequence[str], str | None]]:
    """Of each dimension its name, label, values, and the one chosen."""

    def values(name: str) -> list[str]:
        figures = reading.aspects.along(name).filter(surface=surface)
        return list(figures.order_by(name).values_list(name, flat=True).distinct()[:MOST_CHOICES])

    return [(name, label, values(name), kinds.get(name)) for name, label in _dimensions().items()]


def _series(reading: Reading, surface: str, question: str, kinds: Mapping[str, str]) -> list[Series]:
    """Week by week, for all pictures or those of one model."""
    if set(kinds) - {"checkpoint"}:
        return []
    weekly = reading.aspects.weekly(**kinds).filter(surface=surface)
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
    """The leaderboard, and each model against each."""
    context, reading = _frame(request, "research-models")
    if reading is not None:
        board = reading.body["leaderboard"]
        context |= {"board": board, "charts": board_charts(board["rows"]), "duels": reading.body["duels"]}
        effect = reading.body["position"]
        context["position"] = effect and {**effect, "share_percent": f"{100 * effect['share']:.1f}"}
    return render(request, "ratings/research_models.html", context)


def board_charts(rows: list[dict[str, Any]]) -> list[Any]:
    """Strengths as odds against the average model."""
    figures = [Figure(row["model"], row["odds"], row["low"], row["high"], odds_in_words(row)) for row in rows]
    return interval_charts(_("Odds against the average model, with 95 % intervals"), figures, odds_scale(figures))


def odds_in_words(row: Mapping[str, Any]) -> str:
    return f"{row['odds']:.2f}×" + ("" if row["low"] is None else f" ({row['low']:.2f}–{row['high']:.2f})")


@require_GET
@role_required(Role.RESEARCHER)
def duel(request: HttpRequest, first: str, second: str) -> HttpResponse:
    """One model against another; 404 where nobody compared them in the period."""
    context, reading = _frame(request, "research-models")
    if reading is None or (found := duel_of(reading.body["duels"], first, second)) is None:
        raise Http404
    both = reading.aspects.along("checkpoint").filter(surface=Surface.POST, checkpoint__in=[first, second])
    rows = list(both.order_by("question", "checkpoint"))
    words = [(f"{row.question}, {row.checkpoint}", row) for row in rows]
    context |= {"duel": found, "first": first, "second": second, "rows": rows, "charts": _aspect_charts(words)}
    return render(request, "ratings/research_duel.html", context)


@require_GET
@role_required(Role.RESEARCHER)
def responses(request: HttpRequest) -> HttpResponse:
    """Who was asked, what became of it, and who could not be asked."""
    context, reading = _frame(request, "research-responses")
    if reading is not None:
        labels = dict(Surface.choices)
        rows = [{**row, "surface_label": labels[row["surface"]]} for row in reading.body["responses"]]
        context |= {"strata": rows, "unasked": reading.body["unasked"]}
    return render(request, "ratings/research_responses.html", context)


@require_GET
@role_required(Role.RESEARCHER)
def table(request: HttpRequest, name: str) -> HttpResponse:
    """A table of one period as CSV, its definition above it."""
    if name not in TABLES or (reading := reading_over(days=_period(request))) is None:
        raise Http404
    fixed = _chosen(request, NARROWED.get(name, ()))
    text = to_csv(TABLES[name](reading, fixed), reading, fixed)
    filename = f"{name}-{reading.days}-days-{reading.computed_at:%Y-%m-%d}.csv"
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
