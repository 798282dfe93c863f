"""Freezing a plan: rows streamed from the ledgers into shards of known size, or only counted for a preview."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count

from ratings.datasets.columns import SHARD_BYTES, SHARD_ROWS, Format, Planned
from ratings.datasets.formats import FORMATS
from ratings.datasets.scope import Scope
from ratings.datasets.splits import UNIQUE_MOST
from ratings.models import Release, ReleaseItem, ReleaseShard

Progress = Callable[[str, int], None]  # a word for what is counted, and how many more were done
_FLUSH = 2_000


def silently(kind: str, rows: int) -> None:
    """A `Progress` that tells nobody."""


@dataclass
class Survey:
    """What a set of planned rows comes to: for the preview, the refusal and the manifest."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)  # {kind: {split: rows}}
    labels: Counter[str] = field(default_factory=Counter)
    resolutions: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, split: str, values: dict[str, Any]) -> None:
        self.rows.setdefault(kind, Counter())[split] += 1
        self.note(values)

    def note(self, values: dict[str, Any]) -> None:
        """Label and sizes of a row that has them."""
        if "label_0" in values:
            self.labels["image_0" if values["label_0"] else "image_1"] += 1
            for side in (0, 1):
                self.resolutions[f"{values[f'width_{side}']}x{values[f'height_{side}']}"] += 1

    def count(self, kind: str, split: str) -> int:
        return self.rows.get(kind, Counter())[split]

    def as_json(self) -> dict[str, Any]:
        total = sum(self.labels.values())
        return {
            "rows": {kind: dict(sorted(splits.items())) for kind, splits in self.rows.items()},
            "label_balance": {"pairs": total, "image_0_preferred": self.labels["image_0"] / total if total else None},
            "resolutions": dict(self.resolutions.most_common()),
        }


def survey(scope: Scope, kinds: Iterable[str]) -> Survey:
    """Counts what a plan would hold, writing nothing."""
    found = Survey()
    for kind in kinds:
        for row in FORMATS[kind].plan(scope):
            found.add(kind, row.split, row.values)
    return found


def freeze(release: Release, scope: Scope, progress: Progress) -> Survey:
    """Writes the items and shards of `release`. Call inside a transaction: half a plan is none."""
    found = Survey()
    for kind in release.kinds:
        form = FORMATS[kind]
        fillers = {split: _Filler(release, form, split) for split in form.splits}
        for row in form.plan(scope):
            fillers[row.split].add(row)
            found.add(kind, row.split, row.values)
            progress(kind, 1)
        for filler in fillers.values():
            filler.close()
        for split, unique in form.unique.items():
            for row in _one_per_prompt_and_author(release, form, split, unique):
                fillers[unique].add(row)
                found.rows[kind][unique] += 1
            fillers[unique].close()
        _count_examples(release, form)
    return found


class _Filler:
    """Fills the shards of one split, opening another when one is full."""

    def __init__(self, release: Release, form: Format, split: str) -> None:
        self.release, self.form, self.split = release, form, split
        self.shards: list[ReleaseShard] = []
        self.size = 0
        self.position = 0
        self.waiting: list[tuple[Any, ...]] = []

    def add(self, row: Planned) -> None:
        if not self.shards or self.shards[-1].rows >= SHARD_ROWS or self.size + row.size > SHARD_BYTES:
            self._open()
        self.size += row.size
        self.shards[-1].rows += 1
        values = json.dumps(row.values, ensure_ascii=False)
        self.waiting.append(
            (self.shards[-1].pk, self.position, row.row_id, values, list(row.people), list(row.images), row.size)
        )
        self.position += 1
        if len(self.waiting) >= _FLUSH:
            self._flush()

    def _open(self) -> None:
        self.size = 0
        fields = {"release": self.release, "kind": self.form.kind, "split": self.split, "index": len(self.shards)}
        self.shards.append(ReleaseShard.objects.create(of=0, rows=0, **fields))

    def _flush(self) -> None:
        columns = "shard_id, position, row_id, values, people, images, size"
        with connection.cursor() as cursor, cursor.copy(f"COPY ratings_releaseitem ({columns}) FROM STDIN") as copy:
            for row in self.waiting:
                copy.write_row(row)
        self.waiting.clear()

    def close(self) -> None:
        """Only now is it known how many shards there are."""
        if self.waiting:
            self._flush()
        for shard in self.shards:
            shard.of = len(self.shards)
        ReleaseShard.objects.bulk_update(self.shards, ["of", "rows"], batch_size=500)


def _one_per_prompt_and_author(release: Release, form: Format, split: str, unique: str) -> Iterator[Planned]:
    """At most `UNIQUE_MOST` rows of a split, one a prompt and author, in the (random) order of their keys."""
    items = ReleaseItem.objects.filter(shard__release=release, shard__kind=form.kind, shard__split=split)
    chosen = items.order_by("values__prompt_id", "values___author", "values__pair_id")
    chosen = chosen.distinct("values__prompt_id", "values___author")
    for item in ReleaseItem.objects.filter(pk__in=chosen.values("pk")).order_by("values__pair_id")[:UNIQUE_MOST]:
        yield Planned(unique, item.row_id, item.values, tuple(item.people), tuple(item.images), item.size)


def _count_examples(release: Release, form: Format) -> None:
    """Fills `num_example_per_prompt`, which is known once a split is complete."""
    if "num_example_per_prompt" not in form.schema.names:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH planned AS (
                 SELECT item.id, shard.split, item.values->>'prompt_id' AS prompt
                   FROM ratings_releaseitem item JOIN ratings_releaseshard shard ON shard.id = item.shard_id
                  WHERE shard.release_id = %s AND shard.kind = %s),
               counted AS (SELECT split, prompt, count(*) AS n FROM planned GROUP BY split, prompt)
               UPDATE ratings_releaseitem AS item
                  SET values = item.values || jsonb_build_object('num_example_per_prompt', counted.n)
                 FROM planned JOIN counted USING (split, prompt) WHERE planned.id = item.id""",
            [release.pk, form.kind],
        )


def rows_by_split(release: Release) -> dict[tuple[str, str], int]:
    """{(kind, split): rows} of the items that are left."""
    shards = ReleaseShard.objects.filter(release=release).values_list("kind", "split")
    return {(kind, split): n for kind, split, n in shards.annotate(n=Count("items")) if n}
