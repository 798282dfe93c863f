"""Checkpoints, what members ask for, and the images that are drawn from it."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pgvector.django import BitField

from accounts.hooks import hidden_authors
from accounts.models import Role, User, Viewer, level_for
from generation.catalogue.models import Checkpoint, ControlNet, ImagePrompt, Lora, Style, TextualInversion
from lib.content_levels import ContentLevel
from lib.ids import PublicIdModel
from moderation.models import Restriction

__all__ = [
    "ALONE_AFTER",
    "MAX_ATTEMPTS",
    "MAX_INTERRUPTIONS",
    "MAX_SCREENINGS",
    "PENDING",
    "UNPAID",
    "WAITING",
    "BatchCap",
    "Checkpoint",
    "ControlNet",
    "Generation",
    "GenerationQuerySet",
    "Image",
    "ImagePrompt",
    "ImageQuerySet",
    "ImageState",
    "InputPicture",
    "Lora",
    "PoolWorker",
    "PromptExample",
    "QueueShare",
    "Style",
    "TextualInversion",
    "Upload",
    "UploadQuerySet",
]


class GenerationQuerySet(models.QuerySet["Generation"]):
    def visible_to(self, viewer: Viewer) -> "GenerationQuerySet":
        """Only the author's own, even where an image of it is published."""
        return self.filter(author=viewer) if isinstance(viewer, User) else self.none()


class UploadQuerySet(models.QuerySet["Upload"]):
    def visible_to(self, viewer: Viewer) -> "UploadQuerySet":
        """Only the author's own, even where a picture made from it is published."""
        return self.filter(author=viewer) if isinstance(viewer, User) else self.none()

    def usable_by(self, viewer: Viewer) -> "UploadQuerySet":
        """What may be started from; drawing waits for the check of those that have none yet."""
        return self.visible_to(viewer).exclude(state=Upload.State.REFUSED)


class Upload(PublicIdModel):
    """A picture that a member uploaded to start from; re-encoded, and nothing is drawn from it before its check."""

    class State(models.TextChoices):
        CHECKING = "checking", _("Being checked")
        READY = "ready", _("Ready")
        REFUSED = "refused", _("Refused")

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="uploads")
    file = models.CharField(max_length=120)  # uploads/{public_id}.png in the store
    sha256 = models.CharField(max_length=64)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    content_level = models.PositiveSmallIntegerField(choices=ContentLevel.choices, default=ContentLevel.GENERAL)
    created_at = models.DateTimeField()

    # what was kept before there were states had been checked
    state = models.CharField(max_length=8, choices=State.choices, default=State.CHECKING, db_default=State.READY)
    failure = models.CharField(max_length=300, blank=True, default="", db_default="")  # why it is refused
    checks = models.PositiveSmallIntegerField(default=0, db_default=0)  # that were begun
    check_after = models.DateTimeField(null=True)  # a check is running, or was put off, until then

    objects = UploadQuerySet.as_manager()

    class Meta:
        indexes = [
            # what waits for its check, and what is not drawn because of it
            models.Index(fields=["id"], name="upload_unchecked", condition=Q(state="checking"))
        ]


class Generation(PublicIdModel):
    """One request of a member: the parameters that its images share. Its prompts may be blanked; the row stays."""

    class RemixKind(models.TextChoices):
        SAME_SETTINGS = "same", _("Same settings")
        INSPIRED = "inspired", _("Inspired by")

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="generations")
    prompt = models.TextField(max_length=2000)
    negative_prompt = models.TextField(max_length=2000, blank=True)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="generations")
    style = models.ForeignKey(Style, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    loras = models.JSONField(default=list)  # [{slug, sha256, weight}]
    scheduler = models.CharField(max_length=64)  # a sampler's slug; in older rows a class name of diffusers
    clip_skip = models.PositiveSmallIntegerField(default=1, db_default=1)  # 1 reads the last layer of the encoder
    steps = models.PositiveSmallIntegerField()
    guidance = models.FloatField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    parent = models.ForeignKey(
        "generation.Image", null=True, blank=True, on_delete=models.SET_NULL, related_name="remixes"
    )
    remix_kind = models.CharField(max_length=8, choices=RemixKind.choices, blank=True)
    source_image = models.ForeignKey(
        "generation.Image", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    upload = models.ForeignKey(Upload, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    strength = models.FloatField(null=True)
    kind = models.CharField(max_length=16, blank=True, default="", db_default="")  # of catalogue.kinds; empty in older
    # rows, where `strength` says it
    edit = models.JSONField(default=dict, db_default={}, blank=True)  # a catalogue.kinds.Edit, without its defaults
    is_draft = models.BooleanField(default=False, db_default=False)  # a few steps, drawn while the prompt is typed
    idempotency_key = models.CharField(max_length=64)
    request_hash = models.CharField(
        max_length=64, blank=True, default="", db_default=""
    )  # of what was asked with the key
    was_doubtful = models.BooleanField(default=False)  # prompt screening asked “generate anyway?”: no previews
    submitted_at = models.DateTimeField()

    objects = GenerationQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "idempotency_key"], name="generation_once_per_key")]
        indexes = [models.Index(fields=["author", "-submitted_at", "-id"], name="generation_history")]


