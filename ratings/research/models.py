"""Precomputed figures of the Research pages: a page over millions of answers reads a few hundred rows."""

from datetime import datetime
from typing import Any

from django.db import models

from ratings.research.statistics.means import sensitivity_band


class ReportSnapshotQuerySet(models.QuerySet["ReportSnapshot"]):
    def latest_over(self, days: int) -> "ReportSnapshot | None":
        """The newest snapshot of the last `days`."""
        return self.filter(days=days).order_by("-computed_at").first()


class ReportSnapshot(models.Model):
    """The figures of one period, computed at one moment. `body` holds the small ones (see `reports`)."""

    days = models.PositiveSmallIntegerField()
    since = models.DateTimeField()
    computed_at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    answers = models.PositiveIntegerField()
    body: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)

    objects = ReportSnapshotQuerySet.as_manager()

    class Meta:
        db_table = "ratings_reading"
        indexes = [models.Index(fields=["days", "-computed_at"], name="reading_latest")]

    def is_older_than(self, moment: datetime) -> bool:
        return self.computed_at < moment


class AspectFigureQuerySet(models.QuerySet["AspectFigure"]):
    def along(self, dimension: str, **fixed: str) -> "AspectFigureQuerySet":
        """One figure per value of `dimension` (empty: one for all); the other dimensions as in `fixed`, or all."""
        where = {name: fixed.get(name, "") for name in DIMENSIONS if name != dimension}
        figures = self.filter(week=None, **where)
        return figures.exclude(**{dimension: ""}) if dimension else figures

    def weekly(self, **fixed: str) -> "AspectFigureQuerySet":
        """One figure per week, in order."""
        where = {name: fixed.get(name, "") for name in DIMENSIONS}
        return self.filter(week__isnull=False, **where).order_by("week")


DIMENSIONS = ("checkpoint", "style", "category")


class AspectFigure(models.Model):
    """The weighted mean of one question on one surface, among pictures of one kind; an empty dimension means all."""

    snapshot = models.ForeignKey(
        ReportSnapshot, on_delete=models.CASCADE, related_name="aspects", db_column="reading_id"
    )
    surface = models.CharField(max_length=8)
    question = models.CharField(max_length=32)
    checkpoint = models.CharField(max_length=64, blank=True)
    style = models.CharField(max_length=64, blank=True)
    category = models.CharField(max_length=64, blank=True)
    week = models.DateField(null=True)  # its Monday; null: the whole period
    answers = models.PositiveIntegerField()
    raters = models.PositiveIntegerField()
    pictures = models.PositiveIntegerField(default=0)
    effective_raters = models.FloatField(default=0)  # so many of equal weight would be worth as much
    effective_pictures = models.FloatField(default=0)
    response = models.FloatField()  # of the strata behind it
    mean = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    naive = models.FloatField()

    objects = AspectFigureQuerySet.as_manager()

    class Meta:
        indexes = [
            # the aspects page: one question or all along one dimension
            models.Index(fields=["snapshot", "surface", "checkpoint", "style", "category"], name="aspectfigure_shown")
        ]

    @property
    def band(self) -> tuple[float, float]:
        """How far the interval would reach if those who did not answer thought differently."""
        return band_of(self.mean, self.low, self.high, self.response)


def band_of(mean: float, low: float | None, high: float | None, response: float) -> tuple[float, float]:
    """The sensitivity band of a mean's interval, or of the mean alone where it has none."""
    ends = (mean, mean) if low is None or high is None else (low, high)
    return sensitivity_band(*ends, response)
