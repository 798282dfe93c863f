"""Plans: rows streamed from the ledgers into blocks and shards of known size, or only counted for a preview."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from django.db.models import Sum

from ratings.releases.engine import block_codec, figures, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.base import Format
from ratings.releases.formats.columns import INDEX, SHARD_BYTES, SHARD_ROWS, SIZE
from ratings.releases.formats.registry import FORMATS
from ratings.releases.models import Release, ReleaseShard

# Megabytes each: COPY sends them as they are, an INSERT as text.
_BLOCKS = "ratings_releaseblock (shard_id, position, rows, raters, images, data)"
_BLOCK_TYPES = ("int8", "int8", "int4", "int8[]", "int8[]", "bytea")
Progress = Callable[[str, int], None]  # the kind of rows, and how many more are done


def no_progress(kind: str, rows: int) -> None:
    """A `Progress` that reports nothing."""


@dataclass
class PlanSummary:
    """Row counts and figures of a plan, for the preview, a refusal and the manifest."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)  # {kind: {split: rows}}
    facts: dict[str, Any] = field(default_factory=dict)  # agreement, response rate …

    def add(self, kind: str, split: str, rows: int) -> None:
        self.rows.setdefault(kind, Counter())[split] += rows

    def count(self, kind: str, split: str) -> int:
        return self.rows.get(kind, Counter())[split]

    def as_json(self) -> dict[str, Any]:
        counts = {kind: {split: n for split, n in sorted(found.items()) if n} for kind, found in self.rows.items()}
        return {"rows": counts, **self.facts}


def count_rows(scope: Scope, kinds: Iterable[str]) -> PlanSummary:
    """Counts the rows of a plan by aggregates over the ledgers, writing nothing. Call inside a transaction."""
    scope.prepare()
    scope.use_keys("pairs")
    found = PlanSummary()
    for kind in kinds:
        for split, rows in FORMATS[kind].count(scope).items():
            found.add(kind, split, rows)
    found.facts = figures.facts(scope)
    return found


def write_plan(release: Release, scope: Scope, progress: Progress) -> PlanSummary:
    """Writes the blocks and shards of `release`. Call inside a transaction: half a plan is no plan."""
    scope.prepare()
    found = PlanSummary()
    for kind in release.kinds:
        form = FORMATS[kind]
        writers = {split: _SplitWriter(release, form, split) for split in form.splits}
        for split, table in form.plan(scope):
            writers[split].add(table)
            found.add(kind, split, len(table))
            progress(kind, len(table))
        for writer in writers.values():
            writer.close()
    found.facts = figures.facts(scope)
    return found


class _SplitWriter:
    """Fills the shards of one split, opening the next when one is full."""

    def __init__(self, release: Release, form: Format, split: str) -> None:
        self.release, self.form, self.split = release, form, split
        self.shards: list[ReleaseShard] = []
        self.size = 0
        self.position = 0

    def add(self, table: pa.Table) -> None:
        if INDEX in self.form.schema.names:
            table = table.append_column(INDEX, pa.array(range(self.position, self.position + len(table)), pa.int64()))
        # A shard with pictures may end after any row group.
        step, start = self.form.row_group if self.form.carries_pictures else len(table), 0
        for offset in range(0, len(table), step):
            group = table.slice(offset, step)
            if not self.shards or self._is_full(group):
                self._write_block(table.slice(start, offset - start))
                start = offset
                self._open()
            self.size += block_codec.picture_bytes(group)
            self.shards[-1].rows += len(group)
        self._write_block(table.slice(start))

    def _is_full(self, more: pa.Table) -> bool:
        if self.form.is_json:
            return False
        return (
            self.shards[-1].rows + len(more) > SHARD_ROWS or self.size + block_codec.picture_bytes(more) > SHARD_BYTES
        )

    def _open(self) -> None:
        fields = {"release": self.release, "kind": self.form.kind, "split": self.split, "index": len(self.shards)}
        self.shards.append(ReleaseShard.objects.create(of=0, rows=0, **fields))
        self.size = 0

    def _write_block(self, table: pa.Table) -> None:
        if not len(table):
            return
        depends_on = block_codec.rater_ids(table), block_codec.image_ids(table)
        data = block_codec.encode(table.drop_columns([SIZE]) if SIZE in table.column_names else table)
        sql.copy_rows(_BLOCKS, [(self.shards[-1].pk, self.position, len(table), *depends_on, data)], _BLOCK_TYPES)
        self.position += len(table)

    def close(self) -> None:
        """Sets how many shards there are, which is known only now."""
        for shard in self.shards:
            shard.of = len(self.shards)
        ReleaseShard.objects.bulk_update(self.shards, ["of", "rows"], batch_size=500)


def count_remaining(release: Release) -> PlanSummary:
    """How many rows the blocks still hold, by kind and split."""
    found = PlanSummary()
    shards = ReleaseShard.objects.filter(release=release).values_list("kind", "split").order_by("kind", "split")
    for kind, split, rows in shards.annotate(n=Sum("blocks__rows")):
        if rows:
            found.add(kind, split, rows)
    return found
