"""Cases: opened by screenings and reports, merged, claimed by one moderator at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from moderation.cases.models import Case, CaseNote, Report
from moderation.evidence.services import take_evidence, take_first_evidence
from moderation.policy import POLICY, Reason, severity_of
from moderation.screening.models import Screening
from moderation.screening.observations import Verdict
from moderation.targets import adapter_of, is_visible, target_type

CLAIM = timedelta(minutes=15)
INTIMATE_CLOCK = timedelta(hours=48)  # intimate pictures of real people must be dealt with by then
REPORTS_AN_HOUR = 20
HELD = (Screening.Verdict.HOLD, Screening.Verdict.REJECT)


def record_screening(
    *, verdict: Verdict, target: models.Model | None = None, author: User | None = None, at: datetime | None = None
) -> Screening:
    """Keeps what the checkers saw; a target that was held or refused gets a case."""
    now = at or timezone.now()
    with transaction.atomic():
        screening = Screening.objects.create(
            target_type=target_type(target) if target is not None else "",
            target_id=target.pk if target is not None else None,
            author=author,
            verdict=verdict.verdict,
            level=verdict.level,
            reasons=verdict.reasons,
            matched_text=verdict.matched_text,
            observations=[seen.record() for seen in verdict.observations],
            policy_version=verdict.policy_version,
            created_at=now,
        )
        if target is not None and verdict.verdict in HELD:
            open_case(target=target, origin="screening", severity=severity_of(verdict.reasons), at=now)
    return screening


def open_case(
    *,
    target: models.Model,
    origin: str,
    severity: int,
    at: datetime | None = None,
    due_at: datetime | None = None,
) -> Case:
    """The one unclosed case about `target`, a new one if need be; severity and clock only get more pressing.

    What the target says now is kept with the case.
    """
    now = at or timezone.now()
    fresh = _new_case(target, adapter_of(target).reach(target), origin=origin, severity=severity, at=now)
    with transaction.atomic():
        # A loser of the race for the unique index finds the winner's row.
        case, is_new = Case.objects.unclosed().get_or_create(
            target_type=fresh.target_type,
            target_id=fresh.target_id,
            defaults={
                "author": fresh.author,
                "severity": severity,
                "reach": fresh.reach,
                "origin": origin,
                "opened_at": now,
                "due_at": due_at,
            },
        )
        if not is_new:
            case = Case.objects.select_for_update().get(pk=case.pk)
            case.severity, case.reach = max(case.severity, severity), fresh.reach
            case.due_at = min((each for each in (case.due_at, due_at) if each is not None), default=None)
            case.save(update_fields=["severity", "reach", "due_at"])
        take_evidence(case=case, target=target, at=now)
    return case


def open_related_cases(*, targets: Sequence[models.Model], severity: int, at: datetime) -> None:
    """One unclosed case about each of these targets of one kind, in a few statements however many there are.

    One that is open already keeps its origin, author and clock; its severity only rises.
    """
    if not targets:
        return
    reaches = adapter_of(targets[0]).reaches(list(targets))
    cases = [
        _new_case(target, reach, origin=Case.Origin.RELATED, severity=severity, at=at)
        for target, reach in zip(targets, reaches, strict=True)
    ]
    with transaction.atomic():
        same = Case.objects.unclosed().filter(
            target_type=cases[0].target_type, target_id__in=[case.target_id for case in cases]
        )
        same.filter(severity__lt=severity).update(severity=severity)
        # The unique index passes over those that are open, also those that somebody opens just now.
        Case.objects.bulk_create(cases, ignore_conflicts=True)
        opened = {case.target_id: case for case in same.filter(evidence=None)}
        about = [target for target in targets if target.pk in opened]
        take_first_evidence(cases=[opened[target.pk] for target in about], targets=about, at=at)


def _new_case(target: models.Model, reach: int, *, origin: str, severity: int, at: datetime) -> Case:
    return Case(
        target_type=target_type(target),
        target_id=target.pk,
        author=adapter_of(target).author(target),
        severity=severity,
        reach=reach,
        origin=origin,
        opened_at=at,
    )


def report_target(
    *, target: models.Model, reporter: User, reason: str, note: str = "", at: datetime | None = None
) -> Report:
    """One member's report; a second one of the same case changes nothing. Unseen targets are not found."""
    now = at or timezone.now()
    if reason not in Report.Reason.values:
        message = _("Choose one of the reasons.")
        raise Refused("unknown_reason", message, fields={"reason": [message]})
    if not is_visible(target, reporter, now):
        raise NotFound(_("There is nothing here that you could report."))
    if adapter_of(target).author(target) == reporter:
        raise Refused("own", _("This is yours. You can take it down yourself."))
    check_rate(key=f"report:{reporter.pk}", limit=REPORTS_AN_HOUR, seconds=3600)
    due_at = now + INTIMATE_CLOCK if reason == Report.Reason.INTIMATE else None
    with transaction.atomic():
        case = open_case(target=target, origin="report", severity=_severity(reason), at=now, due_at=due_at)
        report, _is_new = Report.objects.get_or_create(
            case=case, reporter=reporter, defaults={"reason": reason, "note": note[:2000], "created_at": now}
        )
    return report


