"""Benchmarks: frozen prompt sets, registered models, their pictures, and the votes and scores on them."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from generation.models import Checkpoint, Image


class PromptSet(models.Model):
    """Prompts that never change, identified by the hash of their text (see ratings.benchmarks.prompts)."""

    class Form(models.TextChoices):
        PARTI = "parti", _("PartiPrompts: a table of Prompt, Category, Challenge, Note")
        MJHQ = "mjhq", _("MJHQ-30K: meta_data.json")
        TABLE = "table", _("A table or lines of JSON with prompt and category")

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    form = models.CharField(max_length=8, choices=Form.choices)
    sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class BenchmarkPrompt(models.Model):
    prompt_set = models.ForeignKey(PromptSet, on_delete=models.CASCADE, related_name="prompts")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=64, blank=True)  # its id in the source
    text = models.TextField(max_length=2000)
    category = models.CharField(max_length=64, blank=True)
    challenge = models.CharField(max_length=64, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt_set", "number"], name="benchmarkprompt_once")]


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    def shown(self) -> "BenchmarkQuerySet":
        """Benchmarks with a public page, including those without votes yet."""
        return self.order_by("-registered_at", "-pk")

    def voting(self, at: datetime) -> "BenchmarkQuerySet":
        return self.filter(state=Benchmark.State.VOTING, closes_at__gt=at)

    def to_stop(self, at: datetime) -> "BenchmarkQuerySet":
        return self.filter(state=Benchmark.State.VOTING, closes_at__lte=at)


class Benchmark(models.Model):
    """One pre-registered run of a prompt set. Its protocol is written once, before any picture is generated."""

    class State(models.TextChoices):
        GENERATING = "drawing", _("Generating pictures")
        VOTING = "judging", _("Voting")
        CLOSED = "closed", _("Closed")

    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=120)
    prompt_set = models.ForeignKey(PromptSet, on_delete=models.PROTECT, related_name="benchmarks")
    seeds: ArrayField[list[int], list[int]] = ArrayField(models.BigIntegerField(), help_text=_("The same for all"))
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    votes_a_pair = models.PositiveIntegerField(help_text=_("Votes at which a pair of models is decided"))
    closes_at = models.DateTimeField(help_text=_("Voting ends then, decided or not"))
    protocol: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()
    registered_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.GENERATING)
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    results: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    results_at = models.DateTimeField(null=True)

    objects = BenchmarkQuerySet.as_manager()

    def __str__(self) -> str:
        return self.title

    @property
    def is_end_registered(self) -> bool:
        """Whether the protocol, and so its hash, names the end of voting; the first protocols did not."""
        return "closes_at" in self.protocol["stopping"]

    @property
    def protocol_sha256(self) -> str:
        """SHA-256 of the protocol as canonical JSON, published before the first vote."""
        text = json.dumps(self.protocol, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


class BenchmarkEntry(models.Model):
    """A registered checkpoint; it stays on the page whatever the result."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="entries")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["benchmark", "checkpoint"], name="benchmarkentry_once")]


class PlannedPicture(models.Model):
    """A picture of one prompt and seed that the site asks its queue for (see ratings.benchmarks.pictures).

    Subclasses add the checkpoint and `image`, which is null until it is there, and where it was refused, failed or
    deleted.
    """

    prompt = models.ForeignKey(BenchmarkPrompt, on_delete=models.PROTECT, related_name="+")
    seed = models.BigIntegerField()
    failure = models.CharField(max_length=200, blank=True)
    image: "models.OneToOneField[Any, Any]"

    class Meta:
        abstract = True


class BenchmarkPicture(PlannedPicture):
    """The picture of one checkpoint, prompt and seed; without an image if refused, failed or deleted."""

    entry = models.ForeignKey(BenchmarkEntry, on_delete=models.CASCADE, related_name="pictures")
    image = models.OneToOneField(Image, null=True, on_delete=models.SET_NULL, related_name="benchmark_picture")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "prompt", "seed"], name="benchmarkpicture_once")]
        indexes = [
            # pairs to compare: one prompt and seed, two entries
            models.Index(fields=["prompt", "seed"], name="benchmarkpicture_pair", condition=Q(image__isnull=False))
        ]


class BenchmarkScore(models.Model):
    """A computed metric of one entry, over all pictures (empty category) or those of one category."""

    class Metric(models.TextChoices):
        FID = "fid", _("Fréchet distance (FID)")
        SIMILARITY = "similarity", _("Prompt-image similarity")

    entry = models.ForeignKey(BenchmarkEntry, on_delete=models.CASCADE, related_name="scores")
    metric = models.CharField(max_length=12, choices=Metric.choices)
    category = models.CharField(max_length=64, blank=True)
    value = models.FloatField()
    pictures = models.PositiveIntegerField()
    extractor = models.CharField(max_length=160)  # name and sha256 of the model behind it
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "metric", "category"], name="benchmarkscore_once")]
