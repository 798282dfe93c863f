"""Taking rows out of a frozen plan: those that may not leave any more, and those of who or what was deleted."""

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.expressions import RawSQL

from generation.media.storage import reading_threads
from generation.models import Image
from ratings.models import GonePicture, Release, ReleaseBlock, ReleaseShard, ReleaseTombstone
from ratings.releases.engine import block_codec
from ratings.releases.engine.eligibility import ReleaseFilter, image_reason, willing
from ratings.releases.engine.identity import digest_of
from ratings.releases.engine.image_reader import training_size
from ratings.releases.engine.sql import rows as read
from ratings.releases.formats.registry import FORMATS

if TYPE_CHECKING:
    from django.db.models import QuerySet

_CHUNK = 10_000
_STANDING = """SELECT unnest(block.{}) FROM ratings_releaseblock block
 JOIN ratings_releaseshard shard ON shard.id = block.shard_id WHERE shard.release_id = %s"""


def drop_unfit(release: Release, at: datetime) -> int:
    """Removes planned rows that may no longer leave; returns how many. Their shards wait to be built again."""
    members, pictures = unfit(release, at)
    return remove_rows(release, members, pictures, at)


def unfit(release: Release, at: datetime) -> tuple[set[int], set[int]]:
    """The raters of a release who do not agree any more, and its pictures that may not leave any more (ids)."""
    chosen = ReleaseFilter.from_json(release.filter)
    shown = RawSQL(_STANDING.format("images"), [release.pk])  # noqa: S611 (a statement of ours)
    fit = Image.objects.filter(pk__in=shown).annotate(reason=image_reason(chosen, at)).filter(reason="")
    return _others(release, "raters", willing(at)), _others(release, "images", fit.values("pk"))


def _others(release: Release, column: str, fit: "QuerySet[Any, Any]") -> set[int]:
    """The ids that a release's rows stand on, less the fit ones: those that are gone altogether stay among them."""
    statement, params = fit.query.sql_with_params()
    return {pk for (pk,) in read(f"{_STANDING.format(column)} EXCEPT ({statement})", [release.pk, *params])}


def missing(release: Release) -> set[int]:
    """The pictures that a release's rows show and whose training copy is not in the store (ids)."""
    kinds = [kind for kind in release.kinds if FORMATS[kind].carries_pictures]
    blocks = ReleaseBlock.objects.filter(shard__release=release, shard__kind__in=kinds)
    shown = {pk for images in blocks.values_list("images", flat=True).iterator() for pk in images}
    prefixes = dict(Image.objects.filter(pk__in=shown).values_list("pk", "prefix"))
    with ThreadPoolExecutor(reading_threads()) as pool:
        sizes = zip(prefixes, pool.map(training_size, prefixes.values()), strict=True)
        return {pk for pk, size in sizes if size is None}


@transaction.atomic
def remove_rows(release: Release, members: Collection[int], pictures: Collection[int], at: datetime) -> int:
    """Takes out every planned row that stands on one of these; returns how many rows went.

    Of a release that was published, their keys are kept, for those who hold a copy.
    """
    if not members and not pictures:
        return 0
    overlap = Q(raters__overlap=list(members)) | Q(images__overlap=list(pictures))
    blocks = ReleaseBlock.objects.filter(shard__release=release).filter(overlap).select_related("shard")
    touched, removed = set(), 0
    for block in blocks.order_by("pk").select_for_update(of=("self",)).iterator(chunk_size=20):
        table = block_codec.unpack(block.data)
        mask = block_codec.touches(table, members, pictures)
        gone = int(pc.sum(mask).as_py() or 0)
        if not gone:
            continue
        _remember(release, FORMATS[block.shard.kind].key, block.shard.kind, table.filter(mask), at)
        _keep(block, table.filter(pc.invert(mask)))
        touched.add(block.shard_id)
        removed += gone
    _recount(release, touched)
    return removed


