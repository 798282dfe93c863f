"""The daily themes, what members enter, and what the votes made of it."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Viewer
from feed.posts.models import Post
from generation.models import Checkpoint, Style
from lib.days import day_bounds, local_day
from lib.ids import PublicIdModel
from moderation.models import Restriction


class Stage(models.TextChoices):
    """Where a challenge is: its day, the day after, or decided."""

    PLANNED = "planned", _("Planned")
    OPEN = "open", _("Open for entries")
    VOTING = "voting", _("Voting")
    FINISHED = "finished", _("Finished")


class Closing(models.TextChoices):
    """Why voting ended; the values are those of `ratings.challenges.closing`."""

    SEPARATED = "separated", _("The winner was clear before the time was up.")
    TIME = "time", _("The time was up.")
    FEW_JUDGES = "few_judges", _("Too few members voted for a ranking.")
    TIED = "tied", _("No entry was ahead of another, so there is no ranking.")
    ONE_ENTRY = "one_entry", _("There was one entry and nothing to compare it with, so there is no ranking.")
    NO_ENTRIES = "no_entries", _("Nobody entered.")


RANKED = frozenset({Closing.SEPARATED, Closing.TIME})


class Brief(models.Model):
    """What is asked for: a theme, and at most a few conditions that an entry must meet."""

    class Aspect(models.TextChoices):
        ANY = "", _("Any")
        SQUARE = "square", _("Square")
        LANDSCAPE = "landscape", _("Wider than high")
        PORTRAIT = "portrait", _("Higher than wide")

    theme = models.CharField(max_length=120)
    hint = models.CharField(max_length=300, blank=True)
    checkpoint = models.ForeignKey(Checkpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    style = models.ForeignKey(Style, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    aspect = models.CharField(max_length=9, choices=Aspect.choices, blank=True, default="", db_default="")
    is_remix = models.BooleanField(_("a remix of the latest winner"), default=False, db_default=False)

    class Meta:
        abstract = True


BRIEF = ("theme", "hint", "checkpoint_id", "style_id", "aspect", "is_remix")


class ThemeIdeaQuerySet(models.QuerySet["ThemeIdea"]):
    def shown(self, at: datetime) -> Self:
        """Proposals that can be voted for: neither used, declined nor removed, by nobody banned."""
        banned = Restriction.objects.banned(at).values("user_id")
        return self.filter(state=ThemeIdea.State.PROPOSED, removed_at=None).exclude(proposed_by__in=banned)

    def visible_to(self, viewer: Viewer, at: datetime) -> Self:
        return self.filter(removed_at=None)

    def unused(self) -> Self:
        """Those that were never a day's theme."""
        return self.filter(challenges=None)

    def in_bank(self) -> Self:
        """Those that the calendar may take, the most wanted first."""
        wanted = self.filter(state=ThemeIdea.State.ACCEPTED, removed_at=None)
        return wanted.alias(vote_count=models.Count("votes", distinct=True)).order_by("-vote_count", "pk")


class ThemeIdea(Brief, PublicIdModel):
    """A theme of the bank, or one that a member proposes for it; screened like other text."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        ACCEPTED = "accepted", _("In the bank")
        DECLINED = "declined", _("Declined")

    state = models.CharField(max_length=8, choices=State.choices, default=State.ACCEPTED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="theme_ideas"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)  # by moderation

    objects = ThemeIdeaQuerySet.as_manager()

    class Meta:
        verbose_name = _("theme")
        indexes = [models.Index(fields=["state", "-created_at"], name="themeidea_by_state")]

    def __str__(self) -> str:
        return self.theme

    def get_absolute_url(self) -> str:
        return f"{reverse('feed:challenge-ideas')}#idea-{self.public_id}"


class ThemeIdeaVote(models.Model):
    idea = models.ForeignKey(ThemeIdea, on_delete=models.CASCADE, related_name="votes")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="theme_votes")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["idea", "member"], name="themeideavote_once")]


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def current(self, at: datetime) -> "ChallengeQuerySet":
        """The challenge that is open at `at`; at most one."""
        return self.filter(day=local_day(at))

    def begun(self, at: datetime) -> "ChallengeQuerySet":
        """Today's and earlier challenges, the latest first. Future themes stay secret."""
        return self.filter(day__lte=local_day(at)).order_by("-day")

    def planned(self, at: datetime) -> "ChallengeQuerySet":
        """Those of the days to come, the next first."""
        return self.filter(day__gt=local_day(at)).order_by("day")

    def voting(self, at: datetime) -> "ChallengeQuerySet":
        """Entered, and not decided yet: yesterday's, and earlier ones that nobody has closed."""
        return self.filter(day__lt=local_day(at), closed_at=None).order_by("day")

    def finished(self) -> "ChallengeQuerySet":
        return self.exclude(closed_at=None).order_by("-day")

    def visible_to(self, viewer: Viewer, at: datetime) -> "ChallengeQuerySet":
        return self.begun(at)


