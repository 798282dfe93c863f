from celery import shared_task
from django.utils import timezone

from moderation.cases import alarms
from moderation.cases import services as case_services
from moderation.decisions import mails
from moderation.evidence import services as evidence_services
from moderation.hashes import sweeping
from moderation.notices import services as notice_services
from moderation.restrictions import services as restriction_services


@shared_task(name="moderation.release_claims")
def release_claims() -> None:
    """Cases whose moderator went away return to the queue, and bans that ran out end."""
    case_services.release_expired_claims()
    restriction_services.end_expired_restrictions()


@shared_task(name="moderation.raise_alarms")
def raise_alarms() -> None:
    """Mails about cases near their deadline, and past it."""
    alarms.raise_alarms(at=timezone.now())


@shared_task(name="moderation.mail_alarm", autoretry_for=(OSError,), retry_backoff=30, max_retries=8)
def mail_alarm(user_id: int, case_ids: list[int]) -> None:
    alarms.mail_alarm(user_id=user_id, case_ids=case_ids)


@shared_task(name="moderation.copy_evidence")
def copy_evidence() -> None:
    """Pictures of new cases get moderation's own copy; beat sends the task again for what was lost."""
    evidence_services.take_missing_evidence(at=timezone.now())
    evidence_services.copy_pictures()


@shared_task(name="moderation.forget_evidence")
def forget_evidence() -> None:
    """Deletes evidence whose retention ended, and who sent notices about it."""
    while evidence_services.forget_evidence(at=timezone.now()):
        pass
    notice_services.forget_senders(at=timezone.now())


@shared_task(name="moderation.sweep_hashes")
def sweep_hashes() -> None:
    """Holds what is published and near to a new hash of the blocklist; shows again what a lifted one held."""
    sweeping.sweep_blocklist(at=timezone.now())
    sweeping.release_lifted(at=timezone.now())


@shared_task(name="moderation.send_statement", autoretry_for=(OSError,), retry_backoff=30, max_retries=8)
def send_statement(decision_id: int) -> None:
    """Mails a statement of reasons; again while the mail server does not take it."""
    mails.send_statement(decision_id=decision_id)


@shared_task(name="moderation.send_receipt", autoretry_for=(OSError,), retry_backoff=30, max_retries=8)
def send_receipt(notice_id: int) -> None:
    notice_services.send_receipt(notice_id=notice_id)


@shared_task(name="moderation.answer_senders", autoretry_for=(OSError,), retry_backoff=30, max_retries=8)
def answer_senders(case_id: int) -> None:
    notice_services.answer_senders(case_id=case_id)
