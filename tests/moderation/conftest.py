"""Cases about members: the only targets that moderation itself knows."""

from typing import Protocol

import pytest

from accounts.models import Role, User
from moderation.cases.services import report_target
from moderation.models import Case
from tests.conftest import MakeMember


class ReportMember(Protocol):
    def __call__(self, target: User, reporter: User, reason: str = "hate") -> Case: ...


@pytest.fixture
def report_member() -> ReportMember:
    """``report_member(mallory, bob)``: bob reports mallory; the case."""

    def report(target: User, reporter: User, reason: str = "hate") -> Case:
        return report_target(target=target, reporter=reporter, reason=reason).case

    return report


@pytest.fixture
def mia(make_member: MakeMember) -> User:
    """A second moderator."""
    return make_member("mia", Role.MODERATOR)


@pytest.fixture
def steve(make_member: MakeMember) -> User:
    """Staff, to whom moderators escalate."""
    return make_member("steve", Role.STAFF)
