"""Deletes planned rows: those that may no longer be published, and those of deleted members and pictures."""

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
from ratings.releases.engine import block_codec
from ratings.releases.engine.eligibility import ReleaseFilter, consenting_members, image_reason
from ratings.releases.engine.identity import picture_digest
from ratings.releases.engine.image_reader import training_size
from ratings.releases.engine.sql import fetch_all
from ratings.releases.formats.registry import FORMATS
from ratings.releases.models import DeletedPicture, Release, ReleaseBlock, ReleaseShard, ReleaseTombstone

if TYPE_CHECKING:
    from django.db.models import QuerySet

_CHUNK = 10_000
_DEPENDENCIES = """SELECT unnest(block.{}) FROM ratings_releaseblock block
 JOIN ratings_releaseshard shard ON shard.id = block.shard_id WHERE shard.release_id = %s"""


def remove_ineligible_rows(release: Release, at: datetime) -> int:
    """Deletes rows that may no longer be published; returns how many. Their shards wait to be built again."""
    members, pictures = find_ineligible(release, at)
    return remove_rows(release, members, pictures, at)


def find_ineligible(release: Release, at: datetime) -> tuple[set[int], set[int]]:
    """The raters of a release who no longer agree, and its pictures that may no longer be published (ids)."""
    chosen = ReleaseFilter.from_json(release.filter)
    shown = RawSQL(_DEPENDENCIES.format("images"), [release.pk])  # noqa: S611 (a statement of ours)
    eligible = Image.objects.filter(pk__in=shown).annotate(reason=image_reason(chosen, at)).filter(reason="")
    raters = _dependencies_except(release, "raters", consenting_members(at))
    return raters, _dependencies_except(release, "images", eligible.values("pk"))


def _dependencies_except(release: Release, column: str, eligible: "QuerySet[Any, Any]") -> set[int]:
    """The ids that a release's rows depend on, except the eligible ones; ids of deleted rows are included."""
    statement, params = eligible.query.sql_with_params()
    return {pk for (pk,) in fetch_all(f"{_DEPENDENCIES.format(column)} EXCEPT ({statement})", [release.pk, *params])}


def find_missing_pictures(release: Release) -> set[int]:
    """The pictures that a release's rows show and whose training copy is missing in the store (ids)."""
    kinds = [kind for kind in release.kinds if FORMATS[kind].carries_pictures]
    blocks = ReleaseBlock.objects.filter(shard__release=release, shard__kind__in=kinds)
    shown = {pk for images in blocks.values_list("images", flat=True).iterator() for pk in images}
    prefixes = dict(Image.objects.filter(pk__in=shown).values_list("pk", "prefix"))
    with ThreadPoolExecutor(reading_threads()) as pool:
        sizes = zip(prefixes, pool.map(training_size, prefixes.values()), strict=True)
        return {pk for pk, size in sizes if size is None}


@transaction.atomic
def remove_rows(release: Release, members: Collection[int], pictures: Collection[int], at: datetime) -> int:
    """Deletes every planned row that depends on one of these; returns how many.

    For a release that was published, tombstones keep the keys of the rows, for those who hold a copy.
    """
    if not members and not pictures:
        return 0
    overlap = Q(raters__overlap=list(members)) | Q(images__overlap=list(pictures))
    blocks = ReleaseBlock.objects.filter(shard__release=release).filter(overlap).select_related("shard")
    changed, removed = set(), 0
    for block in blocks.order_by("pk").select_for_update(of=("self",)).iterator(chunk_size=20):
        table = block_codec.decode(block.data)
        mask = block_codec.depends_on(table, members, pictures)
        found = int(pc.sum(mask).as_py() or 0)
        if not found:
            continue
        _add_tombstones(release, FORMATS[block.shard.kind].key, block.shard.kind, table.filter(mask), at)
        _replace_block(block, table.filter(pc.invert(mask)))
        changed.add(block.shard_id)
        removed += found
    _mark_for_rebuild(release, changed)
    return removed


