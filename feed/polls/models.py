"""Polls by staff: one question, a few options, one vote a member."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse

from feed.challenges.models import Challenge
from lib.ids import PublicIdModel


class PollQuerySet(models.QuerySet["Poll"]):
    def open(self, at: datetime) -> "PollQuerySet":
        """Those that take votes, the one that closes next first."""
        return self.filter(closes_at__gt=at, created_at__lte=at).order_by("closes_at", "pk")


class Poll(PublicIdModel):
    """A question that closes on a date. Members see the results once they voted, everybody once it is closed."""

    question = models.CharField(max_length=200)
    challenge = models.ForeignKey(Challenge, null=True, blank=True, on_delete=models.SET_NULL, related_name="polls")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="polls")
    created_at = models.DateTimeField()
    closes_at = models.DateTimeField()

    objects = PollQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["closes_at"], name="poll_open")]

    def __str__(self) -> str:
        return self.question

    def get_absolute_url(self) -> str:
        return reverse("feed:poll", args=[self.public_id])

    def is_open(self, at: datetime) -> bool:
        return at < self.closes_at


class PollOption(models.Model):
    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="options")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["poll", "position"], name="polloption_once")]
        ordering = ["position"]


class PollVote(models.Model):
    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="votes")
    option = models.ForeignKey(PollOption, on_delete=models.CASCADE, related_name="votes")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="poll_votes")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["poll", "member"], name="pollvote_once")]
