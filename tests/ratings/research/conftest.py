"""People who answer."""

import pytest

from accounts.models import User
from tests.conftest import MakeMember


@pytest.fixture
def crowd(make_member: MakeMember) -> list[User]:
    return [make_member(f"rater{n}") for n in range(6)]
