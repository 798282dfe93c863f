"""Eight moderators on a thousand cases at once, one of whom vanishes."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.models import Role, User
from lib.errors import Refused
from moderation.cases.services import claim_case, open_related_cases, release_expired_claims
from moderation.decisions.reversal import undo_decision
from moderation.decisions.services import decide_case
from moderation.models import Case, Decision
from tests.conftest import MakeMember

CASES, MODERATORS = 1_000, 8


@pytest.mark.long
@pytest.mark.timeout(1_500)
@pytest.mark.django_db(transaction=True)
def test_none_is_decided_twice_and_none_is_lost(make_member: MakeMember) -> None:
    crowd = [make_member(f"mod{n}", Role.MODERATOR) for n in range(MODERATORS)]
    members = User.objects.bulk_create([User(username=f"member{n}") for n in range(CASES)])
    open_related_cases(targets=members, severity=2, at=timezone.now())
    barrier = threading.Barrier(MODERATORS)
    taken: Counter[int] = Counter()
    undone: list[int] = []
    lock = threading.Lock()

    def work(moderator: User) -> None:
        try:
            barrier.wait(timeout=60)
            number = 0
            while case := claim_case(moderator=moderator):
                number += 1
                if moderator == crowd[0] and number == 5:
                    return  # vanishes with a case in hand
                decision = decide_case(case=case, moderator=moderator, action=Decision.Action.APPROVE)
                if number % 50 == 0:
                    undo_decision(decision=decision, moderator=moderator)
                    decide_case(case=case, moderator=moderator, action=Decision.Action.APPROVE)
                    with lock:
                        undone.append(case.pk)
                with lock:
                    taken[case.pk] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[each]) for each in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=1_200)
    assert max(taken.values()) == 1
    abandoned = Case.objects.unclosed().get()
    assert (sum(taken.values()), abandoned.claimed_by) == (CASES - 1, crowd[0])
    assert claim_case(moderator=crowd[1]) is None, "it is still theirs"
    later = timezone.now() + timedelta(minutes=16)
    assert release_expired_claims(at=later) == 1
    assert claim_case(moderator=crowd[1], at=later) == abandoned
    with pytest.raises(Refused):
        decide_case(case=abandoned, moderator=crowd[0], action=Decision.Action.APPROVE, at=later)
    decide_case(case=abandoned, moderator=crowd[1], action=Decision.Action.APPROVE, at=later)
    decisions = Counter(Decision.objects.filter(reversed_by=None, reverses=None).values_list("case", flat=True))
    assert (len(decisions), max(decisions.values())) == (CASES, 1)
    assert Decision.objects.exclude(reverses=None).count() == len(undone) > 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
