"""The aspects furthest below their model's average, with example pictures."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from feed.models import PostAspect
from ratings.asking.models import Rating, Surface
from ratings.research.models import AspectFigure

MOST_COMPLAINTS = 5
EXAMPLES = 4
NOT_ASPECTS = {"overall"}  # the sum of the others


def complaints(figures: Sequence[AspectFigure], since: datetime) -> list[dict[str, Any]]:
    """Figures by model (post surface) whose whole interval lies below the average of their model, the worst first.

    The average of a model is the mean of its aspects' means. `examples` are ids of images rated on that aspect since
    then, the worst first.
    """
    by_model: dict[str, list[AspectFigure]] = defaultdict(list)
    for figure in figures:
        if figure.surface == Surface.POST and figure.question not in NOT_ASPECTS:
            by_model[figure.checkpoint].append(figure)
    found: list[dict[str, Any]] = []
    for model, aspects in by_model.items():
        average = sum(figure.mean for figure in aspects) / len(aspects)
        found += [
            {"checkpoint": model, "question": figure.question, "mean": figure.mean, "high": figure.high,
             "average": average, "answers": figure.answers, "raters": figure.raters}
            for figure in aspects
            if len(aspects) > 1 and figure.high is not None and figure.high < average
        ]  # fmt: skip
    worst = sorted(found, key=lambda row: row["mean"] - row["average"])[:MOST_COMPLAINTS]
    return [{**row, "examples": _examples(row["checkpoint"], row["question"], since)} for row in worst]


def _examples(checkpoint: str, question: str, since: datetime) -> list[int]:
    rated = PostAspect.objects.filter(aspect=question, post__image__generation__checkpoint__slug=checkpoint)
    recent = (
        Rating.objects.by_others()
        .scored()
        .filter(image=OuterRef("post__image"), question__slug=question, created_at__gte=since)
    )
    shown = rated.filter(Exists(recent.filter(image=OuterRef("post__image"))), post__image__is_public=True)
    return list(shown.order_by("mean", "post").values_list("post__image", flat=True)[:EXAMPLES])