class InputPicture(models.Model):
    """A picture beside the source that decides a generation; one of `image` and `upload`, neither once it is gone."""

    class Role(models.TextChoices):
        MASK = "mask", _("Mask")
        CONTROL = "control", _("Picture to follow")
        REFERENCE = "reference", _("Reference")

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="inputs")
    role = models.CharField(max_length=10, choices=Role.choices)
    position = models.PositiveSmallIntegerField(default=0)
    image = models.ForeignKey("generation.Image", null=True, on_delete=models.SET_NULL, related_name="+")
    upload = models.ForeignKey(Upload, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "role", "position"], name="inputpicture_position"),
            models.CheckConstraint(name="inputpicture_is_one", condition=Q(image=None) | Q(upload=None)),
        ]

    @property
    def picture(self) -> "Image | Upload | None":
        return self.image or self.upload


class ImageState(models.TextChoices):
    QUEUED = "queued", _("In the queue")
    PAUSED = "paused", _("Paused")
    LEASED = "leased", _("Being made")
    GENERATED = "generated", _("Made")
    SCREENING = "screening", _("Being checked")
    READY = "ready", _("Ready")
    HELD = "held", _("Held for review")
    REJECTED = "rejected", _("Removed")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")


MAX_ATTEMPTS = 3  # at drawing, where the picture itself failed
MAX_INTERRUPTIONS = 10  # by the death of a machine, or a store that stayed away
ALONE_AFTER = 3  # interruptions: who was there so often when a machine died is drawn alone, and takes nobody along
MAX_SCREENINGS = 3  # at checking; then a moderator looks
PENDING = (ImageState.QUEUED, ImageState.PAUSED, ImageState.LEASED, ImageState.GENERATED, ImageState.SCREENING)
WAITING = (ImageState.QUEUED, ImageState.PAUSED)
UNPAID = (ImageState.CANCELLED, ImageState.FAILED)  # what these cost goes back to the member


