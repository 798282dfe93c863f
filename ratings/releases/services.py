"""Dataset releases: requested, planned, cancelled and withdrawn here; built in `ratings.releases.building`."""

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
from ratings.models import Release, ReleaseBlock
from ratings.releases.engine import figures, planning
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.engine.planning import Progress, Survey, silently
from ratings.releases.engine.scope import Scope
from ratings.releases.formats.registry import FORMATS, USUAL
from ratings.releases.publishing import manifest, removal
from ratings.releases.publishing.destinations import check_folder, destination_of

PREVIEW_KEY = "preview"
REACH = timedelta(days=7)  # how far back deletions are looked for: longer than workers are ever down
FORGOTTEN, OVERLAP = "ratings-forgotten-mark", timedelta(hours=1)  # when all was looked for; a transaction is shorter


def default_name(at: datetime) -> str:
    """``salon-pickapic-2026.11.22``: public trainers look for `pickapic`."""
    return f"{slugify(settings.SITE_NAME) or 'salon'}-pickapic-{at:%Y.%m.%d}"


def check_request(*, filter: ReleaseFilter, kinds: Sequence[str]) -> None:
    """Raises Refused for kinds, a level or a checkpoint that do not exist."""
    unknown = [kind for kind in kinds if kind not in FORMATS]
    fields: dict[str, list[str]] = {}
    if unknown or not kinds:
        fields["kinds"] = [_("Choose among %(kinds)s.") % {"kinds": ", ".join(FORMATS)}]
    if filter.level not in ContentLevel.values:
        fields["level"] = [_("Choose general, sensitive or mature.")]
    if filter.checkpoint and not Checkpoint.objects.filter(slug=filter.checkpoint).exists():
        fields["checkpoint"] = [_("There is no checkpoint “%(slug)s”.") % {"slug": filter.checkpoint}]
    if fields:
        raise Refused("bad_release", " ".join(line for lines in fields.values() for line in lines), fields=fields)


def preview_release(
    *, filter: ReleaseFilter, kinds: Sequence[str], examples: int = 0, at: datetime | None = None
) -> dict[str, Any]:
    """What a release would hold: rows, what is dropped and why, label balance, sizes, agreement, lacking splits.

    Counted over the whole ledgers, so it says what a build at this moment would freeze, pictures whose file is
    missing apart. With `examples`, so many pairs of image ids that would leave, the preferred picture first.
    """
    check_request(filter=filter, kinds=kinds)
    scope = Scope(filter, at or timezone.now(), settings.RELEASE_SECRET, PREVIEW_KEY)
    with transaction.atomic():  # its temporary tables end with it
        survey = planning.survey(scope, _ordered(kinds))
        told = _plan_json(scope, survey) | {"label_balance": figures.balance(scope)}
        if examples:
            told["examples"] = figures.examples(examples)
    return told | {"missing": manifest.missing_splits(kinds, survey)}


def request_release(
    *,
    filter: ReleaseFilter,
    kinds: Sequence[str],
    name: str = "",
    created_by: User | None = None,
    destination: Path | None = None,
    at: datetime | None = None,
) -> Release:
    """Writes the request alone: `freeze_plan` plans it, here or in a worker.

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
                kinds=_ordered(kinds),
                filter=filter.as_json(),
                destination=str(destination or ""),
                as_of=now,
                created_at=now,
            )
    except IntegrityError:
        message = _("A build into %(folder)s has begun already. Continue it with --resume.")
        raise Refused("destination_taken", message % {"folder": destination}, status=409) from None


def freeze_plan(*, release: Release, progress: Progress = silently) -> None:
    """Freezes the rows of a requested release and opens it for building; does nothing if that was done.

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
            survey = planning.freeze(release, scope, progress)
            refuse_if_lacking(release.kinds, survey)
            plan = _plan_json(scope, survey)
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
    progress: Progress = silently,
) -> Release:
    """Requests and plans at once; raises what `request_release` and `freeze_plan` raise."""
    release = request_release(
        filter=filter, kinds=kinds, name=name, created_by=created_by, destination=destination, at=at
    )
    freeze_plan(release=release, progress=progress)
    return release


def start_release(
    *, filter: ReleaseFilter, kinds: Sequence[str], name: str = "", created_by: User, at: datetime | None = None
) -> Release:
    """Requests a release into the store and lets the workers plan and build it."""
    from ratings.tasks import plan_release as plan_task  # the tasks call back into this module

    check_rate(key=f"release:{created_by.pk}", limit=20, seconds=3600)
    release = request_release(filter=filter, kinds=kinds, name=name, created_by=created_by, at=at)
    plan_task.delay_on_commit(release.pk)  # type: ignore[attr-defined]  # DjangoTask, not yet in celery-types
    return release


