"""What moderation knows of pictures (see MODERATION_TARGETS)."""

from collections.abc import Iterable

from django.db.models import Count

from accounts.models import User
from generation.media import storage
from generation.models import Image, ImageState
from lib.images import LEAST_PDQ_QUALITY, is_reliable
from moderation.targets import TargetAdapter

RANGE = 5_000


class ImageTarget(TargetAdapter[Image]):
    model = Image
    pages = frozenset({"generation:rendition"})

    def author(self, target: Image) -> User | None:
        return None if target.deleted_at else target.author

    def text(self, target: Image) -> str:
        return target.generation.prompt

    def picture_file(self, target: Image) -> str:
        return storage.original_name(target) if target.prefix else ""

    def is_hidden(self, target: Image) -> bool:
        return target.state in (ImageState.HELD, ImageState.REJECTED)

    def pdq(self, target: Image) -> str | None:
        return str(target.pdq) if target.pdq is not None and is_reliable(target.pdq_quality) else None

    def level(self, target: Image) -> int:
        return target.content_level

    def hashes_from(self, first_id: int) -> list[tuple[int, str]]:
        ready = Image.objects.filter(pk__gte=first_id, state=ImageState.READY, deleted_at=None)
        hashed = ready.filter(pdq_quality__gt=LEAST_PDQ_QUALITY, pdq__isnull=False).order_by("pk")
        return [(pk, str(pdq)) for pk, pdq in hashed.values_list("pk", "pdq")[:RANGE]]

    def reach(self, target: Image) -> int:
        return self.reaches([target])[0]

    def reaches(self, targets: list[Image]) -> list[int]:
        remixed = Image.objects.filter(pk__in=[target.pk for target in targets]).annotate(times=Count("remixes"))
        by_id = dict(remixed.order_by().values_list("pk", "times"))
        return [by_id.get(target.pk, 0) for target in targets]

    def related(self, target: Image, limit: int) -> Iterable[Image]:
        made = Image.objects.filter(generation__parent=target, deleted_at=None).select_related("author", "generation")
        return made.order_by("pk")[: min(limit, 50)]
