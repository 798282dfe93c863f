"""The last files of a release: card, manifest, checksums, tombstones and listings, from one scan of its blocks."""

import csv
import hashlib
import io
import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings
from django.db.models import F, Func, Q
from django.db.models.expressions import RawSQL
from django.utils import translation

from accounts.models import User
from generation.models import Checkpoint, Generation, Image
from generation.parameters import model_sql
from lib.content_levels import ContentLevel
from ratings.asking.models import Policy, Question
from ratings.releases import SCHEMA_VERSION
from ratings.releases.engine import block_codec
from ratings.releases.engine.parquet import file_name, file_sha256
from ratings.releases.engine.planning import PlanSummary, count_remaining
from ratings.releases.formats.registry import FORMATS
from ratings.releases.models import Release, ReleaseBlock
from ratings.releases.publishing import card, croissant
from ratings.releases.publishing.destinations import Destination, new_file, put_bytes
from ratings.releases.publishing.tombstones import CHECKSUMS, TOMBSTONE_SCHEMA, TOMBSTONES, picture_names

Facts = dict[str, Any]  # of a file: sha256, rows and bytes


def missing_splits(kinds: Iterable[str], summary: PlanSummary) -> list[str]:
    """`kind/split` of every split that must have a row and has none."""
    return [f"{kind}/{split}" for kind in kinds for split in FORMATS[kind].required if not summary.count(kind, split)]


@dataclass
class BlockScan:
    """What the last files say about the planned rows, collected while each block is read once."""

    members: set[int]  # simulated ones
    images: set[int]  # of simulated members
    labels: Counter[float] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    pictures: set[str] = field(default_factory=set)  # hashes of the picture files that rows name
    listings: dict[str, io.StringIO] = field(default_factory=dict)  # metadata.csv by split, and how many rows it has
    listed: Counter[str] = field(default_factory=Counter)
    simulated_rows: int = 0

    def add(self, kind: str, split: str, table: pa.Table) -> None:
        if kind == "pairs" and not split.endswith("_unique"):
            self._add_pairs(table)
        if FORMATS[kind].has_files:
            self.pictures |= picture_names(kind, table)
        if kind == "kto":
            self._add_listing(split, table)
        if self.members:
            self.simulated_rows += int(pc.sum(block_codec.depends_on(table, self.members, self.images)).as_py() or 0)

    def _add_pairs(self, table: pa.Table) -> None:
        self.labels.update(_value_counts(table["label_0"]))
        for side in (0, 1):
            width, height = (table[f"{name}_{side}"].cast(pa.string()) for name in ("width", "height"))
            self.sizes.update(_value_counts(pc.binary_join_element_wise(width, height, "x")))

    def _add_listing(self, split: str, table: pa.Table) -> None:
        """``kto/{split}/metadata.csv``: the folder form, which names the pictures instead of carrying them."""
        if split not in self.listings:
            self.listings[split] = io.StringIO()
            self.listings[split].write("file_name,caption,label\n")
        lines = csv.writer(self.listings[split], lineterminator="\n")
        for row in table.select(["image_sha256", "caption", "label"]).to_pylist():
            lines.writerow([f"../../{file_name(row['image_sha256'])}", row["caption"], int(row["label"])])
        self.listed[split] += len(table)


def scan_blocks(release: Release, after_block: Callable[[], None] = lambda: None) -> BlockScan:
    """Reads, once, the blocks of pairs, those that name pictures, and those with rows of simulated members."""
    members = set(User.objects.filter(is_simulated=True).values_list("pk", flat=True))
    images = set(Image.objects.filter(author__is_simulated=True).values_list("pk", flat=True)) if members else set()
    scan = BlockScan(members, images)
    wanted = Q(shard__kind__in=["pairs", *(kind for kind, form in FORMATS.items() if form.has_files)])
    if members:
        wanted |= Q(raters__overlap=list(members)) | Q(images__overlap=list(images))
    blocks = ReleaseBlock.objects.filter(wanted, shard__release=release)
    ordered = blocks.order_by("shard__kind", "shard__split", "position")
    for kind, split, data in ordered.values_list("shard__kind", "shard__split", "data").iterator(chunk_size=20):
        scan.add(kind, split, block_codec.decode(data))
        after_block()
    return scan


def _value_counts(values: pa.ChunkedArray) -> dict[Any, int]:
    return {each["values"]: each["counts"] for each in pc.value_counts(values).to_pylist()}