def refuse_if_lacking(kinds: Sequence[str], survey: Survey) -> None:
    """Raises Refused, with the counts, for a release without a row, or without a row where one must be."""
    if not survey.rows:
        raise Refused("release_empty", _("Nothing would leave: no row passed the filter and the consents."), status=409)
    missing = manifest.missing_splits(kinds, survey)
    if missing:
        counts = ", ".join(f"{kind}/{split} {survey.count(kind, split)}" for kind, split in _required(kinds))
        message = _(
            "Trainers need at least one pair in train and in validation, and there is none in %(missing)s "
            "(rows found: %(counts)s). Splits follow from the prompt, so more prompts with votes will fill them."
        )
        raise Refused("split_empty", message % {"missing": ", ".join(missing), "counts": counts}, status=409)


def _required(kinds: Sequence[str]) -> list[tuple[str, str]]:
    return [(kind, split) for kind in kinds for split in FORMATS[kind].required]


def fail_release(*, release: Release, why: str) -> None:
    """Ends an unfinished release with a sentence; nothing of it stays."""
    state = {"state": Release.State.FAILED, "failure": why[:500]}
    if Release.objects.unfinished().filter(pk=release.pk).update(**state):
        discard_release(release=release)


def cancel_release(*, release: Release) -> bool:
    """Stops an unfinished release; returns whether there was one to stop."""
    stopped = Release.objects.unfinished().filter(pk=release.pk).update(state=Release.State.CANCELLED)
    if stopped:
        discard_later(release)
    return bool(stopped)


def discard_later(release: Release) -> None:
    """Has a worker remove what is left of a release that ended, once this is committed."""
    from ratings.tasks import discard_release as discard_task  # the tasks call back into this module

    discard_task.delay_on_commit(release.pk)  # type: ignore[attr-defined]  # DjangoTask, not yet in celery-types


def discard_release(*, release: Release) -> None:
    """Removes the files and frozen rows of a release that ended without being published, or was withdrawn."""
    release.refresh_from_db()
    if release.state in (Release.State.FAILED, Release.State.CANCELLED, Release.State.WITHDRAWN):
        if release.state != Release.State.WITHDRAWN or not release.destination:
            destination_of(release).discard()
        release.shards.all().delete()


def forget_member(user: User, at: datetime | None = None) -> None:
    """Takes a member's answers and pictures, and what was made from these, out of every release.

    Unfinished ones leave them out, published ones are withdrawn and followed by a point release. Call inside a
    transaction.
    """
    pictures = removal.descendants(Image.objects.filter(author=user).values_list("pk", flat=True))
    forget(members={user.pk}, pictures=pictures, at=at)


def forget(*, members: Collection[int], pictures: Collection[int], at: datetime | None = None) -> int:
    """Takes rows out of every release that stand on deleted members or pictures (ids); returns how many went.

    Published releases that lose a row are withdrawn at once, and their links die; those in the store are followed
    by a point release without the row. One in a folder is somebody's copy by now: it is marked, not touched.
    """
    from ratings.tasks import follow_release  # the tasks call back into this module

    now = at or timezone.now()
    removed = 0
    with transaction.atomic():
        standing = Q(raters__overlap=list(members)) | Q(images__overlap=list(pictures))
        held = Release.objects.filter(pk__in=ReleaseBlock.objects.filter(standing).values("shard__release"))
        concerned = list(held.order_by("pk"))
        gone = removal.with_twins(concerned, pictures)
        for release in concerned:
            removed += removal.remove_rows(release, members, gone, now)
            published = Release.objects.filter(pk=release.pk, state=Release.State.PUBLISHED)
            if published.update(state=Release.State.WITHDRAWN) and not release.destination:
                follow_release.delay_on_commit(release.pk)  # type: ignore[attr-defined]  # DjangoTask
    return removed


def forget_deleted_pictures(*, at: datetime | None = None) -> int:
    """Takes pictures that were deleted since the last look (at most `REACH` ago) out of every release.

    Deleting happens below this app, which learns of it by looking: one small query when there is nothing to do, for a
    release holds no picture that was deleted before it was planned. Returns how many rows went.
    """
    now = at or timezone.now()
    looked: datetime | None = cache.get(FORGOTTEN)
    since = now - REACH if looked is None else max(now - REACH, looked - OVERLAP)
    deleted = set(Image.objects.filter(deleted_at__gte=since).values_list("pk", flat=True))
    is_held = bool(deleted) and ReleaseBlock.objects.filter(images__overlap=list(deleted)).exists()
    removed = forget(members=set(), pictures=deleted, at=now) if is_held else 0
    cache.set(FORGOTTEN, now, timeout=None)
    return removed


def _ordered(kinds: Sequence[str]) -> list[str]:
    return [kind for kind in FORMATS if kind in kinds]


def _plan_json(scope: Scope, survey: Survey) -> dict[str, Any]:
    dropped = {kind: dict(reasons.most_common()) for kind, reasons in scope.dropped.items()}
    return survey.as_json() | {"dropped": dropped}
