"""Charts of a page as files to download: the page's own address with `figure` (svg or png) and `of` (which chart)."""

from collections.abc import Mapping, Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import slugify

from ratings.research.charts import Chart, Series
from ratings.research.figures import figure_of, to_png, to_svg

FORMS = {"svg": (to_svg, "image/svg+xml"), "png": (to_png, "image/png")}


def chart_file(
    request: HttpRequest, charts: Mapping[str, Sequence[Chart] | Series], source: str
) -> HttpResponse | None:
    """The chart that the address asks for, None where it asks for the page.

    Args:
        charts: By the name in `of`; the first one of the page has none.
        source: Where the figures come from and of when they are, written below the chart.

    Raises:
        Http404: the page has no such chart.
    """
    form = request.GET.get("figure", "")
    if form not in FORMS:
        return None
    found = charts.get(request.GET.get("of", ""), ())
    chart = found if isinstance(found, Series) else next((each for each in found if not each.is_phone), None)
    if chart is None:
        raise Http404
    write, kind = FORMS[form]
    name = slugify(chart.title)[:60] or "chart"
    return HttpResponse(
        write(figure_of(chart, f"{request.get_host()}, {source}")),
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'},
    )
