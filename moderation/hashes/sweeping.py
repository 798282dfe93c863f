"""What was published before its hash was blocked is held; what a lifted hash alone holds is shown again."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction

from lib.images import NEAR_PDQ_DISTANCE, turn_hash
from moderation.cases.models import Case
from moderation.cases.services import open_case
from moderation.decisions.models import Decision
from moderation.decisions.reversal import reverse_decision
from moderation.decisions.services import notify_author, run_effects
from moderation.hashes.models import BlockedHash
from moderation.hashes.services import find_nearest, to_words
from moderation.policy import POLICY, POLICY_VERSION, Reason
from moderation.pseudonyms import MACHINE, pseudonym
from moderation.targets import TargetAdapter, adapter_of, adapters, load_target, target_type

AT_ONCE = 100  # hashes that are compared with every picture
BULK = 1_000  # from so many on, every picture is looked up in the index instead


def sweep_blocklist(*, at: datetime) -> int:
    """Holds what is published and near to a hash that is new on the list, turned or mirrored too; returns how many.

    Going through all pictures takes some 15 seconds a million for a hundred hashes; for a list of more than a thousand,
    one look-up a picture. Idempotent.
    """
    waiting = BlockedHash.objects.filter(lifted_at=None, swept_at=None).order_by("pk")
    held = 0
    while rows := list(waiting[:AT_ONCE]):
        if waiting.count() > BULK:
            newest = waiting.reverse()[0].pk
            held += sum(_hold(adapter, pk, found.id, at) for adapter, pk, found in _looked_up())
            waiting.filter(pk__lte=newest).update(swept_at=at)
        else:
            held += sum(_hold(adapter, pk, blocked, at) for adapter, pk, blocked in _compared(rows))
            waiting.filter(pk__in=[row.pk for row in rows]).update(swept_at=at)
    return held


def _pictures() -> Iterator[tuple[TargetAdapter[Any], list[tuple[int, str]]]]:
    """Ids and hashes of what is published, range by range."""
    for adapter in adapters():
        first = 0
        while part := adapter.hashes_from(first):
            yield adapter, part
            first = part[-1][0] + 1


def _looked_up() -> Iterator[tuple[TargetAdapter[Any], int, Any]]:
    for adapter, part in _pictures():
        for pk, pdq in part:
            found = find_nearest([pdq])
            if found is not None:
                yield adapter, pk, found


def _compared(rows: Sequence[BlockedHash]) -> Iterator[tuple[TargetAdapter[Any], int, int]]:
    turned = [(row.pk, to_words(turn_hash(str(row.pdq)))) for row in rows]
    for adapter, part in _pictures():
        words = to_words([pdq for _pk, pdq in part])
        for blocked, ways in turned:
            apart = np.bitwise_count(words[:, None, :] ^ ways[None, :, :]).sum(axis=2).min(axis=1)
            for place in np.flatnonzero(apart <= NEAR_PDQ_DISTANCE):
                yield adapter, part[place][0], blocked


def _hold(adapter: TargetAdapter[Any], pk: int, blocked: int, at: datetime) -> bool:
    """The machine's decision, with a case for a moderator; False when it is hidden already."""
    with transaction.atomic():
        target = adapter.model._base_manager.select_for_update(no_key=True).filter(pk=pk).first()
        if target is None or adapter.is_hidden(target) or adapter.is_deleted(target):
            return False
        severity = POLICY[Reason.NEAR_DUPLICATE].severity
        case, author = (
            open_case(target=target, origin=Case.Origin.HASH, severity=severity, at=at),
            adapter.author(target),
        )
        decision = Decision.objects.create(
            case=case,
            target_type=target_type(target),
            target_id=pk,
            action=Decision.Action.HOLD,
            reason=Reason.NEAR_DUPLICATE,
            actor_pseudonym=MACHINE,
            author_pseudonym=pseudonym(author.pk) if author is not None else "",
            scores={"blocked_hash": blocked, "was_hidden": False},
            policy_version=POLICY_VERSION,
            decided_at=at,
        )
        run_effects(decision, target)
        notify_author(decision, author, at)
    return True


def release_lifted(*, at: datetime) -> int:
    """Shows again what a sweep held by a hash that was lifted since, if no other hash is near; returns how many."""
    held = Decision.objects.filter(
        actor_pseudonym=MACHINE, action=Decision.Action.HOLD, reason=Reason.NEAR_DUPLICATE, reversed_by=None,
        case__in=Case.objects.unclosed().filter(origin=Case.Origin.HASH),
    )  # fmt: skip
    lifted = BlockedHash.objects.exclude(lifted_at=None)
    released = 0
    for decision in held.select_related("case__author").order_by("pk"):
        if lifted.filter(pk=decision.scores.get("blocked_hash")).exists():
            released += _release(decision, at)
    return released


def _release(decision: Decision, at: datetime) -> bool:
    target, case = load_target(decision.target_type, decision.target_id), decision.case
    pdq = adapter_of(target).pdq(target) if target is not None else None
    if case is None or (pdq is not None and find_nearest([pdq]) is not None):
        return False
    with transaction.atomic():
        closed = Case.objects.unclosed().filter(pk=case.pk, reports=None)
        if not closed.update(state=Case.State.CLOSED, closed_at=at, claimed_by=None, claimed_until=None):
            return False  # a member reported it as well: a moderator decides
        reverse_decision(decision=decision, actor=MACHINE, reason=Reason.UNDONE, author=case.author, at=at)
    return True
