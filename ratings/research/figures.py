"""Charts as files: SVG and PNG that stand alone, with their title above and where they come from below. Pure."""

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from ratings.research.charts import BAR, DESK, Chart, Series

PAPER, INK, QUIET, GRID, WHISKER, ACCENT, SOFT = (
    "#ffffff", "#1f1d1a", "#6b665e", "#e4dfd6", "#8f897e", "#b4531f", "#f0d9cb",
)  # fmt: skip
MARGIN, HEADER, FOOTER = 20, 48, 34  # px
PIXELS = 2  # of a PNG for each px of the chart
CHARACTERS = 30  # of a name
MOST_CHARACTERS = 110  # of a title or a source
PLAIN = str.maketrans({"×": "x", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "\u2009": " ", "\xa0": " "})
"""Signs that Pillow's font lacks. It has Latin letters alone; names in other scripts are whole in the SVG."""


@dataclass(frozen=True, slots=True)
class Line:
    """From point to point, at least two."""

    points: Sequence[tuple[float, float]]
    colour: str
    width: float
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True, slots=True)
class Words:
    """`anchor`: start, middle or end; `y` is the baseline."""

    x: float
    y: float
    text: str
    size: float
    colour: str = INK
    anchor: str = "start"


Shape = Line | Box | Dot | Words


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart ready to be written: `to_svg` and `to_png`."""

    title: str
    width: int
    height: int
    shapes: Sequence[Shape]


def figure_of(chart: Chart | Series, source: str) -> Figure:
    """A chart with its title above and `source` below: the period, the site, when it was computed."""
    inner = list(_interval_shapes(chart) if isinstance(chart, Chart) else _series_shapes(chart))
    scale = 1.0 if isinstance(chart, Chart) else DESK / chart.width
    width, height = round(chart.width * scale), round(chart.height * scale)
    shapes: list[Shape] = [Words(MARGIN, 30, chart.title[:MOST_CHARACTERS], 16)]
    shapes += [_moved(shape, MARGIN, HEADER, scale) for shape in inner]
    shapes.append(Words(MARGIN, HEADER + height + 22, source[:MOST_CHARACTERS], 11, QUIET))
    return Figure(chart.title, width + 2 * MARGIN, HEADER + height + FOOTER, shapes)


def _interval_shapes(chart: Chart) -> Iterator[Shape]:
    for label, x in chart.axis:
        yield Line([(x, 22), (x, chart.height)], GRID, 1)
        yield Words(x, 14, label, 12, QUIET, "middle")
    if chart.middle is not None:
        yield Line([(chart.middle, 22), (chart.middle, chart.height)], WHISKER, 1, is_dashed=True)
    for mark in chart.bar_marks:
        yield Box(mark.start, mark.bar[0], mark.bar[1], BAR, SOFT)
    for mark in chart.marks:
        yield Words(0, mark.label_y, _shortened(mark.figure.label), 13)
        if mark.low is not None and mark.high is not None:
            yield Line([(mark.low, mark.y), (mark.high, mark.y)], WHISKER, 2.5)
        yield Dot(mark.x, mark.y, 4.5, ACCENT)
        yield Words(chart.width, mark.label_y, mark.figure.text, 12, INK, "end")


def _series_shapes(series: Series) -> Iterator[Shape]:
    for label, y in series.axis:
        yield Line([(series.left, y), (series.width, y)], GRID, 0.5)
        yield Words(4, y + 3, label, 6, QUIET)
    for x, low, high in series.whiskers:
        yield Line([(x, low), (x, high)], WHISKER, 1.2)
    if len(series.dots) > 1:
        yield Line(series.dots, ACCENT, 0.8)
    for x, y in series.dots:
        yield Dot(x, y, 2, ACCENT)
    yield Words(series.left, series.bottom, f"{series.first:%Y-%m-%d}", 6, QUIET)
    if series.first != series.last:
        yield Words(series.width, series.bottom, f"{series.last:%Y-%m-%d}", 6, QUIET, "end")


def _shortened(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"


def _moved(shape: Shape, x: float, y: float, scale: float) -> Shape:
    """The shape enlarged, then moved by (x, y)."""
    if isinstance(shape, Line):
        points = [(x + scale * px, y + scale * py) for px, py in shape.points]
        return Line(points, shape.colour, scale * shape.width, shape.is_dashed)
    left, top = x + scale * shape.x, y + scale * shape.y
    if isinstance(shape, Box):
        return Box(left, top, scale * shape.width, scale * shape.height, shape.colour)
    if isinstance(shape, Dot):
        return Dot(left, top, scale * shape.radius, shape.colour)
    return Words(left, top, shape.text, scale * shape.size, shape.colour, shape.anchor)


def to_svg(figure: Figure) -> bytes:
    """An SVG file that needs no style sheet."""
    size = {"width": str(figure.width), "height": str(figure.height)}
    root = ET.Element(
        "svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {figure.width} {figure.height}", **size}
    )
    root.set("font-family", "system-ui, 'Noto Sans', Arial, sans-serif")
    ET.SubElement(root, "title").text = figure.title
    ET.SubElement(root, "rect", {**size, "fill": PAPER})
    for shape in figure.shapes:
        _element(root, shape)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _element(root: ET.Element, shape: Shape) -> None:
    def of(**values: float | str) -> dict[str, str]:
        texts = {name: value if isinstance(value, str) else f"{value:.2f}" for name, value in values.items()}
        return {name.replace("_", "-"): text for name, text in texts.items()}

    if isinstance(shape, Line):
        points = " ".join(f"{x:.2f},{y:.2f}" for x, y in shape.points)
        values = of(points=points, fill="none", stroke=shape.colour, stroke_width=shape.width, stroke_linecap="round")
        ET.SubElement(root, "polyline", values | ({"stroke-dasharray": "4 4"} if shape.is_dashed else {}))
    elif isinstance(shape, Box):
        box = of(x=shape.x, y=shape.y, width=shape.width, height=shape.height, rx=2.0, fill=shape.colour)
        ET.SubElement(root, "rect", box)
    elif isinstance(shape, Dot):
        ET.SubElement(root, "circle", of(cx=shape.x, cy=shape.y, r=shape.radius, fill=shape.colour))
    else:
        words = of(x=shape.x, y=shape.y, font_size=shape.size, fill=shape.colour, text_anchor=shape.anchor)
        ET.SubElement(root, "text", words).text = shape.text


def to_png(figure: Figure) -> bytes:
    """A PNG file of PIXELS pixels for each px, in the font that Pillow brings along."""
    picture = PIL.Image.new("RGB", (figure.width * PIXELS, figure.height * PIXELS), PAPER)
    draw = PIL.ImageDraw.Draw(picture)
    for shape in figure.shapes:
        _draw(draw, _moved(shape, 0, 0, PIXELS))
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _draw(draw: PIL.ImageDraw.ImageDraw, shape: Shape) -> None:
    if isinstance(shape, Line):
        _draw_line(draw, shape)
    elif isinstance(shape, Box):
        draw.rounded_rectangle((shape.x, shape.y, shape.x + shape.width, shape.y + shape.height), 4, shape.colour)
    elif isinstance(shape, Dot):
        draw.circle((shape.x, shape.y), shape.radius, shape.colour)
    else:
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
        font = PIL.ImageFont.load_default(shape.size)
        draw.text((shape.x, shape.y), shape.text.translate(PLAIN), shape.colour, font, anchor=anchor)


def _draw_line(draw: PIL.ImageDraw.ImageDraw, line: Line) -> None:
    width = max(1, round(line.width))
    if not line.is_dashed:
        draw.line(list(line.points), line.colour, width, joint="curve")
        return
    (x, top), (_x, bottom) = line.points[0], line.points[-1]  # only upright lines are dashed
    for start in range(round(top), round(bottom), 16):
        draw.line([(x, start), (x, min(start + 8, bottom))], line.colour, width)