def write_metadata_files(
    release: Release,
    destination: Destination,
    *,
    before_write: Callable[[], None] = lambda: None,
    after_block: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Writes everything but the shards, deletes files that do not belong to the release, and returns the manifest.

    Args:
        before_write: called before each write; may raise to stop.
        after_block: called after each block is read; may raise to stop.
    """
    scan = scan_blocks(release, after_block)
    manifest = build_manifest(release, scan)
    before_write()
    manifest["files"] |= _write_listings(scan, destination) | _write_tombstones(release, destination)
    contents = _render_texts(manifest)
    checksums = {name: file["sha256"] for name, file in manifest["files"].items()}
    checksums |= {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    checksums |= {file_name(sha256): sha256 for sha256 in scan.pictures}
    contents[CHECKSUMS] = "".join(f"{digest}  {name}\n" for name, digest in sorted(checksums.items())).encode()
    for name, content in contents.items():
        before_write()
        put_bytes(destination, name, content)
    for name in set(destination.names()) - checksums.keys() - {CHECKSUMS}:
        destination.delete(name)
    return manifest


def _render_texts(manifest: dict[str, Any]) -> dict[str, bytes]:
    with translation.override("en"):
        wordings = Question.objects.in_bank()
        if campaign := manifest["filter"].get("campaign"):
            wordings = Question.objects.filter(asks__of_campaign__campaign__slug=campaign).distinct()
        questions = list(wordings.order_by("slug", "version").values("slug", "version", "text", "labels"))
        texts = {
            "README.md": card.render_card(manifest, questions),
            "LICENSE": card.licence_text(),
            "CONSENT.md": card.consent_text(),
            "croissant.json": json.dumps(croissant.describe_release(manifest), indent=2, ensure_ascii=False) + "\n",
            "manifest.json": json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
        }
    return {name: text.encode() for name, text in texts.items()}


def _write_listings(scan: BlockScan, destination: Destination) -> dict[str, Facts]:
    written = {}
    for split in FORMATS["kto"].splits:
        if split in scan.listings:
            name, content = f"kto/{split}/metadata.csv", scan.listings[split].getvalue().encode()
            put_bytes(destination, name, content)
            digest = hashlib.sha256(content).hexdigest()
            written[name] = {"sha256": digest, "rows": scan.listed[split], "bytes": len(content)}
    return written


def _write_tombstones(release: Release, destination: Destination) -> dict[str, Facts]:
    """The keys of every row deleted since the release that this one follows; they identify nothing outside it."""
    deleted = list(release.tombstones.order_by("kind", "key").values("kind", "key", "gone_on"))
    if not deleted:
        return {}
    table = pa.Table.from_pylist(deleted, schema=TOMBSTONE_SCHEMA)
    with new_file(destination) as path:
        pq.write_table(table, path, version="2.6", compression="zstd")
        facts = {"sha256": file_sha256(path), "rows": len(table), "bytes": path.stat().st_size}
        destination.put(TOMBSTONES, path)
    return {TOMBSTONES: facts}


def build_manifest(release: Release, scan: BlockScan) -> dict[str, Any]:
    """manifest.json, from the plan, its blocks and the finished shards only: built twice, it is the same."""
    counts = count_remaining(release).as_json()["rows"]
    pairs = sum(scan.labels.values())
    filter_json = json.dumps({"filter": release.filter, "kinds": release.kinds}, sort_keys=True)
    return {
        "schema_version": SCHEMA_VERSION,
        "name": release.name,
        "release": release.public_id,
        "parent": release.parent.public_id if release.parent else None,
        "as_of": release.as_of.isoformat(),
        "site": settings.SITE_NAME,
        "code_version": _code_version(),
        "parquet_writer": f"pyarrow {pa.__version__}",
        "filter": {**release.filter, "level_name": ContentLevel(release.filter["level"]).name.lower()},
        "filter_sha256": hashlib.sha256(filter_json.encode()).hexdigest(),
        "policies": list(
            Policy.objects.filter(created_at__lte=release.as_of).order_by("version").values("version", "parameters")
        ),
        "rows": {kind: counts[kind] for kind in release.kinds if kind in counts},
        "simulated_rows": scan.simulated_rows,
        "dropped": release.plan["dropped"],
        "label_balance": {"pairs": pairs, "image_0_preferred": scan.labels[1.0] / pairs if pairs else None},
        "resolutions": dict(scan.sizes.most_common()),
        "agreement": release.plan.get("agreement", {}),
        "response_rate": release.plan.get("response_rate", {}),
        "pictures": len(scan.pictures),
        "models": _licences(release),
        "files": _shard_facts(release),
    }


def _licences(release: Release) -> list[Any]:
    """The licence of each model: a checkpoint's own, or that of the pictures which were imported under its name."""
    blocks = ReleaseBlock.objects.filter(shard__release=release)
    images = blocks.annotate(image=Func(F("images"), function="unnest")).values("image")
    made = Generation.objects.filter(images__in=images).values("checkpoint")
    rows = Checkpoint.with_imported.filter(pk__in=made).annotate(model=RawSQL(model_sql("generation_checkpoint"), []))  # noqa: S611
    return list(rows.order_by("model", "licence").values("model", "licence").distinct())


def _shard_facts(release: Release) -> dict[str, Facts]:
    return {
        FORMATS[shard.kind].shard_name(shard.split, shard.index, shard.of): {
            "sha256": shard.sha256,
            "rows": shard.rows,
            "bytes": shard.size,
        }
        for shard in release.shards.order_by("kind", "split", "index")
    }


def _code_version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
