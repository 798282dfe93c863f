"""What pictures can be made with: checkpoints, styles, and small weights beside those of a checkpoint."""

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from generation.catalogue.families import Family, family_of

IMPORTED = "imported"  # engine and pool of models that we only know pictures of


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    def enabled(self) -> "CheckpointQuerySet":
        return self.filter(is_enabled=True)


_CheckpointManager = models.Manager.from_queryset(CheckpointQuerySet)


class CheckpointManager(_CheckpointManager["Checkpoint"]):
    """Without imported models, so that no list, page or worker can offer or draw one, whoever forgets them."""

    def get_queryset(self) -> CheckpointQuerySet:
        return CheckpointQuerySet(self.model, using=self._db).exclude(engine=IMPORTED)


class Checkpoint(models.Model):
    """A registered diffusers checkpoint: a local folder, or a hub id with a pinned revision."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    source = models.CharField(max_length=300, help_text=_("A folder under CHECKPOINTS_DIR, or a hub id"))
    revision = models.CharField(max_length=64, blank=True, help_text=_("Pinned commit, for a hub id"))
    sha256 = models.CharField(max_length=64, blank=True, help_text=_("Of the folder's weights"))
    licence = models.CharField(max_length=64)
    outputs_may_train = models.BooleanField(
        default=False, help_text=_("The licence lets its pictures enter training datasets")
    )
    pipeline_class = models.CharField(max_length=64, default="DiffusionPipeline")
    engine = models.CharField(max_length=32, default="diffusers", db_default="diffusers")
    family = models.CharField(max_length=32, blank=True, db_default="")  # of catalogue.families; empty: by its pipeline
    options = models.JSONField(
        default=dict, db_default={}, blank=True, help_text=_("How it is held in memory, or where its server is")
    )
    token_limit = models.PositiveIntegerField(null=True)  # tokens of a prompt that it reads; 0: any; None: unknown
    sizes = models.JSONField(help_text=_("Allowed [[width, height], …] in pixels, the default first"))
    default_steps = models.PositiveSmallIntegerField(default=20)
    max_steps = models.PositiveSmallIntegerField(default=50)
    default_guidance = models.FloatField(default=3.0)
    schedulers: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=64), default=list, help_text=_("Samplers, the default first")
    )
    hints = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text=_('What it understands: {"about": "a sentence", "words": {"a heading": ["a word", …]}}'),
    )
    min_memory_mb = models.PositiveIntegerField(default=0)
    pool = models.SlugField(max_length=32, default="default")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CheckpointManager()
    with_imported = CheckpointQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def facts(self) -> Family:
        """What is true of its family."""
        return family_of(self.family, self.pipeline_class)


class Style(models.Model):
    """A text around a prompt; `template` holds `{prompt}` once."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=80)
    template = models.CharField(max_length=500, default="{prompt}")
    negative_prompt = models.CharField(max_length=500, blank=True)
    checkpoints: models.ManyToManyField[Checkpoint, models.Model] = models.ManyToManyField(
        Checkpoint, related_name="styles"
    )

    def __str__(self) -> str:
        return self.name


class AddOnQuerySet(models.QuerySet[Any]):
    def offered_to(self, *checkpoints: Checkpoint) -> Self:
        """Enabled ones made for one of these checkpoints, or for the family of one."""
        families = {each.facts.slug for each in checkpoints}
        fitting = Q(checkpoint__in=checkpoints) | Q(checkpoint=None, base_family__in=families)
        return self.filter(fitting, is_enabled=True)


class AddOn(models.Model):
    """Small weights beside those of a checkpoint; made for one checkpoint, or for every one of a family."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    checkpoint = models.ForeignKey(
        Checkpoint, null=True, blank=True, on_delete=models.CASCADE, related_name="%(class)ss"
    )
    base_family = models.CharField(max_length=32, blank=True, db_default="")
    source = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64, blank=True)
    licence = models.CharField(max_length=64)
    is_enabled = models.BooleanField(default=True)

    objects = AddOnQuerySet.as_manager()

    class Meta:
        abstract = True


class Lora(AddOn):
    trigger_words: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=80), default=list, db_default=[], blank=True
    )


class TextualInversion(AddOn):
    """An embedding that a word of the prompt stands for; the slug is the word."""


class ControlNet(AddOn):
    """A network that makes a picture follow another one: its edges, its depth, a pose."""

    revision = models.CharField(max_length=64, blank=True, default="", help_text=_("Pinned commit, for a hub id"))


class ImagePrompt(AddOn):
    """An IP-Adapter: reference pictures as a part of the prompt."""

    image_encoder = models.CharField(max_length=300)  # the folder of the encoder that reads the pictures
