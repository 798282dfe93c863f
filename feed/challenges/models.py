"""The daily themes and what members enter."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse

from feed.posts.models import Post
from lib.days import local_day


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def current(self, at: datetime) -> "ChallengeQuerySet":
        """The challenge that is open at `at`; at most one."""
        return self.filter(day=local_day(at))

    def begun(self, at: datetime) -> "ChallengeQuerySet":
        """Today's and earlier challenges, the latest first. Future themes stay secret."""
        return self.filter(day__lte=local_day(at)).order_by("-day")


class Challenge(models.Model):
    """A theme a day; whether it is open follows from the date alone, in SITE_TIME_ZONE."""

    day = models.DateField(unique=True)
    theme = models.CharField(max_length=120)
    hint = models.CharField(max_length=300, blank=True)

    objects = ChallengeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.day}: {self.theme}"

    def get_absolute_url(self) -> str:
        return reverse("feed:challenge-detail", args=[self.day.isoformat()])

    def is_open(self, at: datetime) -> bool:
        return self.day == local_day(at)


class ChallengeEntry(models.Model):
    challenge = models.ForeignKey(Challenge, on_delete=models.PROTECT, related_name="entries")
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="challenge_entries")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="challenge_entries")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["challenge", "post"], name="challengeentry_once")]
        # the three a member may enter
        indexes = [models.Index(fields=["challenge", "member"], name="challengeentry_of_member")]
