"""The last steps of a release: what changed since it was planned goes, then card, manifest and sums are written."""

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import translation

from accounts.levels import ContentLevel
from accounts.models import User
from generation.models import Image
from ratings.datasets import SCHEMA_VERSION, card
from ratings.datasets.destinations import Destination, put_bytes
from ratings.datasets.eligibility import ReleaseFilter, image_reason, willing
from ratings.datasets.formats import FORMATS
from ratings.datasets.planning import Survey, rows_by_split
from ratings.models import Policy, Question, Release, ReleaseItem, ReleaseShard


def drop_withdrawn(release: Release, at: datetime) -> int:
    """Removes planned rows that may no longer leave and marks their splits for building again; returns how many."""
    chosen = ReleaseFilter.from_json(release.filter)
    items = ReleaseItem.objects.filter(shard__release=release)
    people = _unnested(release, "people")
    images = _unnested(release, "images")
    unwilling = set(people) - set(
        User.objects.filter(pk__in=people).filter(pk__in=willing(at)).values_list("pk", flat=True)
    )
    fit = Image.objects.filter(pk__in=images).annotate(reason=image_reason(chosen, at)).filter(reason="")
    unfit = set(images) - set(fit.values_list("pk", flat=True))
    gone = items.filter(Q(people__overlap=list(unwilling)) | Q(images__overlap=list(unfit)))
    return remove_items(release, gone.values_list("pk", flat=True))


def _unnested(release: Release, column: str) -> list[int]:
    """The distinct ids in an array column of a release's items."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT unnest(item.{column}) FROM ratings_releaseitem item"  # noqa: S608 (a literal of ours)
            " JOIN ratings_releaseshard shard ON shard.id = item.shard_id WHERE shard.release_id = %s",
            [release.pk],
        )
        return [pk for (pk,) in cursor.fetchall()]


@transaction.atomic
def remove_items(release: Release, ids: Iterable[int]) -> int:
    """Takes planned rows out; every shard of the splits they stood in is built again (their names may change)."""
    doomed = ReleaseItem.objects.filter(pk__in=list(ids))
    touched = set(doomed.values_list("shard__kind", "shard__split"))
    removed, _ = doomed.delete()
    for kind, split in touched:
        shards = release.shards.filter(kind=kind, split=split)
        counted = dict(shards.annotate(left=Count("items")).order_by("index").values_list("pk", "left"))
        shards.filter(pk__in=[pk for pk, rows in counted.items() if not rows]).delete()
        left = {pk: rows for pk, rows in counted.items() if rows}
        for index, (pk, rows) in enumerate(left.items()):
            fields = {"index": index, "of": len(left), "rows": rows, "built_at": None, "claimed_until": None}
            ReleaseShard.objects.filter(pk=pk).update(**fields)
    return removed


def missing_splits(release_kinds: Iterable[str], survey: Survey) -> list[str]:
    """`kind/split` of every split that must have a row and has none."""
    return [
        f"{kind}/{split}" for kind in release_kinds for split in FORMATS[kind].required if not survey.count(kind, split)
    ]


def write_last_files(release: Release, destination: Destination) -> dict[str, Any]:
    """Writes card, licence, consent, manifest and sums, removes strays, and returns the manifest."""
    with translation.override("en"):
        manifest = build_manifest(release)
        questions = list(Question.objects.order_by("slug", "version").values("slug", "version", "text", "labels"))
        texts = {
            "README.md": card.card(manifest, questions),
            "LICENSE": card.licence_text(),
            "CONSENT.md": card.consent_text(),
        }
    contents = {name: text.encode() for name, text in texts.items()}
    contents["manifest.json"] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    sums = {name: file["sha256"] for name, file in manifest["files"].items()}
    sums |= {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    contents["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()
    for name, content in contents.items():
        put_bytes(destination, name, content)
    for stray in set(destination.names()) - contents.keys() - manifest["files"].keys():
        destination.delete(stray)
    return manifest


def build_manifest(release: Release) -> dict[str, Any]:
    """What a release is, from its frozen plan and finished shards alone: built twice, it is the same."""
    survey = surveyed(release)
    shards = release.shards.order_by("kind", "split", "index")
    chosen = {**release.filter, "level_name": ContentLevel(release.filter["level"]).name.lower()}
    filter_json = json.dumps({"filter": release.filter, "kinds": release.kinds}, sort_keys=True)
    counts = survey.as_json()
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
        "files": {
            FORMATS[shard.kind].shard_name(shard.split, shard.index, shard.of): {
                "sha256": shard.sha256,
                "rows": shard.rows,
                "bytes": shard.size,
            }
            for shard in shards
        },
    }


def surveyed(release: Release) -> Survey:
    """The counts of the items that are left."""
    found = Survey()
    for (kind, split), rows in rows_by_split(release).items():
        found.rows.setdefault(kind, Counter())[split] = rows
    pairs = ReleaseItem.objects.filter(shard__release=release, shard__kind="pairs")
    for values in pairs.exclude(shard__split__endswith="_unique").values_list("values", flat=True).iterator():
        found.note(values)
    return found


def _simulated_rows(release: Release) -> int:
    simulated = User.objects.filter(is_simulated=True, pk__in=_unnested(release, "people"))
    items = ReleaseItem.objects.filter(shard__release=release)
    return items.filter(people__overlap=list(simulated.values_list("pk", flat=True))).count()


def _code_version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