def _severity(reason: str) -> int:
    return POLICY[Reason(reason)].severity if reason in Reason.values else POLICY[Reason.OTHER].severity


def claim_case(*, moderator: User, case: Case | None = None, at: datetime | None = None) -> Case | None:
    """Gives a moderator the case they hold already, else `case` or the most pressing one; None when there is none.

    SKIP LOCKED keeps moderators who press at the same time from waiting for each other, and the
    conditional UPDATE from ever holding the same case. A `case` that somebody else holds is Refused (409).
    """
    now = at or timezone.now()
    held = Case.objects.held_by(moderator, now)
    with transaction.atomic():
        mine = (held.filter(pk=case.pk) if case is not None else held).first()
        free = Case.objects.claimable(moderator, now)
        free = free.filter(pk=case.pk) if case is not None else free.pressing(now)
        found = mine or free.select_for_update(skip_locked=True, of=("self",)).first()
        if found is not None and _take(found, moderator, now):
            return found
    if case is not None:
        raise Refused("taken", _("Somebody else holds this case, or it is closed. Claim the next one."), status=409)
    return None


def _take(case: Case, moderator: User, at: datetime) -> bool:
    takeable = Case.objects.claimable(moderator, at) | Case.objects.held_by(moderator, at)
    taken = takeable.filter(pk=case.pk).update(state=Case.State.CLAIMED, claimed_by=moderator, claimed_until=at + CLAIM)
    case.state, case.claimed_by, case.claimed_until = Case.State.CLAIMED, moderator, at + CLAIM
    return bool(taken)


def release_case(*, case: Case, moderator: User, at: datetime | None = None) -> None:
    """Puts a case that the moderator holds back into the queue; one they no longer hold stays as it is."""
    mine = Case.objects.held_by(moderator, at or timezone.now()).filter(pk=case.pk)
    mine.update(state=Case.State.OPEN, claimed_by=None, claimed_until=None)


def add_note(*, case: Case, author: User, text: str, at: datetime | None = None) -> CaseNote:
    """What one moderator leaves for the others."""
    if not text.strip():
        message = _("Write something first.")
        raise Refused("empty", message, fields={"text": [message]})
    return CaseNote.objects.create(case=case, author=author, text=text.strip()[:2000], created_at=at or timezone.now())


def release_expired_claims(*, at: datetime | None = None) -> int:
    """Puts cases back whose claim ran out; returns how many."""
    expired = Case.objects.filter(state=Case.State.CLAIMED, claimed_until__lte=at or timezone.now())
    return expired.update(state=Case.State.OPEN, claimed_by=None, claimed_until=None)