def _remember(release: Release, key: str, kind: str, gone: pa.Table, at: datetime) -> None:
    if not (release.published_at or release.parent_id):
        return  # nobody has a copy
    ReleaseTombstone.objects.bulk_create(
        (ReleaseTombstone(release=release, kind=kind, key=value, gone_on=at.date()) for value in gone[key].to_pylist()),
        batch_size=_CHUNK,
        ignore_conflicts=True,
    )


def _keep(block: ReleaseBlock, left: pa.Table) -> None:
    if not len(left):
        block.delete()
        return
    ReleaseBlock.objects.filter(pk=block.pk).update(
        rows=len(left), raters=block_codec.raters(left), images=block_codec.images(left), data=block_codec.pack(left)
    )


def _recount(release: Release, touched: Collection[int]) -> None:
    """Has the shards built again that lost a row; one that lost all goes, and its neighbours change their names."""
    shards = release.shards.filter(pk__in=touched)
    stale = {"built_at": None, "claimed_until": None, "copied_from": "", "sha256": ""}
    for pk, rows in list(shards.annotate(left=Sum("blocks__rows")).values_list("pk", "left")):
        if rows:
            ReleaseShard.objects.filter(pk=pk).update(rows=rows, **stale)
    splits = set(shards.values_list("kind", "split"))
    release.shards.filter(pk__in=touched, blocks=None).delete()
    for kind, split in splits:
        left = list(release.shards.filter(kind=kind, split=split).order_by("index"))
        for index, shard in enumerate(left):
            if (shard.index, shard.of) != (index, len(left)):
                shard_row = ReleaseShard.objects.filter(pk=shard.pk)
                shard_row.update(index=index, of=len(left), built_at=None, claimed_until=None)


def descendants(pictures: Iterable[int]) -> set[int]:
    """The pictures and everything that was made from them, at whatever distance (ids)."""
    found = read(
        """WITH RECURSIVE edges(child_id, source_id) AS (
             SELECT child.id, made.parent_id FROM generation_generation AS made
               JOIN generation_image AS child ON child.generation_id = made.id WHERE made.parent_id IS NOT NULL
             UNION ALL
             SELECT child.id, made.source_image_id FROM generation_generation AS made
               JOIN generation_image AS child ON child.generation_id = made.id WHERE made.source_image_id IS NOT NULL
           ), line(image_id) AS (
             SELECT unnest(%s::bigint[]) UNION SELECT child_id FROM line JOIN edges ON edges.source_id = line.image_id
           ) SELECT image_id FROM line""",
        [list(pictures)],
    )
    return {pk for (pk,) in found}


def with_twins(releases: Iterable[Release], pictures: Collection[int]) -> set[int]:
    """Deleted pictures and those of the same bytes, whose digests are kept so that none of them leaves again.

    The pictures' own rows are blank by now: what they were is read from the frozen rows.
    """
    hashes: set[str] = set()
    blocks = ReleaseBlock.objects.filter(shard__release__in=list(releases), images__overlap=list(pictures))
    for data in blocks.values_list("data", flat=True).iterator(chunk_size=20):
        hashes |= _hashes(block_codec.unpack(data), set(pictures))
    GonePicture.objects.bulk_create(
        (GonePicture(digest=digest_of(settings.RELEASE_SECRET, sha256)) for sha256 in sorted(hashes)),
        ignore_conflicts=True,
    )
    twins = Image.objects.filter(jpeg_sha256__in=hashes).values_list("pk", flat=True)
    return {*pictures, *twins}


def _hashes(table: pa.Table, pictures: set[int]) -> set[str]:
    """The hashes of some of the pictures that the rows show, as far as the rows say them."""
    found: set[str] = set()
    several = "_images" in table.column_names
    for side, name in enumerate(("image_0_sha256", "image_1_sha256")):
        column = name if name in table.column_names else "image_sha256" if not side else ""
        if column not in table.column_names:
            continue
        ids = (
            [row[side] if side < len(row) else None for row in table["_images"].to_pylist()]
            if several
            else table[f"_image_{side}"].to_pylist()
        )
        found |= {sha for pk, sha in zip(ids, table[column].to_pylist(), strict=True) if pk in pictures and sha}
    return found