class ImageQuerySet(models.QuerySet["Image"]):
    def pending(self) -> "ImageQuerySet":
        return self.filter(state__in=PENDING)

    def drawable(self, at: datetime) -> "ImageQuerySet":
        """Queued, and not waiting: neither for another try nor for the check of an upload that they are drawn from."""
        unchecked = Upload.objects.filter(state=Upload.State.CHECKING)
        waiting = self.filter(state=ImageState.QUEUED, not_before__lte=at)
        # two subqueries over a small partial index; one with OR would read every generation
        return waiting.exclude(generation__in=Generation.objects.filter(upload__in=unchecked)).exclude(
            generation__in=InputPicture.objects.filter(upload__in=unchecked).values("generation")
        )

    def drawn_from(self, upload: Upload) -> "ImageQuerySet":
        """Those that start from an upload, follow it, or are masked by it."""
        sources = Generation.objects.filter(upload=upload).values("pk")
        inputs = InputPicture.objects.filter(upload=upload).values("generation")
        return self.filter(generation__in=sources.union(inputs))

    def kept(self) -> "ImageQuerySet":
        """Neither deleted nor removed by moderation: what the author may still see."""
        return self.filter(deleted_at=None).exclude(state=ImageState.REJECTED)

    def charged(self, author: User, since: datetime) -> "ImageQuerySet":
        """What counts against a member's budget since a time; the rows are the ledger."""
        return self.filter(author=author, queued_at__gt=since).exclude(state__in=UNPAID)

    def with_prompt_of(self, image: "Image") -> "ImageQuerySet":
        """Images of its author that tell its prompt: of its generation, and of others with the same words."""
        made = image.generation
        same_words = Q(generation__author=image.author_id, generation__prompt=made.prompt) if made.prompt else Q()
        return self.filter(Q(generation=made.pk) | same_words, author=image.author_id)

    def public(self, at: datetime) -> "ImageQuerySet":
        """Published, ready, and by nobody who is banned."""
        banned = Restriction.objects.banned(at).values("user_id")
        return self.filter(is_public=True, state=ImageState.READY, deleted_at=None).exclude(author_id__in=banned)

    def visible_to(self, viewer: Viewer, at: datetime) -> "ImageQuerySet":
        """Public images up to the viewer's level, without authors hidden from them (AUDIENCE); all of their own; for
        moderators, all.
        """
        shown = self.public(at).filter(content_level__lte=level_for(viewer))
        if not isinstance(viewer, User):
            return self.filter(pk__in=shown.values("pk"))
        if viewer.has_role(Role.MODERATOR):
            return self.filter(deleted_at=None)
        own = Q(author=viewer, deleted_at=None) & ~Q(state=ImageState.REJECTED)
        return self.filter(Q(pk__in=shown.exclude(hidden_authors(viewer)).values("pk")) | own)


