"""Campaigns: a researcher's study, its planned pictures, who takes part, and which asks are its own."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation.models import Checkpoint, Image
from lib.days import local_day
from ratings.asking.models import Ask, AskQuerySet, Question
from ratings.benchmarks.models import PlannedPicture, PromptSet


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def asking(self, at: datetime) -> "CampaignQuerySet":
        """Open, and within their days."""
        return self.filter(state=Campaign.State.OPEN, starts_at__lte=at, ends_at__gt=at)

    def known_to(self, member: User) -> "CampaignQuerySet":
        """Those that were opened and that `member` may take part in, or took part in."""
        listed = Exists(CampaignMember.objects.filter(campaign=OuterRef("pk"), member=member))
        opened = self.filter(opened_at__isnull=False)
        return opened.filter(Q(audience=Campaign.Audience.ALL) | Q(listed))

    def to_end(self, at: datetime) -> "CampaignQuerySet":
        """Those whose last day has passed."""
        return self.unended().filter(ends_at__lte=at)

    def unended(self) -> "CampaignQuerySet":
        return self.exclude(state=Campaign.State.ENDED)


class Campaign(models.Model):
    """One study. What it asks, of whom and until when never changes; its state does, by conditional UPDATEs."""

    class State(models.TextChoices):
        DRAWING = "drawing", _("Generating pictures")
        IMPORTING = "import", _("Importing pictures")
        READY = "ready", _("Ready to start")
        OPEN = "open", _("Open")
        ENDED = "ended", _("Ended")

    class Audience(models.TextChoices):
        ALL = "all", _("Every member who agrees")
        LISTED = "listed", _("The members of a list, if they agree")

    slug = models.SlugField(max_length=48, unique=True)
    title = models.CharField(max_length=120)
    prompt_set = models.ForeignKey(PromptSet, on_delete=models.PROTECT, related_name="campaigns")
    seeds: ArrayField[list[int], list[int]] = ArrayField(models.BigIntegerField())
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="+")
    audience = models.CharField(max_length=8, choices=Audience.choices, default=Audience.ALL)
    answers_wanted = models.PositiveSmallIntegerField(help_text=_("Of each picture or pair"))
    consent_text = models.TextField(max_length=5000)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAWING)
    notice = models.CharField(max_length=200, blank=True)  # why drawing waits, if it does
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="campaign_ends_later", condition=Q(ends_at__gt=F("starts_at")))]

    def __str__(self) -> str:
        return self.title

    @property
    def is_about_pairs(self) -> bool:
        """Whether two checkpoints are compared; else single pictures are rated."""
        return self.question.form == Question.Form.PAIR

    @property
    def is_imported(self) -> bool:
        """Whether its pictures came in an archive; then each has a size of its own."""
        return self.width == 0

    @property
    def last_day(self) -> date:
        return local_day(self.ends_at - timedelta(microseconds=1))

    @property
    def asks(self) -> AskQuerySet:
        return Ask.objects.filter(of_campaign__campaign=self)

    def is_asking(self, at: datetime) -> bool:
        return self.state == self.State.OPEN and self.starts_at <= at < self.ends_at


class CampaignPicture(PlannedPicture):
    """The picture of one checkpoint, prompt and seed. It is never published: its asks alone show it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="pictures")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+")
    image = models.OneToOneField(Image, null=True, on_delete=models.SET_NULL, related_name="campaign_picture")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "prompt", "seed", "checkpoint"], name="campaignpicture_once")
        ]


class CampaignMember(models.Model):
    """Somebody who is asked: they are on the list, or agreed, or both."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="members")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="campaigns")
    agreed_at = models.DateTimeField(null=True)  # to the consent text
    left_at = models.DateTimeField(null=True)  # nothing is asked any more, and the answers no longer count

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "member"], name="campaignmember_once")]


class CampaignAsk(models.Model):
    """Which campaign an ask belongs to."""

    ask = models.OneToOneField(Ask, primary_key=True, on_delete=models.CASCADE, related_name="of_campaign")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="own_asks")
