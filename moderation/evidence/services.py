"""Evidence: taken when a case is opened or reported again, kept until some time after the decision.

The words are copied in the transaction of the report. A picture is copied by a task soon after, and at the latest
before its files are deleted (`copy_pictures`).
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import models

from lib.tasks import enqueue_on_commit
from moderation.cases.models import Case
from moderation.decisions.models import Decision
from moderation.evidence.models import Evidence
from moderation.policy import Reason
from moderation.targets import adapter_of, load_target

AT_ONCE = 200
KEPT_LONGER = timedelta(days=365)  # what the law wants preserved: see docs/moderation.md
log = structlog.get_logger(__name__)


def take_evidence(*, case: Case, target: models.Model, at: datetime) -> None:
    """Copies what `target` says now into the case, unless it holds exactly that. Call inside a transaction.

    It locks the target, so that an author who deletes it at this moment waits until the copy is there.
    """
    now = type(target)._base_manager.select_for_update(no_key=True).filter(pk=target.pk).first()
    row = _evidence(case, now or target, at)
    if not Evidence.objects.filter(case=case, text=row.text, source=row.source).exists():
        row.save()
        _request_copies([row])


def take_first_evidence(*, cases: Sequence[Case], targets: Sequence[models.Model], at: datetime) -> None:
    """The same for new cases, in one statement. Call inside a transaction."""
    rows = [_evidence(case, target, at) for case, target in zip(cases, targets, strict=True)]
    _request_copies(Evidence.objects.bulk_create(rows))


def _evidence(case: Case, target: models.Model, at: datetime) -> Evidence:
    adapter = adapter_of(target)
    author = adapter.author(target)
    return Evidence(
        case=case,
        text=adapter.text(target),
        author_name=author.username if author is not None else "",
        source=adapter.picture_file(target),
        pdq=adapter.pdq(target),
        taken_at=at,
    )


def _request_copies(rows: Iterable[Evidence]) -> None:
    if any(row.source for row in rows):
        enqueue_on_commit("moderation.copy_evidence")  # by name: the module of the task imports this one


def copy_pictures(*, sources: Iterable[str] | None = None) -> int:
    """Copies pictures of the evidence into moderation's own files; returns how many.

    Call it with the files (`sources`) that are about to be deleted, before that; without, it copies what waits,
    the oldest first. A store that does not answer raises, so nothing is deleted that was not copied.
    """
    waiting = Evidence.objects.uncopied().order_by("pk")
    rows = waiting[:AT_ONCE] if sources is None else waiting.filter(source__in=list(sources))
    return sum(_copy(row) for row in rows)


def _copy(row: Evidence) -> bool:
    """Files before rows; of two that copy at the same time, one row wins and the other's file goes again."""
    name = f"evidence/{row.case_id}/{secrets.token_hex(16)}.png"
    try:
        with default_storage.open(row.source) as stream:
            default_storage.save(name, stream)
    except FileNotFoundError:
        log.error("evidence_lost", evidence=row.pk)
        Evidence.objects.filter(pk=row.pk, file="").update(source="")
        return False
    if not Evidence.objects.filter(pk=row.pk, file="").update(file=name):
        default_storage.delete(name)
        return False
    return True


def take_missing_evidence(*, at: datetime) -> int:
    """Takes evidence for open cases that have none (of a version that took none); returns how many."""
    cases = Case.objects.unclosed().filter(evidence=None).order_by("pk")[:AT_ONCE]
    taken = 0
    for case in cases:
        target = load_target(case.target_type, case.target_id)
        if target is not None:
            take_evidence(case=case, target=target, at=at)
            taken += 1
    return taken


def set_retention(*, case: Case, reason: str, at: datetime) -> None:
    """Starts the retention of a decided case. Call inside the decision's transaction."""
    kept = KEPT_LONGER if reason == Reason.MINOR else timedelta(days=settings.EVIDENCE_DAYS)
    Evidence.objects.filter(case=case).update(expires_at=at + kept)


def is_sealed(*, file: str) -> bool:
    """Whether a picture's file is evidence of something removed as sexualising a minor: nobody but staff opens it."""
    removed = Decision.objects.filter(action=Decision.Action.REMOVE, reason=Reason.MINOR, reversed_by=None)
    return Evidence.objects.filter(source=file, case__in=removed.values("case")).exclude(source="").exists()


def end_retention(*, case: Case) -> None:
    """The case is open again: its evidence is kept until it is decided."""
    Evidence.objects.filter(case=case).update(expires_at=None)


def forget_evidence(*, at: datetime) -> int:
    """Deletes evidence whose retention ended, rows first; returns how many.

    A file whose row is gone and that could not be deleted is named in the log.
    """
    rows = list(Evidence.objects.expired(at).order_by("pk")[:AT_ONCE])
    Evidence.objects.filter(pk__in=[row.pk for row in rows]).delete()
    for row in rows:
        if row.file:
            _delete_file(row.file)
    return len(rows)


def _delete_file(name: str) -> None:
    try:
        default_storage.delete(name)
    except OSError:
        log.exception("evidence_file_left", file=name)


def latest_evidence(case: Case) -> Evidence | None:
    return Evidence.objects.filter(case=case).order_by("-pk").first()
