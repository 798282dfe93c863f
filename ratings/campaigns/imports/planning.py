"""Sets up what is to be imported: the archive in the store, its models, and the planned pictures."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.core.files.base import File
from django.db import connection
from django.utils.translation import gettext as _

from generation.catalogue.models import IMPORTED
from generation.media import storage
from generation.models import Checkpoint
from lib.ids import new_public_id
from ratings.benchmarks.models import BenchmarkPrompt
from ratings.benchmarks.prompts import Prompt
from ratings.campaigns.imports.metadata import Row, bad_archive
from ratings.campaigns.imports.models import CampaignArchive, ImportedPicture
from ratings.campaigns.models import Campaign, CampaignPicture

BATCH = 1_000
_NUMBERS = "SELECT nextval(pg_get_serial_sequence('generation_image', 'id')) FROM generate_series(1, %s)"


def prompts_in(rows: Sequence[Row]) -> list[Prompt]:
    """The prompts in the order in which they come first."""
    return [Prompt(text) for text in dict.fromkeys(row.prompt for row in rows)]


def require_pairs(rows: Sequence[Row]) -> None:
    """Raises Refused for a model that shares no prompt and seed with another, so that it would be in no pair."""
    models: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in rows:
        models[row.prompt, row.seed].add(row.model)
    paired = {model for together in models.values() if len(together) > 1 for model in together}
    alone = sorted({row.model for row in rows} - paired)
    if alone:
        message = _("Pairs have one prompt and one seed. No other model has a prompt and seed of: %(names)s.")
        raise bad_archive(message % {"names": ", ".join(alone)[:200]})


def keep_archive(*, file: File[bytes], at: datetime) -> CampaignArchive:
    """Writes an archive into the store. It is deleted again unless a campaign takes it within the hour."""
    kept = CampaignArchive.objects.create(file=f"campaigns/{new_public_id()}.zip", created_at=at)
    storage.write_file(kept.file, file)
    return kept


def plan_imports(
    *, campaign: Campaign, rows: Sequence[Row], archive: CampaignArchive, licence: str, at: datetime
) -> None:
    """Plans a picture for each row, and models that belong to this campaign alone; call inside its transaction."""
    CampaignArchive.objects.filter(pk=archive.pk).update(campaign=campaign)
    models = _create_models(rows, licence)
    prompts = {prompt.text: prompt for prompt in BenchmarkPrompt.objects.filter(prompt_set=campaign.prompt_set)}
    shuffled = list(rows)
    random.Random(campaign.pk).shuffle(shuffled)  # so that ids of pictures say nothing of their model
    planned = CampaignPicture.objects.bulk_create(
        (
            CampaignPicture(campaign=campaign, checkpoint=models[row.model], prompt=prompts[row.prompt], seed=row.seed)
            for row in shuffled
        ),
        batch_size=BATCH,
    )
    ImportedPicture.objects.bulk_create(
        (
            ImportedPicture(picture=picture, file=row.file, line=row.line, image_number=number, not_before=at)
            for picture, row, number in zip(planned, shuffled, _reserve_image_numbers(len(rows)), strict=True)
        ),
        batch_size=BATCH,
    )


def _create_models(rows: Sequence[Row], licence: str) -> dict[str, Checkpoint]:
    """A row for each model, by its name, that nobody can choose and nothing draws with (see CheckpointManager)."""
    made = [
        Checkpoint(
            slug=f"imported-{new_public_id()}", name=name, source="", licence=licence, outputs_may_train=True,
            engine=IMPORTED, pool=IMPORTED, sizes=[], is_enabled=False,
        )
        for name in sorted({row.model for row in rows})
    ]  # fmt: skip
    return {row.name: row for row in Checkpoint.with_imported.bulk_create(made)}


def _reserve_image_numbers(count: int) -> list[int]:
    """Ids that no other image gets: files are written under them before there are rows."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [count])
        return [number for (number,) in cursor.fetchall()]