def _add_tombstones(release: Release, key: str, kind: str, deleted: pa.Table, at: datetime) -> None:
    if not (release.published_at or release.parent_id):
        return  # nobody has a copy
    ReleaseTombstone.objects.bulk_create(
        (
            ReleaseTombstone(release=release, kind=kind, key=value, gone_on=at.date())
            for value in deleted[key].to_pylist()
        ),
        batch_size=_CHUNK,
        ignore_conflicts=True,
    )


def _replace_block(block: ReleaseBlock, rest: pa.Table) -> None:
    if not len(rest):
        block.delete()
        return
    ReleaseBlock.objects.filter(pk=block.pk).update(
        rows=len(rest),
        raters=block_codec.rater_ids(rest),
        images=block_codec.image_ids(rest),
        data=block_codec.encode(rest),
    )


def _mark_for_rebuild(release: Release, changed: Collection[int]) -> None:
    """Marks the shards that lost a row for building again; an empty one goes, and the others of its split are renamed.

    Whoever is publishing the release loses the claim: the files being written describe rows that were deleted.
    """
    if changed:
        Release.objects.filter(pk=release.pk).update(finish_claimed_until=None)
    shards = release.shards.filter(pk__in=changed)
    stale = {"built_at": None, "claimed_until": None, "copied_from": "", "sha256": ""}
    for pk, rows in list(shards.annotate(remaining=Sum("blocks__rows")).values_list("pk", "remaining")):
        if rows:
            ReleaseShard.objects.filter(pk=pk).update(rows=rows, **stale)
    splits = set(shards.values_list("kind", "split"))
    release.shards.filter(pk__in=changed, blocks=None).delete()
    for kind, split in splits:
        remaining = list(release.shards.filter(kind=kind, split=split).order_by("index"))
        for index, shard in enumerate(remaining):
            if (shard.index, shard.of) != (index, len(remaining)):
                shard_row = ReleaseShard.objects.filter(pk=shard.pk)
                shard_row.update(index=index, of=len(remaining), built_at=None, claimed_until=None)


def find_descendants(pictures: Iterable[int]) -> set[int]:
    """The pictures and everything that was made from them, at any distance (ids)."""
    found = fetch_all(
        """WITH RECURSIVE edges(child_id, source_id) AS (
             SELECT child.id, made.parent_id FROM generation_generation AS made
               JOIN generation_image AS child ON child.generation_id = made.id WHERE made.parent_id IS NOT NULL
             UNION ALL
             SELECT child.id, made.source_image_id FROM generation_generation AS made
               JOIN generation_image AS child ON child.generation_id = made.id WHERE made.source_image_id IS NOT NULL
           ), descendants(image_id) AS (
             SELECT unnest(%s::bigint[])
             UNION SELECT child_id FROM descendants JOIN edges ON edges.source_id = descendants.image_id
           ) SELECT image_id FROM descendants""",
        [list(pictures)],
    )
    return {pk for (pk,) in found}


def add_identical_pictures(releases: Iterable[Release], pictures: Collection[int]) -> set[int]:
    """Adds the pictures with the same bytes to deleted ones, and keeps digests so that none is published again.

    The pictures' own records are blank by now, so their hashes come from the planned rows.
    """
    hashes: set[str] = set()
    blocks = ReleaseBlock.objects.filter(shard__release__in=list(releases), images__overlap=list(pictures))
    for data in blocks.values_list("data", flat=True).iterator(chunk_size=20):
        hashes |= _hashes_of(block_codec.decode(data), set(pictures))
    DeletedPicture.objects.bulk_create(
        (DeletedPicture(digest=picture_digest(settings.RELEASE_SECRET, sha256)) for sha256 in sorted(hashes)),
        ignore_conflicts=True,
    )
    identical = Image.objects.filter(jpeg_sha256__in=hashes).values_list("pk", flat=True)
    return {*pictures, *identical}


def _hashes_of(table: pa.Table, pictures: set[int]) -> set[str]:
    """The hashes of those of the pictures that the rows name."""
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