class Image(PublicIdModel):
    """The unit of work and, once ready, the picture. Its state changes only by conditional UPDATEs."""

    generation = models.ForeignKey(Generation, on_delete=models.PROTECT, related_name="images")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="images")
    position = models.PositiveSmallIntegerField()
    seed = models.BigIntegerField()
    variation_seed = models.BigIntegerField(null=True)  # of the noise that is mixed in
    batch_key = models.CharField(max_length=64)
    cost_units = models.BigIntegerField()  # pixels x steps x passes that run; reserved while the image is pending
    charged_units = models.BigIntegerField(null=True)  # settled once, when the image is ready
    pool = models.SlugField(max_length=32)
    priority = models.IntegerField(default=0, db_default=0)  # among the author's own: the highest first

    state = models.CharField(max_length=10, choices=ImageState.choices, default=ImageState.QUEUED)
    lease_no = models.PositiveIntegerField(default=0)  # the fencing token: it only grows
    lease_expires_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # that failed
    interruptions = models.PositiveSmallIntegerField(default=0, db_default=0)
    screening_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    not_before = models.DateTimeField()
    failure = models.CharField(max_length=300, blank=True)
    is_cancel_requested = models.BooleanField(default=False)
    bucket = models.PositiveSmallIntegerField(null=True)  # batch size it ran in
    versions = models.JSONField(default=dict)  # {"torch": …, "diffusers": …, "checkpoint": sha256}
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)

    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    prefix = models.CharField(max_length=64, blank=True)  # images/{id}/{lease_no} in the store
    png_sha256 = models.CharField(max_length=64, blank=True)
    jpeg_sha256 = models.CharField(max_length=64, blank=True)  # the metadata-free training copy, made once
    jpeg_bytes = models.PositiveIntegerField(null=True)  # its size; unknown of pictures from before it was recorded
    rendition_hash = models.CharField(max_length=16, blank=True)
    rendition_widths: ArrayField[list[int], list[int]] = ArrayField(models.PositiveSmallIntegerField(), default=list)
    thumbhash = models.CharField(max_length=48, blank=True)  # base64
    placeholder = models.CharField(max_length=600, blank=True)  # the same as a tiny PNG in a data: URI
    pdq = BitField(length=256, null=True)
    pdq_quality = models.PositiveSmallIntegerField(null=True)
    sharpness = models.FloatField(null=True)  # of lib.images.appearance, as the next two; null: not measured yet
    saturation = models.FloatField(null=True)
    lightness = models.FloatField(null=True)
    alt_text = models.CharField(max_length=500, blank=True)
    is_alt_written = models.BooleanField(default=False, db_default=False)  # by the author; else it is the prompt

    content_level = models.PositiveSmallIntegerField(choices=ContentLevel.choices, default=ContentLevel.GENERAL)
    is_public = models.BooleanField(default=False)  # written by feed when its post is published or taken down
    is_prompt_hidden = models.BooleanField(default=False)
    is_favourite = models.BooleanField(default=False, db_default=False)  # of its author, for them alone
    deleted_at = models.DateTimeField(null=True)

    objects = ImageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "position"], name="image_position_in_generation"),
            models.CheckConstraint(
                name="image_public_is_ready", condition=Q(is_public=False) | Q(state=ImageState.READY, deleted_at=None)
            ),
            models.CheckConstraint(
                name="image_tombstone_is_blank",
                condition=Q(deleted_at=None)
                | Q(prefix="", jpeg_sha256="", png_sha256="", alt_text="", thumbhash="", placeholder="", pdq=None),
            ),
        ]
        indexes = [
            # queued_candidates: the queue of a pool
            models.Index(fields=["pool", "not_before", "id"], name="image_queue", condition=Q(state=ImageState.QUEUED)),
            # reap: leases that ran out
            models.Index(
                fields=["lease_expires_at"], name="image_leases", condition=Q(state__in=["leased", "screening"])
            ),
            # unchecked_ids: what waits for its check
            models.Index(
                fields=["state", "id"], name="image_screening", condition=Q(state__in=["generated", "screening"])
            ),
            # measure_pictures: drawn before pictures were measured
            models.Index(
                fields=["id"], name="image_unmeasured", condition=Q(sharpness=None, state="ready", deleted_at=None)
            ),
            # limits of a member: what is pending, and the cost of a rolling day
            models.Index(F("author"), F("queued_at"), name="image_budget", include=["state", "cost_units"]),
        ]

    def may_read_prompt(self, viewer: Viewer | None) -> bool:
        """A hidden prompt is for its author and for moderators, who decide about it."""
        if not self.is_prompt_hidden:
            return True
        return isinstance(viewer, User) and (viewer.pk == self.author_id or viewer.has_role(Role.MODERATOR))

    def alt_for(self, viewer: Viewer | None) -> str:
        """The alternative text for `viewer`: the author's own, else the prompt if they may read it."""
        if self.is_alt_written or self.may_read_prompt(viewer):
            return self.alt_text
        return gettext("A picture whose prompt is hidden")

    def message(self) -> str:
        """One sentence for its author about the state of the image."""
        sentences = {
            ImageState.HELD: self.failure
            or gettext("Held for review. Until then only you and our moderators can see it."),
            ImageState.REJECTED: gettext("Removed: it breaks our rules."),
            ImageState.FAILED: self.failure or gettext("This picture could not be made."),
        }
        state = ImageState(self.state)
        return sentences.get(state) or str(state.label)


class QueueShare(models.Model):
    """How far a member was served in a pool, as virtual time in cost units (see `queue.ordering`)."""

    pool = models.SlugField(max_length=32)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    started = models.FloatField(default=0)  # the largest virtual time at which a turn of theirs began
    finished = models.FloatField(default=0)  # where what they were served ends

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "author"], name="queueshare_once")]
        # the clock of a pool is its largest start
        indexes = [models.Index(fields=["pool", "-started"], name="queueshare_clock")]


class PoolWorker(models.Model):
    """A worker of a pool and its measured speed, from which waiting times follow."""

    name = models.CharField(max_length=120, unique=True)
    pool = models.SlugField(max_length=32)
    units_per_second = models.FloatField()  # a moving average of cost units drawn
    seen_at = models.DateTimeField()


class BatchCap(models.Model):
    """The largest batch of a checkpoint and size on a device: measured, and lowered for good where memory ran out."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, related_name="batch_caps")
    device = models.CharField(max_length=80)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    cap = models.PositiveSmallIntegerField()
    images_per_second = models.FloatField(null=True)  # at that size, where it was measured
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "device", "width", "height"], name="batchcap_once")
        ]


class PromptExample(models.Model):
    """A public, general prompt that prompt expansion may learn from; written and removed by feed."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, related_name="prompt_example")
    prompt = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