class Challenge(Brief):
    """A theme a day; whether it is open follows from the date alone, in SITE_TIME_ZONE.

    Members enter on its day and vote on the day after. What comes of it is written once, with `closed_at`.
    """

    day = models.DateField(unique=True)
    idea = models.ForeignKey(ThemeIdea, null=True, blank=True, on_delete=models.SET_NULL, related_name="challenges")
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closing = models.CharField(
        max_length=12, choices=Closing.choices, blank=True, default="", db_default="", editable=False
    )
    judge_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # with a vote that counted
    vote_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # that counted
    agreement = models.FloatField(null=True, editable=False)  # share of votes for the entry that came out stronger
    card_hash = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)

    objects = ChallengeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["day"], name="challenge_undecided", condition=Q(closed_at=None))]

    def __str__(self) -> str:
        return f"{self.day}: {self.theme}"

    def get_absolute_url(self) -> str:
        return reverse("feed:challenge-detail", args=[self.day.isoformat()])

    def is_open(self, at: datetime) -> bool:
        return self.day == local_day(at)

    def stage(self, at: datetime) -> Stage:
        if self.closed_at is not None:
            return Stage.FINISHED
        today = local_day(at)
        if self.day == today:
            return Stage.OPEN
        return Stage.PLANNED if self.day > today else Stage.VOTING

    @property
    def is_ranked(self) -> bool:
        return self.closing in RANKED

    @property
    def entries_end_at(self) -> datetime:
        return day_bounds(self.day)[1]

    @property
    def voting_ends_at(self) -> datetime:
        return day_bounds(self.day + timedelta(days=1))[1]


class ChallengeEntryQuerySet(models.QuerySet["ChallengeEntry"]):
    def placed(self) -> "ChallengeEntryQuerySet":
        """Winners, seconds and thirds that can be seen, as leaderboards and badges count them."""
        return self.filter(place__lte=3)


class ChallengeEntry(models.Model):
    """A post in a challenge; once it is decided, with the figures that decided it.

    `strength` is the log-strength of Bradley and Terry with its 95 % interval. `place` is its rank among the entries
    that can still be seen; None: not ranked, taken down, or its member rests after a win.
    """

    challenge = models.ForeignKey(Challenge, on_delete=models.PROTECT, related_name="entries")
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="challenge_entries")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="challenge_entries")
    created_at = models.DateTimeField()
    strength = models.FloatField(null=True)
    strength_low = models.FloatField(null=True)
    strength_high = models.FloatField(null=True)
    wins = models.PositiveIntegerField(null=True)
    losses = models.PositiveIntegerField(null=True)
    ties = models.PositiveIntegerField(null=True)
    is_resting = models.BooleanField(default=False, db_default=False)
    place = models.PositiveIntegerField(null=True)

    objects = ChallengeEntryQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["challenge", "post"], name="challengeentry_once")]
        indexes = [
            # the three a member may enter
            models.Index(fields=["challenge", "member"], name="challengeentry_of_member"),
            # the podium, the leaderboards, and the badges of a member
            models.Index(fields=["challenge", "place"], name="challengeentry_podium", condition=Q(place__lte=3)),
            models.Index(fields=["member"], name="challengeentry_won", condition=Q(place__lte=3)),
        ]
