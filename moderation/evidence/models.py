"""What was reported or held, as it was then."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from pgvector.django import BitField

from moderation.cases.models import Case


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def uncopied(self) -> "EvidenceQuerySet":
        """Those whose picture lies in its author's files alone."""
        return self.filter(file="").exclude(source="")

    def expired(self, at: datetime) -> "EvidenceQuerySet":
        return self.filter(expires_at__lte=at)


class Evidence(models.Model):
    """A copy of what a case is about: it outlives an author's edits and deletions until its retention ends."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="evidence")
    text = models.TextField(blank=True)
    author_name = models.CharField(max_length=150, blank=True)
    source = models.CharField(max_length=200, blank=True)  # the picture's file in the store when this was taken
    file = models.CharField(max_length=200, blank=True)  # moderation's own copy of it
    pdq = BitField(length=256, null=True)
    taken_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # set by the decision; until then it is kept

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        indexes = [
            # copy_pictures: what is still to be copied, also by the file that is about to go
            models.Index(fields=["source"], name="evidence_uncopied", condition=Q(file="") & ~Q(source="")),
            # forget_evidence
            models.Index(fields=["expires_at"], name="evidence_expiry", condition=Q(expires_at__isnull=False)),
        ]
