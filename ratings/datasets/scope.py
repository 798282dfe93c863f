"""What one plan works with: the filter, the moment it reads, its keys and splits, and what it leaves out."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Count, Q, QuerySet

from generation.models import Image
from ratings.datasets import splits
from ratings.datasets.eligibility import ReleaseFilter
from ratings.datasets.identity import Keys
from ratings.datasets.pictures import Picture, caption_of

CHUNK = 2_000


@dataclass
class Scope:
    """`most` bounds how many ledger rows of a kind are read (for a preview); None reads all."""

    chosen: ReleaseFilter
    as_of: datetime
    secret: str
    release: str
    most: int | None = None
    dropped: dict[str, Counter[str]] = field(default_factory=dict)

    def keys(self, table: str) -> Keys:
        return Keys(self.secret, self.release, table)

    def drop(self, kind: str, reason: str, rows: int = 1) -> None:
        self.dropped.setdefault(kind, Counter())[reason] += rows

    def ledger(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of a ledger up to `as_of` (and since the day chosen)."""
        rows = rows.filter(created_at__lte=self.as_of)
        if self.chosen.since:
            rows = rows.filter(created_at__date__gte=self.chosen.since)
        return rows

    def read(self, rows: QuerySet[Any]) -> Any:
        """Streams rows through a server-side cursor, at most `most` of them."""
        return rows[: self.most].iterator(chunk_size=CHUNK)

    def split(self, caption: str) -> str:
        return splits.split_of(self.secret, caption)

    def split_of_picture(self, picture: Picture) -> tuple[str, str]:
        """(split, '') or (split, the reason why the picture may not stand in it)."""
        elsewhere = self.is_elsewhere(picture.sha256, picture.caption)
        return self.split(picture.caption), "image_in_other_split" if elsewhere else ""

    def split_of_pair(self, low: Picture, high: Picture) -> tuple[str, str]:
        """As `split_of_picture`; two prompts of two splits have none in common."""
        (split, low_reason), (other, high_reason) = self.split_of_picture(low), self.split_of_picture(high)
        return split, low_reason or high_reason or ("" if split == other else "prompts_in_two_splits")

    def is_elsewhere(self, sha256: str, caption: str) -> bool:
        """Whether the same bytes were first made for a prompt of another split."""
        first = self._first_captions.get(sha256)
        return first is not None and self.split(first) != self.split(caption)

    @cached_property
    def _first_captions(self) -> dict[str, str]:
        """{sha256: the caption it was first made for}, of the few pictures that two prompts share."""
        shared = (
            Image.objects.exclude(jpeg_sha256="")
            .values("jpeg_sha256")
            .annotate(
                prompts=Count("generation__prompt", distinct=True), styles=Count("generation__style", distinct=True)
            )
            .filter(Q(prompts__gt=1) | Q(styles__gte=1))
            .values("jpeg_sha256")
        )
        rows = Image.objects.filter(jpeg_sha256__in=shared).order_by("-pk")
        found = rows.values_list("jpeg_sha256", "generation__prompt", "generation__style__template")
        return {sha256: caption_of(prompt, template) for sha256, prompt, template in found}
