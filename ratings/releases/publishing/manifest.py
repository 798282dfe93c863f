"""The last steps of a release: card, manifest, sums, and what stands beside the tables."""

import csv
import hashlib
import io
import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings
from django.db.models import Q
from django.utils import translation

from accounts.models import User
from generation.models import Image
from lib.content_levels import ContentLevel
from ratings.models import Policy, Question, Release, ReleaseBlock
from ratings.releases import SCHEMA_VERSION
from ratings.releases.engine import block_codec
from ratings.releases.engine.parquet import file_name, file_sha256
from ratings.releases.engine.planning import Survey, left
from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing import card, croissant
from ratings.releases.publishing.destinations import Destination, new_file, put_bytes

TOMBSTONES = "tombstones.parquet"
TOMBSTONE_SCHEMA = pa.schema([("kind", pa.string()), ("key", pa.int64()), ("gone_on", pa.date32())])


def missing_splits(release_kinds: Iterable[str], survey: Survey) -> list[str]:
    """`kind/split` of every split that must have a row and has none."""
    return [
        f"{kind}/{split}" for kind in release_kinds for split in FORMATS[kind].required if not survey.count(kind, split)
    ]


def write_last_files(release: Release, destination: Destination) -> dict[str, Any]:
    """Writes everything but the shards, removes strays, and returns the manifest."""
    manifest = build_manifest(release)
    manifest["files"] |= _write_listings(release, destination) | _write_tombstones(release, destination)
    with translation.override("en"):
        questions = list(Question.objects.order_by("slug", "version").values("slug", "version", "text", "labels"))
        texts = {
            "README.md": card.card(manifest, questions),
            "LICENSE": card.licence_text(),
            "CONSENT.md": card.consent_text(),
            "croissant.json": json.dumps(croissant.described(manifest), indent=2, ensure_ascii=False) + "\n",
        }
    contents = {name: text.encode() for name, text in texts.items()}
    contents["manifest.json"] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    sums = {name: file["sha256"] for name, file in manifest["files"].items()}
    sums |= {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    sums |= {file_name(sha256): sha256 for sha256 in named_pictures(release)}
    contents["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()
    for name, content in contents.items():
        put_bytes(destination, name, content)
    for stray in set(destination.names()) - sums.keys() - {"SHA256SUMS"}:
        destination.delete(stray)
    return manifest


def _blocks(release: Release, **conditions: Any) -> Iterator[tuple[str, str, pa.Table]]:
    """(kind, split, rows) of every block, in the order of its split."""
    blocks = ReleaseBlock.objects.filter(shard__release=release, **conditions)
    ordered = blocks.order_by("shard__kind", "shard__split", "position")
    for kind, split, data in ordered.values_list("shard__kind", "shard__split", "data").iterator(chunk_size=20):
        yield kind, split, block_codec.unpack(data)


def named_pictures(release: Release) -> set[str]:
    """The hashes of the pictures that lie as files, because rows name them."""
    kinds = [kind for kind in release.kinds if FORMATS[kind].has_files]
    found: set[str] = set()
    for kind, _split, table in _blocks(release, shard__kind__in=kinds):
        if kind == "kto":
            found.update(table["image_sha256"].to_pylist())
        else:
            paths = table["generations" if kind == "imagereward" else "file_path"]
            found.update(path[3:-4] for path in pc.list_flatten(paths).to_pylist())
    return found


def _write_listings(release: Release, destination: Destination) -> dict[str, dict[str, Any]]:
    """``kto/{split}/metadata.csv``: the folder form, which names the pictures instead of carrying them."""
    if "kto" not in release.kinds:
        return {}
    written = {}
    for split in FORMATS["kto"].splits:
        text = io.StringIO()
        rows, lines = 0, csv.writer(text, lineterminator="\n")
        lines.writerow(["file_name", "caption", "label"])
        for _kind, _split, table in _blocks(release, shard__kind="kto", shard__split=split):
            for row in table.select(["image_sha256", "caption", "label"]).to_pylist():
                lines.writerow([f"../../{file_name(row['image_sha256'])}", row["caption"], int(row["label"])])
                rows += 1
        if rows:
            name, content = f"kto/{split}/metadata.csv", text.getvalue().encode()
            put_bytes(destination, name, content)
            written[name] = {"sha256": hashlib.sha256(content).hexdigest(), "rows": rows, "bytes": len(content)}
    return written


def _write_tombstones(release: Release, destination: Destination) -> dict[str, dict[str, Any]]:
    """The keys of every row that left since the release it follows, none of which means anything outside it."""
    gone = list(release.tombstones.order_by("kind", "key").values("kind", "key", "gone_on"))
    if not gone:
        return {}
    table = pa.Table.from_pylist(gone, schema=TOMBSTONE_SCHEMA)
    with new_file(destination) as path:
        pq.write_table(table, path, version="2.6", compression="zstd")
        facts = {"sha256": file_sha256(path), "rows": len(table), "bytes": path.stat().st_size}
        destination.put(TOMBSTONES, path)
    return {TOMBSTONES: facts}


def build_manifest(release: Release) -> dict[str, Any]:
    """What a release is, from its frozen plan and finished shards alone: built twice, it is the same."""
    survey = surveyed(release)
    counts = survey.as_json()
    chosen = {**release.filter, "level_name": ContentLevel(release.filter["level"]).name.lower()}
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
        "filter": chosen,
        "filter_sha256": hashlib.sha256(filter_json.encode()).hexdigest(),
        "policies": list(
            Policy.objects.filter(created_at__lte=release.as_of).order_by("version").values("version", "parameters")
        ),
        "rows": {kind: counts["rows"][kind] for kind in release.kinds if kind in counts["rows"]},
        "simulated_rows": _simulated_rows(release),
        "dropped": release.plan["dropped"],
        "label_balance": counts["label_balance"],
        "resolutions": counts["resolutions"],
        "agreement": release.plan.get("agreement", {}),
        "response_rate": release.plan.get("response_rate", {}),
        "pictures": len(named_pictures(release)),
        "files": {
            FORMATS[shard.kind].shard_name(shard.split, shard.index, shard.of): {
                "sha256": shard.sha256,
                "rows": shard.rows,
                "bytes": shard.size,
            }
            for shard in release.shards.order_by("kind", "split", "index")
        },
    }


def surveyed(release: Release) -> Survey:
    """The counts of the rows that are left, and what those of `pairs` look like."""
    found = left(release)
    labels: Counter[float] = Counter()
    sizes: Counter[str] = Counter()
    for _kind, split, table in _blocks(release, shard__kind="pairs"):
        if not split.endswith("_unique"):
            labels.update(_counted(table["label_0"]))
            for side in (0, 1):
                width, height = (table[f"{name}_{side}"].cast(pa.string()) for name in ("width", "height"))
                sizes.update(_counted(pc.binary_join_element_wise(width, height, "x")))
    pairs = sum(labels.values())
    found.facts = {
        "label_balance": {"pairs": pairs, "image_0_preferred": labels[1.0] / pairs if pairs else None},
        "resolutions": dict(sizes.most_common()),
    }
    return found


def _counted(values: pa.ChunkedArray) -> dict[Any, int]:
    return {each["values"]: each["counts"] for each in pc.value_counts(values).to_pylist()}


def _simulated_rows(release: Release) -> int:
    members = set(User.objects.filter(is_simulated=True).values_list("pk", flat=True))
    pictures = set(Image.objects.filter(author__is_simulated=True).values_list("pk", flat=True)) if members else set()
    if not members:
        return 0
    blocks = ReleaseBlock.objects.filter(shard__release=release)
    blocks = blocks.filter(Q(raters__overlap=list(members)) | Q(images__overlap=list(pictures)))
    tables = (block_codec.unpack(data) for data in blocks.values_list("data", flat=True).iterator(chunk_size=20))
    return sum(int(pc.sum(block_codec.touches(table, members, pictures)).as_py() or 0) for table in tables)


def _code_version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
