"""Freezing a plan: rows streamed from the ledgers into shards of known size, or only counted for a preview."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from django.db.models import Sum

from ratings.models import Release, ReleaseShard
from ratings.releases.engine import block_codec, figures, sql
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.columns import INDEX, SHARD_BYTES, SHARD_ROWS, SIZE, Format
from ratings.releases.formats.registry import FORMATS

# Megabytes, which COPY takes as they are and an INSERT as text.
_BLOCKS = "ratings_releaseblock (shard_id, position, rows, raters, images, data)"
_BLOCK_TYPES = ("int8", "int8", "int4", "int8[]", "int8[]", "bytea")
Progress = Callable[[str, int], None]  # a word for what is counted, and how many more were done


def silently(kind: str, rows: int) -> None:
    """A `Progress` that tells nobody."""


@dataclass
class Survey:
    """What a set of planned rows comes to: for the preview, the refusal and the manifest."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)  # {kind: {split: rows}}
    facts: dict[str, Any] = field(default_factory=dict)  # agreement, response rate …

    def add(self, kind: str, split: str, rows: int) -> None:
        self.rows.setdefault(kind, Counter())[split] += rows

    def count(self, kind: str, split: str) -> int:
        return self.rows.get(kind, Counter())[split]

    def as_json(self) -> dict[str, Any]:
        counts = {kind: {split: n for split, n in sorted(found.items()) if n} for kind, found in self.rows.items()}
        return {"rows": counts, **self.facts}


def survey(scope: Scope, kinds: Iterable[str]) -> Survey:
    """Counts what a plan would hold, by aggregates over the whole ledgers, writing nothing. Call in a transaction."""
    scope.prepare()
    scope.use_keys("pairs")
    found = Survey()
    for kind in kinds:
        for split, rows in FORMATS[kind].count(scope).items():
            found.add(kind, split, rows)
    found.facts = figures.facts(scope)
    return found


def freeze(release: Release, scope: Scope, progress: Progress) -> Survey:
    """Writes the blocks and shards of `release`. Call inside a transaction: half a plan is none."""
    scope.prepare()
    found = Survey()
    for kind in release.kinds:
        form = FORMATS[kind]
        fillers = {split: _Filler(release, form, split) for split in form.splits}
        for split, table in form.plan(scope):
            fillers[split].add(table)
            found.add(kind, split, len(table))
            progress(kind, len(table))
        for filler in fillers.values():
            filler.close()
    found.facts = figures.facts(scope)
    return found


class _Filler:
    """Fills the shards of one split, opening another when one is full."""

    def __init__(self, release: Release, form: Format, split: str) -> None:
        self.release, self.form, self.split = release, form, split
        self.shards: list[ReleaseShard] = []
        self.size = 0
        self.position = 0

    def add(self, table: pa.Table) -> None:
        if INDEX in self.form.schema.names:
            table = table.append_column(INDEX, pa.array(range(self.position, self.position + len(table)), pa.int64()))
        # A shard of pictures may end after any row group.
        step, start = self.form.row_group if self.form.carries_pictures else len(table), 0
        for place in range(0, len(table), step):
            group = table.slice(place, step)
            if not self.shards or self._is_full(group):
                self._put(table.slice(start, place - start))
                start = place
                self._open()
            self.size += block_codec.size(group)
            self.shards[-1].rows += len(group)
        self._put(table.slice(start))

    def _is_full(self, more: pa.Table) -> bool:
        if self.form.is_json:
            return False
        return self.shards[-1].rows + len(more) > SHARD_ROWS or self.size + block_codec.size(more) > SHARD_BYTES

    def _open(self) -> None:
        fields = {"release": self.release, "kind": self.form.kind, "split": self.split, "index": len(self.shards)}
        self.shards.append(ReleaseShard.objects.create(of=0, rows=0, **fields))
        self.size = 0

    def _put(self, table: pa.Table) -> None:
        if not len(table):
            return
        stands_on = block_codec.raters(table), block_codec.images(table)
        data = block_codec.pack(table.drop_columns([SIZE]) if SIZE in table.column_names else table)
        sql.copy(_BLOCKS, [(self.shards[-1].pk, self.position, len(table), *stands_on, data)], _BLOCK_TYPES)
        self.position += len(table)

    def close(self) -> None:
        """Only now is it known how many shards there are."""
        for shard in self.shards:
            shard.of = len(self.shards)
        ReleaseShard.objects.bulk_update(self.shards, ["of", "rows"], batch_size=500)


def left(release: Release) -> Survey:
    """How many rows are left in the blocks, by kind and split."""
    found = Survey()
    shards = ReleaseShard.objects.filter(release=release).values_list("kind", "split").order_by("kind", "split")
    for kind, split, rows in shards.annotate(n=Sum("blocks__rows")):
        if rows:
            found.add(kind, split, rows)
    return found
