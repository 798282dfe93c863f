"""Dataset releases: requested, planned, cancelled and deleted from; built in `ratings.releases.building`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from generation.models import Checkpoint, Image
from lib.content_levels import ContentLevel
from lib.errors import Refused
from lib.limits import check_rate
from lib.tasks import enqueue_on_commit
from ratings.releases.engine import figures, planning
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.engine.planning import PlanSummary, Progress, no_progress
from ratings.releases.engine.scope import Scope, is_campaign
from ratings.releases.formats.registry import FORMATS, USUAL
from ratings.releases.models import Release, ReleaseBlock, ReleaseShard
from ratings.releases.publishing import manifest, removal
from ratings.releases.publishing.destinations import check_folder, destination_of

PREVIEW_KEY = "preview"
DELETION_LOOKBACK = timedelta(days=7)  # how far back deletions are looked for: longer than workers are ever down
LAST_DELETION_SCAN = "ratings-forgotten-mark"  # a cache key
DELETION_OVERLAP = timedelta(hours=1)  # no transaction takes longer to commit a deletion
MOST_SHARD_TASKS = 200  # queued at a time; each finished shard queues more


def default_name(at: datetime) -> str:
    """``salon-pickapic-2026.11.22``: public trainers look for `pickapic`."""
    return f"{slugify(settings.SITE_NAME) or 'salon'}-pickapic-{at:%Y.%m.%d}"


def check_request(*, filter: ReleaseFilter, kinds: Sequence[str]) -> None:
    """Raises Refused for formats, a level, a checkpoint or a campaign that do not exist."""
    unknown = [kind for kind in kinds if kind not in FORMATS]
    fields: dict[str, list[str]] = {}
    if unknown or not kinds:
        fields["kinds"] = [_("Choose among %(kinds)s.") % {"kinds": ", ".join(FORMATS)}]
    if filter.level not in ContentLevel.values:
        fields["level"] = [_("Choose general, sensitive or mature.")]
    if filter.checkpoint and not Checkpoint.objects.filter(slug=filter.checkpoint).exists():
        fields["checkpoint"] = [_("There is no checkpoint “%(slug)s”.") % {"slug": filter.checkpoint}]
    if filter.campaign and not is_campaign(filter.campaign):
        fields["campaign"] = [_("There is no campaign “%(slug)s”.") % {"slug": filter.campaign}]
    if fields:
        raise Refused("bad_release", " ".join(line for lines in fields.values() for line in lines), fields=fields)


def preview_release(
    *, filter: ReleaseFilter, kinds: Sequence[str], examples: int = 0, at: datetime | None = None
) -> dict[str, Any]:
    """What a release would hold: rows, what is left out and why, label balance, sizes, agreement, empty splits.

    Counted over the whole ledgers: it is what a build at this moment would plan, except for pictures whose file is
    missing. With `examples`, that many pairs of image ids, the preferred picture first.
    """
    check_request(filter=filter, kinds=kinds)
    scope = Scope(filter, at or timezone.now(), settings.RELEASE_SECRET, PREVIEW_KEY)
    with transaction.atomic():  # its temporary tables end with it
        summary = planning.count_rows(scope, _in_build_order(kinds))
        preview = _plan_json(scope, summary) | {"label_balance": figures.balance(scope)}
        if examples:
            preview["examples"] = figures.examples(examples)
    return preview | {"missing": manifest.missing_splits(kinds, summary)}


def request_release(
    *,
    filter: ReleaseFilter,
    kinds: Sequence[str],
    name: str = "",
    created_by: User | None = None,
    destination: Path | None = None,
    at: datetime | None = None,
) -> Release:
    """Stores the request only: `write_plan` plans it, here or in a worker.

    Raises Refused for a bad filter, a folder that is not empty, or one that another build is filling.
    """
    now = at or timezone.now()
    check_request(filter=filter, kinds=kinds)
    if destination is not None:
        check_folder(destination)
    try:
        with transaction.atomic():
            return Release.objects.create(
                name=name or default_name(now),
                created_by=created_by,
                kinds=_in_build_order(kinds),
                filter=filter.as_json(),
                destination=str(destination or ""),
                as_of=now,
                created_at=now,
            )
    except IntegrityError:
        raise folder_taken(destination) from None


def folder_taken(folder: Path | None) -> Refused:
    message = _("A build into %(folder)s has already started. Continue it with --resume.")
    return Refused("destination_taken", message % {"folder": folder}, status=409)


def write_plan(*, release: Release, progress: Progress = no_progress) -> None:
    """Writes the rows of a requested release and opens it for building. Idempotent.

    Raises Refused, and marks the release failed, if a split that trainers need would be empty.
    """
    chosen = ReleaseFilter.from_json(release.filter)
    about = tuple(sorted({name for kind in release.kinds for name in FORMATS[kind].about}))
    scope = Scope(chosen, release.as_of, settings.RELEASE_SECRET, release.public_id, about)
    try:
        with transaction.atomic():
            requested = Release.objects.select_for_update().filter(pk=release.pk, state=Release.State.REQUESTED)
            if not requested.exists():
                return
            summary = planning.write_plan(release, scope, progress)
            refuse_if_empty(release.kinds, summary)
            plan = _plan_json(scope, summary)
            requested.update(state=Release.State.BUILDING, plan=plan)
    except Refused as refusal:
        fail_release(release=release, why=refusal.message)
        raise
    release.refresh_from_db()


def plan_release(
    *,
    filter: ReleaseFilter,
    kinds: Sequence[str] = USUAL,
    name: str = "",
    created_by: User | None = None,
    destination: Path | None = None,
    at: datetime | None = None,
    progress: Progress = no_progress,
) -> Release:
    """Requests and plans at once; raises what `request_release` and `write_plan` raise."""
    release = request_release(
        filter=filter, kinds=kinds, name=name, created_by=created_by, destination=destination, at=at
    )
    write_plan(release=release, progress=progress)
    return release


def start_release(
    *, filter: ReleaseFilter, kinds: Sequence[str], name: str = "", created_by: User, at: datetime | None = None
) -> Release:
    """Requests a release into the store; workers plan and build it. Raises Refused, also for too many requests."""
    check_rate(key=f"release:{created_by.pk}", limit=20, seconds=3600)
    release = request_release(filter=filter, kinds=kinds, name=name, created_by=created_by, at=at)
    enqueue_on_commit("ratings.plan_release", release.pk)
    return release


def enqueue_next_step(release: Release) -> None:
    """Queues a task for every shard that no worker builds, or the last step once all are built."""
    if release.shards.unbuilt().exists():
        enqueue_shards(release)
    elif Release.objects.filter(pk=release.pk, state=Release.State.BUILDING).exists():
        enqueue_on_commit("ratings.finish_release", release.pk)


def enqueue_shards(release: Release) -> None:
    """Queues a task for every shard that no worker builds, up to `MOST_SHARD_TASKS`."""
    waiting = ReleaseShard.objects.claimable(timezone.now()).filter(release=release).order_by("pk")
    for shard_id in waiting.values_list("pk", flat=True)[:MOST_SHARD_TASKS]:
        enqueue_on_commit("ratings.build_shard", shard_id)


def refuse_if_empty(kinds: Sequence[str], summary: PlanSummary) -> None:
    """Raises Refused, with the counts, for a release without a row, or without a row in a required split."""
    if not summary.rows:
        message = _("The release would be empty: no row passed the filter and the members' consent.")
        raise Refused("release_empty", message, status=409)
    missing = manifest.missing_splits(kinds, summary)
    if missing:
        required = [(kind, split) for kind in kinds for split in FORMATS[kind].required]
        counts = ", ".join(f"{kind}/{split} {summary.count(kind, split)}" for kind, split in required)
        message = _(
            "Trainers need at least one pair in train and in validation, but there is none in %(missing)s "
            "(rows found: %(counts)s). The prompt decides the split, so votes on more prompts will fill them."
        )
        raise Refused("split_empty", message % {"missing": ", ".join(missing), "counts": counts}, status=409)


def fail_release(*, release: Release, why: str) -> None:
    """Ends an unfinished release with the reason and removes what was built of it."""
    state = {"state": Release.State.FAILED, "failure": why[:500]}
    if Release.objects.unfinished().filter(pk=release.pk).update(**state):
        discard_release(release=release)


def cancel_release(*, release: Release) -> bool:
    """Stops an unfinished release; returns whether there was one to stop."""
    cancelled = Release.objects.unfinished().filter(pk=release.pk).update(state=Release.State.CANCELLED)
    if cancelled:
        enqueue_on_commit("ratings.discard_release", release.pk)
    return bool(cancelled)


def discard_release(*, release: Release) -> None:
    """Removes the files and planned rows of a release that ended without being published, or was withdrawn."""
    release.refresh_from_db()
    if release.state in (Release.State.FAILED, Release.State.CANCELLED, Release.State.WITHDRAWN):
        if release.state != Release.State.WITHDRAWN or not release.destination:
            destination_of(release).discard()
        release.shards.all().delete()


def forget_member(user: User, at: datetime | None = None) -> None:
    """Deletes a member's answers and pictures, and what was made from the pictures, from every release.

    Unfinished releases lose the rows; published ones are withdrawn and followed by a point release. Call inside a
    transaction.
    """
    pictures = removal.find_descendants(Image.objects.filter(author=user).values_list("pk", flat=True))
    forget(members={user.pk}, pictures=pictures, at=at)


def forget(*, members: Collection[int], pictures: Collection[int], at: datetime | None = None) -> int:
    """Deletes the rows of every release that depend on deleted members or pictures (ids); returns how many.

    Published releases that lose a row are withdrawn at once, and their links stop working; those in the store are
    followed by a point release without the row. A release in a folder is its owner's copy: only its state changes.
    """
    now = at or timezone.now()
    removed = 0
    with transaction.atomic():
        affected = Q(raters__overlap=list(members)) | Q(images__overlap=list(pictures))
        holding = Release.objects.filter(pk__in=ReleaseBlock.objects.filter(affected).values("shard__release"))
        # The lock keeps a release from being published between losing its rows and being withdrawn.
        concerned = list(holding.order_by("pk").select_for_update())
        deleted = removal.add_identical_pictures(concerned, pictures)
        for release in concerned:
            removed += removal.remove_rows(release, members, deleted, now)
            published = Release.objects.filter(pk=release.pk, state=Release.State.PUBLISHED)
            if published.update(state=Release.State.WITHDRAWN) and not release.destination:
                enqueue_on_commit("ratings.follow_release", release.pk)
    return removed


def forget_deleted_pictures(*, at: datetime | None = None) -> int:
    """Deletes pictures that were deleted since the last call from every release; returns how many rows went.

    Pictures are deleted in a lower layer, so this app looks for them. One small query when there is nothing to do: a
    release holds no picture that was deleted before it was planned. Looks back `DELETION_LOOKBACK` at most.
    """
    now = at or timezone.now()
    last_scan: datetime | None = cache.get(LAST_DELETION_SCAN)
    since = now - DELETION_LOOKBACK if last_scan is None else max(now - DELETION_LOOKBACK, last_scan - DELETION_OVERLAP)
    deleted = set(Image.objects.filter(deleted_at__gte=since).values_list("pk", flat=True))
    is_held = bool(deleted) and ReleaseBlock.objects.filter(images__overlap=list(deleted)).exists()
    removed = forget(members=set(), pictures=deleted, at=now) if is_held else 0
    cache.set(LAST_DELETION_SCAN, now, timeout=None)
    return removed


def _in_build_order(kinds: Sequence[str]) -> list[str]:
    return [kind for kind in FORMATS if kind in kinds]


def _plan_json(scope: Scope, summary: PlanSummary) -> dict[str, Any]:
    dropped = {kind: dict(reasons.most_common()) for kind, reasons in scope.dropped.items()}
    return summary.as_json() | {"dropped": dropped}
